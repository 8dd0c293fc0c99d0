// SPDX-License-Identifier: BSD-3-Clause
#include "base/bits.h"

#include <doctest/doctest.h>

TEST_CASE("a field is cut out and moved to the bottom")
{
    CHECK(gh::bits(0xabcd'1234, 8, 8) == 0x12);
    CHECK(gh::bits(~0ull, 0, 64) == ~0ull);
}

TEST_CASE("sign extension copies the top bit of the field upwards")
{
    CHECK(gh::sign_extend(0x80, 8) == 0xffff'ffff'ffff'ff80);
    CHECK(gh::sign_extend(0x7f, 8) == 0x7f);
    CHECK(gh::sign_extend(1ull << 63, 64) == 1ull << 63);
}
