// SPDX-License-Identifier: BSD-3-Clause
#include "devices/pl061.h"

#include <doctest/doctest.h>

namespace gh {
namespace {

constexpr unsigned kAll = 0x3fc, kDirection = 0x400, kSense = 0x404, kBoth = 0x408;
constexpr unsigned kEvent = 0x40c, kEnable = 0x410, kRaw = 0x414, kMasked = 0x418, kClear = 0x41c;

struct Fixture {
    unsigned in(unsigned offset)
    {
        return static_cast<unsigned>(gpio.read({.offset = offset, .size = 1}));
    }
    void out(unsigned offset, unsigned value) { gpio.write({.offset = offset, .size = 1}, value); }
    std::uint64_t pulses() { return irq.event().drain(); }

    IrqLine irq;
    Pl061 gpio{irq};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "Linux's AMBA bus finds a PL061")
{
    CHECK((in(0xfe0) | in(0xfe4) << 8 | in(0xfe8) << 16) == 0x04'1061);
}

TEST_CASE_FIXTURE(Fixture, "the address says which lines are meant")
{
    gpio.drive(3, true);
    CHECK(in(kAll) == 0x08);
    CHECK(in(0x08 << 2) == 0x08);
    CHECK(in(0x04 << 2) == 0);
    out(kDirection, 0x03);
    out(0x01 << 2, 0xff);
    CHECK(in(kAll) == 0x09);
}

TEST_CASE_FIXTURE(Fixture, "pressing and releasing interrupt as gpio-keys asks: both edges")
{
    out(kSense, 0);
    out(kBoth, 0x08);
    out(kEnable, 0x08);
    CHECK(pulses() == 0);
    gpio.drive(3, true);
    CHECK(pulses() == 1);
    CHECK(in(kMasked) == 0x08);
    out(kClear, 0x08);
    CHECK(in(kRaw) == 0);
    CHECK(pulses() == 0);
    gpio.drive(3, false);
    CHECK(pulses() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a line that does not change is no edge")
{
    out(kBoth, 0xff);
    out(kEnable, 0xff);
    gpio.drive(3, false);
    CHECK(pulses() == 0);
    gpio.drive(3, true);
    gpio.drive(3, true);
    CHECK(pulses() == 1);
}

TEST_CASE_FIXTURE(Fixture, "one edge alone is what GPIOIEV asks for")
{
    out(kEnable, 0x08);
    gpio.drive(3, true);
    CHECK(in(kRaw) == 0);
    gpio.drive(3, false);
    CHECK(in(kRaw) == 0x08);
    out(kClear, 0x08);
    out(kEvent, 0x08);
    gpio.drive(3, true);
    CHECK(in(kRaw) == 0x08);
}

TEST_CASE_FIXTURE(Fixture, "what interrupts after one of two was cleared pulses again")
{
    out(kBoth, 0xff);
    out(kEnable, 0xff);
    gpio.drive(1, true);
    gpio.drive(2, true);
    CHECK(pulses() == 2);
    out(kClear, 0x02);
    CHECK(pulses() == 1);
    CHECK(in(kMasked) == 0x04);
}

TEST_CASE_FIXTURE(Fixture, "a level that stays keeps interrupting")
{
    out(kSense, 0x08);
    out(kEvent, 0x08);
    out(kEnable, 0x08);
    (void)pulses();
    gpio.drive(3, true);
    CHECK(pulses() == 1);
    out(kClear, 0x08);
    CHECK(in(kMasked) == 0x08);
    CHECK(pulses() == 1);
    gpio.drive(3, false);
    CHECK(in(kMasked) == 0);
}

}  // namespace gh
