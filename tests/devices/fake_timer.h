// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/device_timer.h"

#include <algorithm>
#include <optional>

namespace gh {

/// A clock that stands still until the test moves it.
class FakeTimer final : public DeviceTimer {
public:
    [[nodiscard]] Time now() const noexcept override { return time; }
    void set(Time at) noexcept override { deadline = at; }
    void clear() noexcept override { deadline.reset(); }

    /// Moves the clock, and calls `device` each time that the time-out comes.
    template <class Device>
    void pass(Time by, Device& device)
    {
        const Time end = time + by;
        while (deadline && *deadline <= end) {
            time = std::max(time, *deadline);
            deadline.reset();
            device.expired();
        }
        time = end;
    }

    Time time{};
    std::optional<Time> deadline;
};

}  // namespace gh
