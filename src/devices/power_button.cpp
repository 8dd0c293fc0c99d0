// SPDX-License-Identifier: BSD-3-Clause
#include "devices/power_button.h"

namespace gh {
namespace {

// Linux looks at the line when it has been quiet for 5 ms; a guest whose vCPUs get little of the
// host needs more.
constexpr DeviceTimer::Time kPressed = std::chrono::milliseconds(200);

}  // namespace

PowerButton::PowerButton(Poller& poller) : timer_(poller, CLOCK_MONOTONIC, [this] { release(); }) {}

bool PowerButton::press() noexcept
{
    const std::scoped_lock lock(gpio_.door());
    if (!gpio_.is_heeded(kLine))
        return false;
    gpio_.drive(kLine, true);
    up_at_ = timer_.now() + kPressed;
    timer_.set(up_at_);
    return true;
}

void PowerButton::release() noexcept
{
    const std::scoped_lock lock(gpio_.door());
    if (timer_.now() >= up_at_)
        gpio_.drive(kLine, false);
}

}  // namespace gh
