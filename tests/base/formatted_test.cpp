// SPDX-License-Identifier: BSD-3-Clause
#include "base/formatted.h"

#include <doctest/doctest.h>

namespace gh {

TEST_CASE("formatted text is as long as it needs to be")
{
    CHECK(formatted("%s", "").empty());
    CHECK(formatted("%s %04x", "page", 0xau) == "page 000a");
    const std::string line(10'000, 'x');
    CHECK(formatted("<%s>", line.c_str()) == "<" + line + ">");
}

}  // namespace gh
