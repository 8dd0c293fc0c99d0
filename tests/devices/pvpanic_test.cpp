// SPDX-License-Identifier: BSD-3-Clause
#include "devices/pvpanic.h"

#include <doctest/doctest.h>

namespace gh {
namespace {

struct Fixture {
    int panics = 0;
    int crashes = 0;
    Pvpanic device{{.panicked = [this] { ++panics; }, .crash_loaded = [this] { ++crashes; }}};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "it knows the two events of the specification")
{
    CHECK(device.read({.offset = 0, .size = 1}) == 3);
    CHECK(device.read({.offset = 1, .size = 1}) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a panic is told")
{
    device.write({.offset = 0, .size = 1}, 1);
    CHECK(panics == 1);
    CHECK(crashes == 0);
}

TEST_CASE_FIXTURE(Fixture, "a guest with a crash kernel does not end")
{
    device.write({.offset = 0, .size = 1}, 3);
    CHECK(panics == 0);
    CHECK(crashes == 1);
}

TEST_CASE_FIXTURE(Fixture, "what is no event is ignored")
{
    device.write({.offset = 0, .size = 1}, 0xfc);
    device.write({.offset = 1, .size = 1}, 1);
    CHECK(panics == 0);
    CHECK(crashes == 0);
}

}  // namespace gh
