// SPDX-License-Identifier: BSD-3-Clause
#include "base/timer.h"

#include "base/error.h"

#include <cstdint>
#include <utility>

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace gh {
namespace {

Fd make_timer()
{
    Fd fd{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
    if (!fd)
        throw_errno("timerfd_create");
    return fd;
}

timespec to_timespec(std::chrono::milliseconds time)
{
    constexpr long kNanoseconds = 1'000'000;
    return {.tv_sec = static_cast<time_t>(time.count() / 1000),
            .tv_nsec = static_cast<long>(time.count() % 1000) * kNanoseconds};
}

}  // namespace

// One that was cancelled after it ran out has nothing to read, and nothing is called.
Timer::Timer(Poller& poller, std::function<void()> handler) : poller_(poller), fd_(make_timer())
{
    poller_.add(fd_.get(), EPOLLIN, [fd = fd_.get(), handler = std::move(handler)](std::uint32_t) {
        std::uint64_t count = 0;
        if (::read(fd, &count, sizeof(count)) == sizeof(count))
            handler();
    });
}

Timer::~Timer()
{
    poller_.remove(fd_.get());
}

void Timer::set(std::chrono::milliseconds first, std::chrono::milliseconds period) noexcept
{
    const itimerspec time{.it_interval = to_timespec(period), .it_value = to_timespec(first)};
    (void)::timerfd_settime(fd_.get(), 0, &time, nullptr);
}

}  // namespace gh
