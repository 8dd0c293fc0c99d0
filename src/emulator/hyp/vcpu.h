// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"
#include "emulator/hyp/power.h"
#include "emulator/hyp/profile.h"
#include "emulator/hyp/vm.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

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
    VcpuRunResult run_profiled() noexcept;
    VcpuRunResult run_guest() noexcept;
    [[nodiscard]] bool has_work() noexcept;

    Power& power_;
    unsigned index_;
    std::unique_ptr<VcpuProfile> profile_;  // outlives the PE
    cpu::Cpu cpu_;
    std::uint64_t profile_begin_ = 0;
    bool mmio_pending_ = false;
    bool in_wfi_ = false;
    std::atomic<bool> kicked_{false};
    std::atomic<std::uint32_t> wakeups_{0};
};

}  // namespace gh::hyp
