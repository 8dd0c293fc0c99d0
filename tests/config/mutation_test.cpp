// SPDX-License-Identifier: BSD-3-Clause
#include "config/parse.h"

#include <random>
#include <string>

#include <doctest/doctest.h>

namespace {

constexpr std::string_view kConfig =
    R"({"name": "n", "kernel": {"path": "k", "address": "0x80200000"},
 "initrd": "r", "params": ["console=ttyS0", "quiet"], "cpus": {"count": 2},
 "memory": {"size": "1GiB", "base": 2147483648, "sharing": "lend", "swiotlb": "8MiB",
  "hugepages": true, "regions": [{"label": 7, "address": "0x50000000", "size": 4096, "access": "rx"}]},
 "serial": ["stdio", {"type": "file", "path": "/x"}], "dtb": {"base": "b", "overlays": ["o"]},
 "hypervisor": {"device": "emulated", "personality": "android15"}})";

/// Anything but a machine or a ConfigError with lines in it ends the test.
void survive(const std::string& text, const std::string& setting)
{
    try {
        (void)gh::config::parse({"f", text, "/", {setting}, gh::config::Files::Trust});
    } catch (const gh::config::ConfigError& error) {
        REQUIRE(!error.lines().empty());
    }
}

/// A few bytes changed, dropped, doubled, or a stretch copied elsewhere.
std::string mutated(std::string text, std::mt19937& random)
{
    constexpr std::string_view kAlphabet = "{}[]\",:0123456789.-+eExnulltruefalse \n\\\xff\xc3/";
    for (unsigned changes = 1 + random() % 4; changes > 0 && !text.empty(); --changes) {
        const std::size_t at = random() % text.size();
        const char letter = kAlphabet[random() % kAlphabet.size()];
        switch (random() % 4) {
        case 0: text[at] = letter; break;
        case 1: text.erase(at, 1 + random() % 8); break;
        case 2: text.insert(at, 1, letter); break;
        case 3: text.insert(at, text.substr(random() % text.size(), random() % 40)); break;
        }
    }
    return text;
}

}  // namespace

TEST_CASE("a configuration cut short anywhere is refused, not choked on")
{
    for (std::size_t length = 0; length < kConfig.size(); ++length)
        CHECK_THROWS_AS((void)gh::config::parse({"f", std::string(kConfig.substr(0, length)), "/"}),
                        gh::config::ConfigError);
}

TEST_CASE("whatever is written, the answer is a machine or a list of mistakes")
{
    std::mt19937 random{1};  // NOLINT(cert-msc51-cpp): the same cases every time
    for (int i = 0; i < 20000; ++i)
        survive(mutated(std::string(kConfig), random),
                mutated("memory.regions.0.label=[1,{\"a\":2}]", random));
}
