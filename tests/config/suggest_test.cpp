// SPDX-License-Identifier: BSD-3-Clause
#include "config/suggest.h"

#include <array>

#include <doctest/doctest.h>

using gh::config::nearest;

TEST_CASE("a slip of the finger finds its word")
{
    constexpr std::array<std::string_view, 4> kWords{"memory", "cpus", "kernel",
                                                     "resource_manager"};
    CHECK(nearest("memroy", kWords) == "memory");
    CHECK(nearest("Memory", kWords) == "memory");
    CHECK(nearest("cpu", kWords) == "cpus");
    CHECK(nearest("kernal", kWords) == "kernel");
    CHECK(nearest("resource-manager", kWords) == "resource_manager");
    CHECK(nearest("disks", kWords).empty());
    CHECK(nearest("", kWords).empty());
}

TEST_CASE("of two words equally near the one of the same length wins")
{
    constexpr std::array<std::string_view, 2> kWords{"rx", "rwx"};
    CHECK(nearest("wrx", kWords) == "rwx");
}
