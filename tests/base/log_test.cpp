// SPDX-License-Identifier: BSD-3-Clause
#include "base/log.h"

#include "base/fd.h"

#include <array>
#include <string_view>

#include <doctest/doctest.h>

#include <unistd.h>

TEST_CASE("a line of the log says nothing to the terminal, whatever a guest put into it")
{
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const gh::Fd read_end{ends[0]};
    {
        const gh::Fd write_end{ends[1]};
        const gh::Fd before{::dup(STDERR_FILENO)};
        ::dup2(write_end.get(), STDERR_FILENO);
        gh::log(gh::LogLevel::Error, "node %s", "\x1b[2Ja\nb\x7f");
        ::dup2(before.get(), STDERR_FILENO);
    }
    std::array<char, 256> text{};
    const auto size = ::read(read_end.get(), text.data(), text.size());
    REQUIRE(size > 0);
    CHECK(std::string_view(text.data(), static_cast<std::size_t>(size)) ==
          "gh-vmm: error: node ?[2Ja?b?\n");
}

TEST_CASE("a line of JSON holds what any message says")
{
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const gh::Fd read_end{ends[0]};
    {
        const gh::Fd write_end{ends[1]};
        const gh::Fd before{::dup(STDERR_FILENO)};
        ::dup2(write_end.get(), STDERR_FILENO);
        gh::set_log_format(gh::LogFormat::Json);
        gh::log(gh::LogLevel::Warn, "say \"%s\"", "a\\b\xff\n");
        gh::set_log_format(gh::LogFormat::Text);
        ::dup2(before.get(), STDERR_FILENO);
    }
    std::array<char, 256> text{};
    const auto size = ::read(read_end.get(), text.data(), text.size());
    REQUIRE(size > 0);
    const std::string_view line(text.data(), static_cast<std::size_t>(size));
    CHECK(line.starts_with(R"({"time":"20)"));
    CHECK(line.ends_with("\"level\":\"warning\",\"message\":\"say \\\"a\\\\b??\\\"\"}\n"));
}
