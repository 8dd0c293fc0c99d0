// SPDX-License-Identifier: BSD-3-Clause
#include "translated_rig.h"

#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

namespace gh::jit::test {
namespace {

using cpu::Exit;

struct Maps {
    unsigned writable_and_executable = 0;
    unsigned executable_code = 0;
};

Maps read_maps()
{
    Maps maps;
    std::ifstream file("/proc/self/maps");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string range;
        std::string rights;
        words >> range >> rights;
        const bool executable = rights.at(2) == 'x';
        maps.writable_and_executable += executable && rights.at(1) == 'w' ? 1u : 0u;
        maps.executable_code += executable && line.find("/dev/zero") != std::string::npos ? 1u : 0u;
    }
    return maps;
}

}  // namespace

TEST_CASE("code memory is never writable and executable")
{
    TranslatedRig t{0x9100'0400, kHvc};  // add x0, x0, #1
    REQUIRE(t.run() == Exit::Requested);
    REQUIRE(t.is_translated(kRam));
    const Maps maps = read_maps();
    CHECK(maps.writable_and_executable == 0);
    CHECK(maps.executable_code == 1);
}

TEST_CASE("full code memory is emptied and filled again")
{
    // A chain of blocks through 512 KiB, each of which adds 1 and branches to the next.
    constexpr unsigned kBlocks = 1u << 16;
    TranslatedRig t({kHvc}, std::size_t{128} << 10);
    for (unsigned i = 0; i < kBlocks; ++i)
        t.rig.put(kRam + i * 8, {0x9100'0400, 0x1400'0001});  // add x0, x0, #1; b +4
    t.rig.put(kRam + kBlocks * 8, {kHvc});
    const unsigned before = t.cpu.code_generation();
    for (unsigned round = 1; round <= 3; ++round) {
        REQUIRE(t.run_at(kRam) == Exit::Requested);
        CHECK(t.x(0) == round * kBlocks);
    }
    CHECK(t.cpu.code_generation() > before + 3);
    CHECK(t.is_translated(kRam + kBlocks * 8 - 8));
}

}  // namespace gh::jit::test
