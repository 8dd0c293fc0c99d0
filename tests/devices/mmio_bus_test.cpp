// SPDX-License-Identifier: BSD-3-Clause
#include "devices/mmio_bus.h"

#include "base/error.h"

#include <doctest/doctest.h>

namespace gh {
namespace {

// Remembers the last access; reads answer where they were.
struct Probe final : Device {
    std::uint64_t read(MmioAccess access) noexcept override { return 0x100 + access.offset; }
    void write(MmioAccess access, std::uint64_t value) noexcept override
    {
        last = access;
        written = value;
    }
    MmioAccess last;
    std::uint64_t written = 0;
};

struct Fixture {
    Fixture() { bus.attach("first", Gpa{0x1000}, 0x100, first); }
    Probe first, second;
    MmioBus bus;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a device sees offsets, not addresses")
{
    CHECK(bus.read(Gpa{0x1004}, 4) == 0x104);
    CHECK(bus.write(Gpa{0x10f8}, 8, 7));
    CHECK(first.last.offset == 0xf8);
    CHECK(first.last.size == 8);
    CHECK(first.written == 7);
}

TEST_CASE_FIXTURE(Fixture, "what is not wholly inside a device is nobody's")
{
    CHECK(!bus.read(Gpa{0xfff}, 1));
    CHECK(!bus.read(Gpa{0x1100}, 1));
    CHECK(!bus.write(Gpa{0x10fc}, 8, 0));
    CHECK(!bus.read(Gpa{0}, 8));
    CHECK(!bus.read(Gpa{~0ull}, 1));
}

TEST_CASE_FIXTURE(Fixture, "unaligned accesses and odd sizes are nobody's")
{
    CHECK(!bus.read(Gpa{0x1002}, 4));
    CHECK(!bus.read(Gpa{0x1000}, 3));
    CHECK(!bus.read(Gpa{0x1000}, 0));
}

TEST_CASE_FIXTURE(Fixture, "neighbours may touch and not overlap")
{
    bus.attach("second", Gpa{0x1100}, 0x10, second);
    CHECK(bus.read(Gpa{0x1100}, 1) == 0x100);
    CHECK_THROWS_WITH_AS(bus.attach("third", Gpa{0x0ff0}, 0x11, second),
                         "third: its MMIO range overlaps first", Error);
    CHECK_THROWS_AS(bus.attach("fourth", Gpa{0x110f}, 1, second), Error);
}

TEST_CASE_FIXTURE(Fixture, "empty and wrapping ranges are refused")
{
    CHECK_THROWS_AS(bus.attach("empty", Gpa{0x5000}, 0, second), Error);
    CHECK_THROWS_AS(bus.attach("wrapping", Gpa{~0ull}, 2, second), Error);
}

}  // namespace gh
