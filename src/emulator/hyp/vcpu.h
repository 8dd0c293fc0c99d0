// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"
#include "emulator/hyp/debugger.h"
#include "emulator/hyp/power.h"
#include "emulator/hyp/profile.h"
#include "emulator/hyp/vm.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace gh::hyp {

/// One vCPU: a PE and what the hypervisor knows about it. run() and wait_for_wakeup() belong to its
/// thread, the rest to any.
class Vcpu {
public:
    Vcpu(cpu::Cluster& cluster, cpu::Platform& platform, Power& power, unsigned index,
         const VmConfig& config);

    VcpuRunResult run(const Resume& resume) noexcept;
    void wait_for_wakeup() noexcept;
    void kick() noexcept;
    /// There may be something to do: an interrupt, a start, the end of the VM.
    void wake() noexcept;
    void set_irq(bool asserted) noexcept;
    [[nodiscard]] cpu::Cpu& pe() noexcept { return cpu_; }

    /// From the PE, which leaves: a page is wanted, or there is something to do that cannot be done
    /// while it runs.
    void set_page_fault(std::uint64_t ipa, cpu::AccessKind kind) noexcept;
    void defer(std::function<void()> errand) noexcept { errand_ = std::move(errand); }

    /// Where its time goes, if somebody asks; else nullptr. Its thread.
    [[nodiscard]] VcpuProfile* profile() const noexcept { return profile_.get(); }
    /// The whole of it; the vCPU must not run any more.
    [[nodiscard]] std::unique_ptr<VcpuProfile> finish_profile() noexcept;

private:
    void answer_mmio(const Resume& resume) noexcept;
    [[nodiscard]] VcpuRunResult mmio_result() const noexcept;
    /// What keeps the PE from running now; nullopt if nothing does.
    std::optional<VcpuRunResult> obstacle() noexcept;
    std::optional<VcpuRunResult> asleep() noexcept;
    void begin() noexcept;
    void reset(const Start& start) noexcept;
    void sleep() noexcept;
    VcpuRunResult run_debugged(const Resume& resume) noexcept;
    VcpuRunResult run_profiled() noexcept;
    VcpuRunResult run_guest() noexcept;
    [[nodiscard]] bool has_work() noexcept;

    Power& power_;
    unsigned index_;
    Debugger* const debugger_;              // nullptr: nobody
    std::unique_ptr<VcpuProfile> profile_;  // outlives the PE
    cpu::Cpu cpu_;
    std::uint64_t profile_begin_ = 0;
    bool mmio_pending_ = false;
    std::optional<Resume> answer_;              // to that, not given yet
    std::optional<cpu::DebugStop> debug_stop_;  // why it has just left
    std::optional<VcpuRunResult> page_fault_;
    std::function<void()> errand_;
    bool in_wfi_ = false;
    std::atomic<bool> kicked_{false};
    std::atomic<std::uint32_t> wakeups_{0};
};

}  // namespace gh::hyp
