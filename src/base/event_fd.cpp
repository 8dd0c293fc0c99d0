// SPDX-License-Identifier: BSD-3-Clause
#include "base/event_fd.h"

#include "base/error.h"

#include <sys/eventfd.h>

namespace gh {

EventFd::EventFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
    if (!fd_)
        throw_errno("eventfd");
}

void EventFd::signal(std::uint64_t count) const noexcept
{
    // A full counter (EAGAIN) already says all that a signal can say.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &count, sizeof(count));
}

std::uint64_t EventFd::drain() const noexcept
{
    std::uint64_t count = 0;
    return ::read(fd_.get(), &count, sizeof(count)) == sizeof(count) ? count : 0;
}

}  // namespace gh
