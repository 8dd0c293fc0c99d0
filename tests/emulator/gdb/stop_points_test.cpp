// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/stop_points.h"

#include <doctest/doctest.h>

namespace gh::gdb {

TEST_CASE("a point that is set twice is there once, and taken away once it is gone")
{
    auto points = changed({}, {0, {0x1000, 4}}, Insert::Yes);
    REQUIRE(points);
    points = changed(*points, {1, {0x1000, 4}}, Insert::Yes);
    REQUIRE(points);
    CHECK(points->breakpoints.size() == 1);
    points = changed(*points, {0, {0x1000, 4}}, Insert::No);
    REQUIRE(points);
    CHECK(points->breakpoints.empty());
    CHECK(changed(*points, {2, {0x1000, 4}}, Insert::No));
}

TEST_CASE("no instruction lies between words, no watchpoint is empty or goes round the end")
{
    CHECK_FALSE(changed({}, {0, {0x1002, 4}}, Insert::Yes));
    CHECK_FALSE(changed({}, {2, {0x1000, 0}}, Insert::Yes));
    CHECK_FALSE(changed({}, {2, {~std::uint64_t{0}, 2}}, Insert::Yes));
    CHECK(changed({}, {2, {~std::uint64_t{0}, 1}}, Insert::Yes));
}

}  // namespace gh::gdb
