// SPDX-License-Identifier: BSD-3-Clause
#include "config/quantity.h"

#include <doctest/doctest.h>

using namespace gh::config;

TEST_CASE("sizes and addresses are read in their two spellings")
{
    CHECK(parse_quantity("512MiB") == 512ull << 20);
    CHECK(parse_quantity("1TiB") == 1ull << 40);
    CHECK(parse_quantity("7B") == 7);
    CHECK(parse_quantity("0x80000000") == 0x8000'0000);
    CHECK(parse_quantity("0xFfFfFfFfFfFfFfFf") == ~0ull);
}

TEST_CASE("anything else is no size")
{
    for (const auto* text : {"", "512", "MiB", "1GB", "1 GiB", "-1B", "+1B", "1.5GiB", "0x", "0x1g",
                             "0x10000000000000000", "16777216TiB", "1GiBx", "0X10", "1gib"})
        CHECK_MESSAGE(!parse_quantity(text), text);
}

TEST_CASE("what was meant is guessed from the usual slips")
{
    for (const auto* text : {"1GB", "1g", "1 GiB", "1 gib", "1024M", "1_024 MB", "1048576k"})
        CHECK_MESSAGE(guess_quantity(text, 1) == 1ull << 30, text);
    CHECK(guess_quantity("1.5G", 1) == 1536ull << 20);
    CHECK(guess_quantity("512", 1 << 20) == 512ull << 20);
    CHECK(guess_quantity("0X8000_0000", 1) == 0x8000'0000);
    for (const auto* text : {"", "x", "1X", "-1G", "1e30G", "nan", "inf"})
        CHECK_MESSAGE(!guess_quantity(text, 1), text);
}

TEST_CASE("a size is shown in the largest unit that fits, and reads back")
{
    CHECK(format_size(1ull << 31) == "2GiB");
    CHECK(format_size(1536) == "1536B");
    CHECK(format_size(0) == "0");
    CHECK(format_address(0x8000'0000) == "0x80000000");
    for (const std::uint64_t n : {1ull, 4096ull, 3ull << 20, ~0ull}) {
        CHECK(parse_quantity(format_size(n)) == n);
        CHECK(parse_quantity(format_address(n)) == n);
    }
}

TEST_CASE("durations are read in four units, and no others")
{
    CHECK(parse_duration("500ms") == 500);
    CHECK(parse_duration("30s") == 30'000);
    CHECK(parse_duration("2m") == 120'000);
    CHECK(parse_duration("1h") == 3'600'000);
    for (const auto* text : {"", "5", "s", "1 s", "-1s", "1.5s", "1d", "1sx", "999999999h"})
        CHECK_MESSAGE(!parse_duration(text), text);
}

TEST_CASE("what duration was meant is guessed, a bare number as seconds")
{
    CHECK(guess_duration("30") == 30'000);
    CHECK(guess_duration("30 sec") == 30'000);
    CHECK(guess_duration("1.5S") == 1'500);
    CHECK(guess_duration("2min") == 120'000);
    CHECK(guess_duration("5 millis") == 5);
    for (const auto* text : {"", "x", "-1s", "nan", "1e30h", "3 fortnights"})
        CHECK_MESSAGE(!guess_duration(text), text);
}

TEST_CASE("a duration is shown in the largest unit that fits")
{
    CHECK(format_duration(90'000) == "90s");
    CHECK(format_duration(120'000) == "2m");
    CHECK(format_duration(1'500) == "1500ms");
    CHECK(format_duration(0) == "0s");
}
