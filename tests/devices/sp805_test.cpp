// SPDX-License-Identifier: BSD-3-Clause
#include "devices/sp805.h"

#include "fake_timer.h"

#include <doctest/doctest.h>

namespace gh {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kLoad = 0x00, kValue = 0x04, kControl = 0x08, kClear = 0x0c;
constexpr unsigned kRaw = 0x10, kMasked = 0x14, kLock = 0xc00;

struct Fixture {
    std::uint32_t in(unsigned offset)
    {
        return static_cast<std::uint32_t>(dog.read({.offset = offset, .size = 4}));
    }
    void out(unsigned offset, std::uint32_t value)
    {
        dog.write({.offset = offset, .size = 4}, value);
    }
    // sp805_wdt's wdt_config(): half the time-out, since it takes two zeros to bite.
    void start(std::uint32_t seconds)
    {
        out(kLock, 0x1acce551);
        out(kLoad, Sp805::kClock / 2 * seconds - 1);
        out(kClear, 1);
        out(kControl, 3);
        out(kLock, 1);
    }
    void feed()
    {
        out(kLock, 0x1acce551);
        out(kClear, 1);
        out(kLock, 1);
    }

    IrqLine irq;
    FakeTimer timer;
    int bites = 0;
    Sp805 dog{irq, timer, [this] { ++bites; }};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "Linux's AMBA bus finds an SP805")
{
    CHECK((in(0xfe0) | in(0xfe4) << 8 | in(0xfe8) << 16) == 0x14'1805);
}

TEST_CASE_FIXTURE(Fixture, "a watchdog that nobody started does nothing")
{
    timer.pass(1000h, dog);
    CHECK(bites == 0);
    CHECK(in(kValue) == 0xffff'ffff);
}

TEST_CASE_FIXTURE(Fixture, "neglected, it interrupts at half the time-out and bites at its end")
{
    start(60);
    timer.pass(29900ms, dog);
    CHECK(irq.event().drain() == 0);
    timer.pass(200ms, dog);
    CHECK(irq.event().drain() == 1);
    CHECK(in(kMasked) == 1);
    CHECK(bites == 0);
    timer.pass(30s, dog);
    CHECK(bites == 1);
    timer.pass(300s, dog);
    CHECK(bites == 1);
}

TEST_CASE_FIXTURE(Fixture, "fed, it never bites")
{
    start(60);
    for (int minute = 0; minute < 10; ++minute) {
        timer.pass(50s, dog);
        feed();
        CHECK(in(kRaw) == 0);
    }
    CHECK(bites == 0);
}

TEST_CASE_FIXTURE(Fixture, "the value counts down at 24 MHz")
{
    start(60);
    const std::uint32_t load = in(kLoad);
    CHECK(in(kValue) == load);
    timer.pass(1s, dog);
    CHECK(in(kValue) == load - 24'000'000);
}

TEST_CASE_FIXTURE(Fixture, "stopped, it is quiet")
{
    start(60);
    out(kLock, 0x1acce551);
    out(kControl, 0);
    timer.pass(1h, dog);
    CHECK(bites == 0);
    CHECK(in(kRaw) == 0);
}

TEST_CASE_FIXTURE(Fixture, "locked, it takes no writes")
{
    start(60);
    CHECK(in(kLock) == 1);
    out(kControl, 0);
    out(kLoad, 5);
    CHECK(in(kControl) == 3);
    timer.pass(61s, dog);
    CHECK(bites == 1);
}

TEST_CASE_FIXTURE(Fixture, "without the reset it interrupts once, however short the time-out")
{
    out(kLoad, 0);
    out(kControl, 1);
    timer.pass(1h, dog);
    CHECK(irq.event().drain() == 1);
    CHECK(bites == 0);
    CHECK_FALSE(timer.deadline.has_value());
}

TEST_CASE_FIXTURE(Fixture, "a watchdog that is held stands still and goes on where it was")
{
    start(10);
    timer.pass(4s, dog);
    const std::uint32_t left = in(kValue);
    dog.hold();
    timer.pass(1h, dog);
    dog.expired();  // was on its way
    CHECK(in(kValue) == left);
    CHECK(in(kRaw) == 0);
    dog.go_on();
    dog.go_on();
    CHECK(in(kValue) == left);
    timer.pass(900ms, dog);
    CHECK(in(kRaw) == 0);
    timer.pass(101ms, dog);
    CHECK(in(kRaw) == 1);
    timer.pass(5s, dog);
    CHECK(bites == 1);
}

TEST_CASE_FIXTURE(Fixture, "a watchdog that nobody started is not started by being held")
{
    dog.hold();
    dog.go_on();
    timer.pass(1000h, dog);
    CHECK(in(kRaw) == 0);
    CHECK(!timer.deadline);
}

}  // namespace gh
