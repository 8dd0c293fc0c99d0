// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/decode.h"

#include <bit>
#include <random>
#include <string_view>

#include <doctest/doctest.h>

using gh::cpu::Encoding;
using gh::cpu::encodings;
using gh::cpu::find_encoding;

TEST_CASE("rows that overlap differ in how specific they are")
{
    for (const Encoding& a : encodings())
        for (const Encoding& b : encodings()) {
            const bool overlap = ((a.match ^ b.match) & a.mask & b.mask) == 0;
            if (&a == &b || !overlap)
                continue;
            INFO(a.name, " ", b.name);
            // One row's fixed bits contain the other's, or the words they share are refused by one.
            CHECK(std::popcount(a.mask) != std::popcount(b.mask));
        }
}

TEST_CASE("every row is drawn with 32 known letters")
{
    for (const Encoding& row : encodings()) {
        INFO(row.name);
        CHECK(std::string_view(row.bits).size() == 32);
        CHECK(std::string_view(row.bits).find(' ') == std::string_view::npos);
    }
}

TEST_CASE("a row finds words of its own pattern")
{
    std::mt19937 random(1);
    for (const Encoding& row : encodings()) {
        INFO(row.name);
        bool found = false;
        for (int i = 0; i < 100; ++i) {
            const auto word = static_cast<std::uint32_t>(random());
            found = found || find_encoding((word & ~row.mask) | row.match) == &row;
        }
        CHECK(found);
    }
}

TEST_CASE("the permanently undefined instructions have no row")
{
    CHECK(find_encoding(0x0000'0000) == nullptr);
    CHECK(find_encoding(0x0000'ffff) == nullptr);
}
