// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"

#include <atomic>
#include <cstdint>

namespace gh {

/// A device's interrupt output: an eventfd that the kernel turns into a ring of a doorbell. Edges
/// only, and rings may merge, so a device pulses for each new reason to look at it.
class IrqLine {
public:
    void pulse() const noexcept
    {
        pulses_.fetch_add(1, std::memory_order_relaxed);
        event_.signal();
    }
    /// How often so far. Any thread.
    [[nodiscard]] std::uint64_t pulses() const noexcept { return pulses_.load(); }
    [[nodiscard]] const EventFd& event() const noexcept { return event_; }

private:
    EventFd event_;
    std::atomic<std::uint64_t> mutable pulses_{0};
};

}  // namespace gh
