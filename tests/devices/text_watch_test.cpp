// SPDX-License-Identifier: BSD-3-Clause
#include "devices/text_watch.h"

#include <random>
#include <string>

#include <doctest/doctest.h>

namespace gh {
namespace {

std::vector<std::size_t> ends(const std::string& text, const std::string& stream)
{
    TextWatch watch(text);
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < stream.size(); ++i)
        if (watch.feed(static_cast<std::uint8_t>(stream[i])))
            found.push_back(i + 1);
    return found;
}

}  // namespace

TEST_CASE("a text is found where it ends, also after a start that led nowhere")
{
    CHECK(ends("login:", "debian login: ") == std::vector<std::size_t>{13});
    CHECK(ends("aab", "aaab") == std::vector<std::size_t>{4});
    CHECK(ends("x", "yy").empty());
}

TEST_CASE("random texts are found exactly where std::string finds them")
{
    std::mt19937 random(11);
    for (int round = 0; round < 2'000; ++round) {
        std::string text(1 + random() % 6, ' ');
        std::string stream(60, ' ');
        for (char& c : text)
            c = static_cast<char>('a' + random() % 2);
        for (char& c : stream)
            c = static_cast<char>('a' + random() % 2);
        std::vector<std::size_t> wanted;
        for (auto at = stream.find(text); at != std::string::npos; at = stream.find(text, at + 1))
            wanted.push_back(at + text.size());
        CHECK(ends(text, stream) == wanted);
    }
}

}  // namespace gh
