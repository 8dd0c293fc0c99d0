// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/vm.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace gh::hyp {

/// Where a vCPU begins after CPU_ON, vcpu_poweron or a power-down suspend: its pc and x0. None: as
/// it was left.
struct Start {
    std::optional<std::uint64_t> entry;
    std::optional<std::uint64_t> argument;
};

/// What a vCPU has in hand after CPU_SUSPEND, until its wake-up interrupt.
struct Suspension {
    std::uint64_t power_state = 0;
    std::optional<Start> resume;  // power-down: begin here; standby: go on behind the call
};

/// Which vCPUs of a VM are on, and whether the VM is over: what PSCI turns. A vCPU that is turned
/// on begins on its own thread, so nobody ever touches a running PE.
class Power {
public:
    /// `wake(vcpu)`: that vCPU has something to do. `on_exit`: see VmConfig.
    Power(const std::vector<VcpuConfig>& vcpus, std::function<void(unsigned)> wake,
          std::function<void(const VmExit&)> on_exit);

    /// The vCPU whose MPIDR has this affinity (bits 39:32 and 23:0; the rest is ignored, golden
    /// psci.cpu_on.bit40).
    [[nodiscard]] std::optional<unsigned> find(std::uint64_t mpidr) const noexcept;
    [[nodiscard]] bool is_on(unsigned vcpu) const noexcept { return vcpus_[vcpu].on.load(); }

    /// False: it is on already.
    bool turn_on(unsigned vcpu, const Start& start) noexcept;
    /// False: it is the last one that is on, and that may not go.
    bool turn_off(unsigned vcpu, bool even_last = true) noexcept;
    /// The start that a vCPU which was turned on has still to make. Its own thread.
    std::optional<Start> take_start(unsigned vcpu) noexcept;

    /// Ends the VM: tells the owner, then everybody. Only the first call counts; the others wait
    /// until it has ended. Any thread.
    void end(const VmExit& exit) noexcept;
    [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }

    /// Of one vCPU, for its own thread alone.
    struct Own {
        std::optional<Suspension> suspension;
        std::optional<VcpuRunResult> farewell;  // what its next run reports first
    };
    [[nodiscard]] Own& own(unsigned vcpu) noexcept { return vcpus_[vcpu].own; }

private:
    struct Vcpu {
        std::uint64_t affinity = 0;
        std::atomic<bool> on{false};
        std::atomic<bool> starting{false};
        Start start;
        Own own;
    };

    std::vector<Vcpu> vcpus_;
    std::function<void(unsigned)> wake_;
    std::function<void(const VmExit&)> on_exit_;
    std::mutex mutex_;  // of starts, and of who is the last
    std::atomic<bool> ending_{false};
    std::atomic<bool> ended_{false};
};

}  // namespace gh::hyp
