// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/actions.h"

#include <doctest/doctest.h>

namespace gh::gdb {

using enum hyp::Debugger::Order;

TEST_CASE("of several actions the first that names a vCPU decides for it")
{
    CHECK(parse_actions(";c", 2, 0) == Orders{Go, Go});
    CHECK(parse_actions(";s:2;c", 3, 0) == Orders{Go, Step, Go});
    CHECK(parse_actions(";C05;s:1", 2, 0) == Orders{Go, Go});
    CHECK(parse_actions(";s:0", 2, 1) == Orders{Stay, Step});
    CHECK(parse_actions(";S02:-1", 2, 0) == Orders{Step, Step});
}

TEST_CASE("actions for nobody, of no kind, or for a vCPU that is not there are none")
{
    for (const char* const bad : {"", ";", ";t", ";c:3", ";c:", ";S", ";cc", "c"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_actions(bad, 2, 0));
    }
}

}  // namespace gh::gdb
