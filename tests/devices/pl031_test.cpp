// SPDX-License-Identifier: BSD-3-Clause
#include "devices/pl031.h"

#include "fake_timer.h"

#include <doctest/doctest.h>

namespace gh {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kData = 0x00, kMatch = 0x04, kLoad = 0x08, kControl = 0x0c;
constexpr unsigned kMask = 0x10, kRaw = 0x14, kMasked = 0x18, kClear = 0x1c;

struct Fixture {
    Fixture() { timer.time = 1'000'000'000s + 700ms; }
    std::uint32_t in(unsigned offset)
    {
        return static_cast<std::uint32_t>(rtc.read({.offset = offset, .size = 4}));
    }
    void out(unsigned offset, std::uint32_t value)
    {
        rtc.write({.offset = offset, .size = 4}, value);
    }

    IrqLine irq;
    FakeTimer timer;
    Pl031 rtc{irq, timer};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "Linux's AMBA bus finds a PL031")
{
    CHECK((in(0xfe0) | in(0xfe4) << 8 | in(0xfe8) << 16 | in(0xfec) << 24) == 0x0004'1031);
    CHECK((in(0xff0) | in(0xff4) << 8 | in(0xff8) << 16 | in(0xffc) << 24) == 0xb105'f00d);
    CHECK(in(kControl) == 1);
}

TEST_CASE_FIXTURE(Fixture, "the clock shows the host's time")
{
    CHECK(in(kData) == 1'000'000'000);
    timer.time += 300ms;
    CHECK(in(kData) == 1'000'000'001);
}

TEST_CASE_FIXTURE(Fixture, "a guest that sets the clock moves its own time")
{
    out(kLoad, 50);
    CHECK(in(kData) == 50);
    CHECK(in(kLoad) == 50);
    timer.time += 5s;
    CHECK(in(kData) == 55);
}

TEST_CASE_FIXTURE(Fixture, "an alarm interrupts in the second that it was set to")
{
    out(kMask, 1);
    out(kMatch, in(kData) + 10);
    timer.pass(9200ms, rtc);
    CHECK(irq.event().drain() == 0);
    timer.pass(100ms, rtc);
    CHECK(irq.event().drain() == 1);
    CHECK(in(kData) == in(kMatch));
    CHECK(in(kMasked) == 1);
    out(kClear, 1);
    CHECK(in(kRaw) == 0);
    timer.pass(1h, rtc);
    CHECK(irq.event().drain() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a masked alarm waits until it is unmasked")
{
    out(kMatch, in(kData) + 1);
    timer.pass(2s, rtc);
    CHECK(irq.event().drain() == 0);
    CHECK(in(kRaw) == 1);
    CHECK(in(kMasked) == 0);
    out(kMask, 1);
    CHECK(irq.event().drain() == 1);
}

TEST_CASE_FIXTURE(Fixture, "setting the clock takes the alarm along")
{
    out(kMask, 1);
    out(kMatch, 100);
    out(kLoad, 90);
    timer.pass(8s, rtc);
    CHECK(irq.event().drain() == 0);
    timer.pass(2s, rtc);
    CHECK(irq.event().drain() == 1);
}

TEST_CASE_FIXTURE(Fixture, "an expiry that comes too early is none")
{
    out(kMask, 1);
    out(kMatch, in(kData) + 10);
    rtc.expired();
    CHECK(in(kRaw) == 0);
    CHECK(irq.event().drain() == 0);
}

}  // namespace gh
