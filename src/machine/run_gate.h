// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace gh::machine {

/// What a vCPU's thread passes before each VCPU_RUN: closed, the vCPU is paused. A run that is
/// under way is brought out by an interrupt, but never one that may still have to deliver the
/// answer to a read: the kernel would drop it (gunyah-uapi.md 2.7), and the guest would see zeros.
class RunGate {
public:
    using Clock = std::chrono::steady_clock;

    /// The vCPU's thread, before a run: waits while the gate is closed. `carries`: an answer goes
    /// with it.
    void enter(bool carries);
    /// The vCPU's thread, after it. True if an interrupt was sent that the run may not have seen.
    [[nodiscard]] bool leave();

    /// Any thread.
    void close();
    void open();
    /// The thread waits before the closed gate.
    [[nodiscard]] bool holds();
    /// Interrupts a run that has nothing to lose, if there is one.
    void nudge(const std::function<void()>& interrupt, Clock::time_point now = Clock::now());

    /// How long after its begin a run has surely delivered its answer: thousands of times what
    /// entering the kernel takes.
    static constexpr std::chrono::milliseconds kDelivered{50};

private:
    std::mutex mutex_;  // guards the rest
    std::condition_variable changed_;
    bool closed_ = false;
    bool waits_ = false;
    bool inside_ = false;
    bool nudged_ = false;
    bool carries_ = false;
    Clock::time_point entered_{};
};

}  // namespace gh::machine
