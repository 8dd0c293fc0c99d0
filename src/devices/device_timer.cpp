// SPDX-License-Identifier: BSD-3-Clause
#include "devices/device_timer.h"

#include "base/error.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace gh {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

HostTimer::HostTimer(Poller& poller, clockid_t clock, std::function<void()> expired)
    : poller_(poller), clock_(clock), fd_(::timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK))
{
    if (!fd_)
        throw_errno("timerfd_create");
    poller_.add(fd_.get(), EPOLLIN, [this, expired = std::move(expired)](std::uint32_t) {
        std::uint64_t count = 0;
        if (::read(fd_.get(), &count, sizeof count) == sizeof count)
            expired();
    });
}

HostTimer::~HostTimer()
{
    poller_.remove(fd_.get());
}

DeviceTimer::Time HostTimer::now() const noexcept
{
    timespec time{};
    (void)::clock_gettime(clock_, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void HostTimer::set(Time at) noexcept
{
    arm(std::max(at, Time{1}));  // zero would disarm it
}

void HostTimer::clear() noexcept
{
    arm(Time{0});
}

void HostTimer::arm(Time at) noexcept
{
    itimerspec spec{};
    spec.it_value.tv_sec = at.count() / kSecond;
    spec.it_value.tv_nsec = at.count() % kSecond;
    (void)::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

}  // namespace gh
