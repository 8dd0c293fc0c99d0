// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/mmio_bus.h"
#include "gunyah/vcpu.h"
#include "machine/ending.h"
#include "machine/run_gate.h"
#include "memory/guest_memory.h"

#include <atomic>
#include <cstdint>

#include <time.h>

namespace gh::machine {

/// What a vCPU has done so far. Its thread counts, any thread reads.
struct VcpuCounters {
    std::atomic<std::uint64_t> mmio_reads{0};
    std::atomic<std::uint64_t> mmio_writes{0};
    std::atomic<std::uint64_t> page_faults{0};
    std::atomic<std::uint64_t> interrupted{0};
};

/// The life of a vCPU in its thread: runs the guest, answers its exits, until the machine's ending
/// is requested, by this vCPU's exit or by somebody else.
class VcpuLoop {
public:
    /// All must outlive it.
    VcpuLoop(gunyah::Vcpu& vcpu, const MmioBus& bus, const GuestMemory& memory, Ending& ending)
        : vcpu_(vcpu), bus_(bus), memory_(memory), ending_(ending)
    {
    }

    /// Throws Error for what the host does not do.
    void run();

    /// Pausing, from another thread: hold(), then nudge() until held(); release() lets it go on.
    void hold() { gate_.close(); }
    void release() { gate_.open(); }
    [[nodiscard]] bool held() { return gate_.holds(); }
    void nudge()
    {
        gate_.nudge([this] { vcpu_.interrupt(); });
    }

    [[nodiscard]] const VcpuCounters& counters() const noexcept { return counters_; }
    /// The host's time that its thread has used, in seconds; 0 before and after it runs.
    [[nodiscard]] double cpu_seconds() const noexcept;

private:
    [[nodiscard]] gunyah::Exit run_once();
    void answer(const gunyah::MmioExit& exit);
    void answer(const gunyah::StatusExit& exit);
    void answer(const gunyah::PageFaultExit& exit);
    void answer(const gunyah::Interrupted&);

    [[nodiscard]] std::string describe(const gunyah::PageFaultExit& exit) const;

    gunyah::Vcpu& vcpu_;
    const MmioBus& bus_;
    const GuestMemory& memory_;
    Ending& ending_;
    RunGate gate_;
    bool carries_ = false;  // the next run takes the answer to a read along
    VcpuCounters counters_;
    std::atomic<clockid_t> clock_{CLOCK_REALTIME};  // of the thread, once it runs
    Gpa faulted_{};                                 // where the last page fault was
    int fault_tries_ = 0;                           // and how often it came again
};

}  // namespace gh::machine
