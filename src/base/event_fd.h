// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <cstdint>

namespace gh {

/// A kernel event counter (eventfd(2), non-blocking): the wire between threads, irqfd and
/// ioeventfd. Any thread may signal or drain.
class EventFd {
public:
    EventFd();

    void signal(std::uint64_t count = 1) const noexcept;
    /// Takes the whole count; 0 if nothing was signalled.
    std::uint64_t drain() const noexcept;
    [[nodiscard]] int get() const noexcept { return fd_.get(); }

private:
    Fd fd_;
};

}  // namespace gh
