// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/vcpu.h"

#include <atomic>
#include <thread>
#include <vector>

namespace gh::hyp {

/// Runs the vCPUs that no owner runs (VmConfig::proxy), each on a thread of its own, and answers in
/// their owner's place.
class Scheduler {
public:
    Scheduler() = default;
    ~Scheduler() { stop(); }
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    /// Takes a vCPU, which must outlive this and waits for begin(). Throws Error where the host
    /// has no thread for it.
    void add(Vcpu& vcpu);
    /// Lets them run, until the VM is over. Any thread.
    void begin() noexcept;
    /// None of them runs any more, whether the VM is over or not.
    void stop() noexcept;

private:
    struct Place {
        Vcpu& vcpu;
        std::jthread thread;
    };

    std::atomic<bool> begun_{false};
    std::vector<Place> places_;
};

}  // namespace gh::hyp
