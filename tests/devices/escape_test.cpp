// SPDX-License-Identifier: BSD-3-Clause
#include "devices/escape.h"

#include <string>

#include <doctest/doctest.h>

namespace gh {
namespace {

EscapeFilter::Result type(EscapeFilter& filter, const std::string& keys)
{
    const std::vector<std::uint8_t> bytes(keys.begin(), keys.end());
    return filter.filter(bytes);
}

std::string text(const EscapeFilter::Result& result)
{
    return {result.bytes.begin(), result.bytes.end()};
}

}  // namespace

TEST_CASE("ordinary keys pass, Ctrl-C too")
{
    EscapeFilter filter;
    const auto result = type(filter, "ls\r\x03");
    CHECK(text(result) == "ls\r\x03");
    CHECK(!result.end);
}

TEST_CASE("Ctrl-A x ends, Ctrl-A ? helps, Ctrl-A b breaks, and the guest sees none of it")
{
    EscapeFilter filter;
    CHECK(type(filter, "\x01x").end);
    CHECK(type(filter, "\x01?").help);
    CHECK(type(filter,
               "\x01"
               "b")
              .send_break);
    CHECK(text(type(filter, "a\x01?b")) == "ab");
}

TEST_CASE("Ctrl-A Ctrl-A sends one Ctrl-A")
{
    EscapeFilter filter;
    CHECK(text(type(filter, "\x01\x01x")) == "\x01x");
}

TEST_CASE("the command may come in a later read than its key")
{
    EscapeFilter filter;
    CHECK(text(type(filter, "q\x01")) == "q");
    CHECK(type(filter, "x").end);
}

TEST_CASE("a key without a meaning is dropped")
{
    EscapeFilter filter;
    CHECK(text(type(filter, "\x01zy")) == "y");
}

}  // namespace gh
