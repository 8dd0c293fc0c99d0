// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/mmio_bus.h"
#include "gunyah/vcpu.h"
#include "machine/ending.h"
#include "memory/guest_memory.h"

namespace gh::machine {

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

private:
    void answer(const gunyah::MmioExit& exit);
    void answer(const gunyah::StatusExit& exit);
    void answer(const gunyah::PageFaultExit& exit);
    void answer(const gunyah::Interrupted&) {}

    [[nodiscard]] std::string describe(const gunyah::PageFaultExit& exit) const;

    gunyah::Vcpu& vcpu_;
    const MmioBus& bus_;
    const GuestMemory& memory_;
    Ending& ending_;
    Gpa faulted_{};        // where the last page fault was
    int fault_tries_ = 0;  // and how often it came again
};

}  // namespace gh::machine
