// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/alarm.h"

#include "base/error.h"
#include "emulator/hyp/counter.h"

#include <algorithm>

#include <pthread.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace gh::hyp {

namespace {

Fd make_timer()
{
    Fd timer{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)};
    if (!timer)
        throw_errno("timerfd_create");
    return timer;
}

void wait(int timer)
{
    std::uint64_t expirations = 0;
    while (::read(timer, &expirations, sizeof expirations) < 0)
        GH_CHECK(errno == EINTR);
}

}  // namespace

Alarm::Alarm(std::size_t slots, std::function<void(std::size_t)> ring)
    : ring_(std::move(ring)),
      timer_(make_timer()),
      deadlines_(slots, kNever),
      thread_([this](const std::stop_token& stop) {
          ::pthread_setname_np(::pthread_self(), "timer");
          serve(stop);
      })
{
}

Alarm::~Alarm()
{
    thread_.request_stop();
    const std::scoped_lock lock(mutex_);
    arm(0);
}

void Alarm::set(std::size_t slot, std::uint64_t deadline) noexcept
{
    const std::scoped_lock lock(mutex_);
    deadlines_[slot] = deadline;
    if (deadline < armed_)
        arm(deadline);
}

void Alarm::arm(std::uint64_t deadline) noexcept
{
    // A timerfd refuses negative times and takes 0 as "off".
    const std::uint64_t ns = std::clamp<std::uint64_t>(deadline, 1, std::uint64_t{1} << 58)
                             << kTickShift;
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    when.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    GH_CHECK(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0);
    armed_ = deadline;
}

void Alarm::take_due(std::vector<std::size_t>& due) noexcept
{
    const std::scoped_lock lock(mutex_);
    const std::uint64_t now = counter_now();
    std::uint64_t next = kNever;
    for (std::size_t slot = 0; slot < deadlines_.size(); ++slot) {
        if (deadlines_[slot] <= now) {
            deadlines_[slot] = kNever;
            due.push_back(slot);
        }
        next = std::min(next, deadlines_[slot]);
    }
    armed_ = kNever;
    if (next != kNever)
        arm(next);
}

void Alarm::serve(const std::stop_token& stop)
{
    std::vector<std::size_t> due;
    due.reserve(deadlines_.size());
    while (wait(timer_.get()), !stop.stop_requested()) {
        take_due(due);
        for (const std::size_t slot : due)
            ring_(slot);
        due.clear();
    }
}

}  // namespace gh::hyp
