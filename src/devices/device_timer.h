// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/poller.h"

#include <chrono>
#include <functional>

#include <time.h>

namespace gh {

/// A clock of the host's and one time-out on it, as a device needs them: devices are tested against
/// a clock that the test moves. Called with the device's door held.
class DeviceTimer {
public:
    using Time = std::chrono::nanoseconds;  // since the clock's epoch

    DeviceTimer() = default;
    DeviceTimer(const DeviceTimer&) = delete;
    DeviceTimer& operator=(const DeviceTimer&) = delete;
    virtual ~DeviceTimer() = default;

    [[nodiscard]] virtual Time now() const noexcept = 0;
    /// Expires once at `at`, or at once if that is past; what was set before is forgotten.
    virtual void set(Time at) noexcept = 0;
    virtual void clear() noexcept = 0;
};

/// A timerfd(2) that the io thread watches. On CLOCK_REALTIME it follows whoever sets the host's
/// clock.
class HostTimer final : public DeviceTimer {
public:
    /// `expired` is called on the io thread, without any lock. An expiry that was under way while
    /// the timer was set anew comes too early: compare with now(). The poller must outlive this.
    HostTimer(Poller& poller, clockid_t clock, std::function<void()> expired);
    ~HostTimer() override;

    [[nodiscard]] Time now() const noexcept override;
    void set(Time at) noexcept override;
    void clear() noexcept override;

private:
    void arm(Time at) noexcept;

    Poller& poller_;
    clockid_t clock_;
    Fd fd_;
};

}  // namespace gh
