// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/profile.h"

#include "rig.h"

#include <doctest/doctest.h>

namespace gh::cpu::test {

TEST_CASE("the interpreter counts entries of blocks and the instructions in them, if asked")
{
    Rig rig{
        0xf100'0400,  // subs x0, x0, #1
        0x54ff'ffe1,  // b.ne -4
        Rig::kHvc,
    };
    Profile profile(nullptr);
    rig.cpu.set_profile(profile);
    rig.x(0) = 10;
    REQUIRE(rig.run() == Exit::Requested);
    const Spot& loop = profile.spot(Rig::kRam, 1, Spot::Tier::Interpreter);
    CHECK(loop.entries == 10);
    CHECK(loop.instructions == 20);
    CHECK(loop.el == 1);
    CHECK(profile.spot(Rig::kRam + 8, 1, Spot::Tier::Interpreter).instructions == 1);
    CHECK(profile.spots().size() == 2);
}

TEST_CASE("what is seldom is counted always")
{
    Rig rig{
        0xd508'871f,  // tlbi vmalle1
        0xd400'0001,  // svc #0
    };
    rig.cpu.state().vbar_el1 = Rig::kRam + 0x800;
    rig.put(Rig::kRam + 0xa00, {Rig::kHvc});
    const std::uint64_t flushes = rig.cpu.counters().tlb_flushes;
    REQUIRE(rig.run() == Exit::Requested);
    const Counters& counters = rig.cpu.counters();
    CHECK(counters.tlb_operations == 1);
    CHECK(counters.tlb_flushes == flushes + 1);
    CHECK(counters.exceptions[0x15] == 1);
    CHECK(counters.interrupts == 0);
    CHECK(counters.blocks == 3);
    CHECK(counters.instructions == 4);  // svc twice: in the first block too
    CHECK(counters.walks[1].fetch > 0);
    CHECK(counters.walks[0].fetch == 0);
}

TEST_CASE("a changed instruction that is told drops the block that held it")
{
    Rig rig{
        0xd50b'7520,  // ic ivau, x0
        0xd503'3f9f,  // dsb sy
        Rig::kHvc,
    };
    rig.x(0) = Rig::kRam;
    REQUIRE(rig.run() == Exit::Requested);
    CHECK(rig.cpu.counters().code_lines == 1);
    CHECK(rig.cpu.counters().dropped_blocks == 1);
}

TEST_CASE("a guest that makes code without end gets a bounded profile")
{
    Profile profile(nullptr);
    for (std::uint64_t n = 1; n <= 300'000; ++n)
        ++profile.spot(n * 4, 0, Spot::Tier::Interpreter).entries;
    CHECK(profile.spots().size() < 270'000);
    CHECK(profile.spot(0, 0, Spot::Tier::Interpreter).entries > 30'000);
}

}  // namespace gh::cpu::test
