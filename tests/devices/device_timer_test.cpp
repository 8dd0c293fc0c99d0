// SPDX-License-Identifier: BSD-3-Clause
#include "devices/device_timer.h"

#include "devices/power_button.h"

#include <doctest/doctest.h>

namespace gh {

using namespace std::chrono_literals;

TEST_CASE("a host timer calls when its time has come, also when that is past already")
{
    for (const auto wait : {20ms, 0ms, -1000ms}) {
        Poller poller;
        HostTimer timer(poller, CLOCK_MONOTONIC, [&poller] { poller.stop(); });
        const auto deadline = timer.now() + wait;
        timer.set(deadline);
        poller.run();
        CHECK(timer.now() >= deadline);
    }
}

TEST_CASE("a cleared host timer is silent")
{
    Poller poller;
    bool called = false;
    HostTimer timer(poller, CLOCK_MONOTONIC, [&called] { called = true; });
    HostTimer later(poller, CLOCK_MONOTONIC, [&poller] { poller.stop(); });
    timer.set(timer.now() + 1ms);
    timer.clear();
    later.set(later.now() + 20ms);
    poller.run();
    CHECK_FALSE(called);
}

TEST_CASE("a power button goes down and comes up again by itself")
{
    Poller poller;
    PowerButton button(poller);
    const auto is_down = [&button] {
        const std::scoped_lock lock(button.gpio().door());
        return button.gpio().read({.offset = 0x3fc, .size = 1}) != 0;
    };
    HostTimer watch(poller, CLOCK_MONOTONIC, [&] {
        if (!is_down())
            return poller.stop();
        watch.set(watch.now() + 1ms);
    });
    CHECK_FALSE(button.press());  // no driver has enabled the line's interrupt
    CHECK_FALSE(is_down());
    {
        const std::scoped_lock lock(button.gpio().door());
        button.gpio().write({.offset = 0x410, .size = 1}, 1u << PowerButton::kLine);
    }
    CHECK(button.press());
    CHECK(is_down());
    watch.set(watch.now() + 1ms);
    poller.run();
    CHECK_FALSE(is_down());
}

}  // namespace gh
