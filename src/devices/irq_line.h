// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"

namespace gh {

/// A device's interrupt output: an eventfd that the kernel turns into a ring of a doorbell. Edges
/// only, and rings may merge, so a device pulses for each new reason to look at it.
class IrqLine {
public:
    void pulse() const noexcept { event_.signal(); }
    [[nodiscard]] const EventFd& event() const noexcept { return event_; }

private:
    EventFd event_;
};

}  // namespace gh
