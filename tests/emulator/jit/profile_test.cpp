// SPDX-License-Identifier: BSD-3-Clause
// What translated code counts where somebody asked.
#include "emulator/cpu/profile.h"

#include "base/log.h"
#include "translated_rig.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace gh::jit::test {
namespace {

using cpu::Exit;
using cpu::Spot;

struct Profiled {
    Profiled(std::initializer_list<std::uint32_t> words, std::size_t code_size = kDefaultCodeSize)
        : rig(words, code_size, &profile)
    {
    }
    const Spot& unit(std::uint64_t va) { return profile.spot(va, 1, Spot::Tier::Translated); }

    std::vector<cpu::HostCode> told;
    cpu::Profile profile{[this](const cpu::HostCode& code) { told.push_back(code); }};
    TranslatedRig rig;
};

}  // namespace

TEST_CASE("a unit counts its entries and the instructions executed in it")
{
    Profiled p{
        0x8b00'0021,  // add x1, x1, x0
        0xf100'0400,  // subs x0, x0, #1
        0x54ff'ffc1,  // b.ne -8
        kHvc,
    };
    p.rig.x(0) = 1000;
    REQUIRE(p.rig.run() == Exit::Requested);
    CHECK(p.rig.x(1) == 500500);
    CHECK(p.unit(kRam).entries == 1000);
    CHECK(p.unit(kRam).instructions == 3000);
    CHECK(p.unit(kRam + 12).instructions == 1);
    CHECK(p.profile.translation.units == 2);
    CHECK(p.profile.translation.instructions == 4);
}

TEST_CASE("counting leaves flags alone that live across blocks of a unit")
{
    Profiled p{
        0xf100'001f,  //    cmp x0, #0
        0x5400'0041,  //    b.ne 1f, not taken
        0x5400'0040,  //    b.eq 2f
        0xd280'0021,  // 1: mov x1, #1
        0xd280'0042,  // 2: mov x2, #2
        kHvc,
    };
    REQUIRE(p.rig.run() == Exit::Requested);
    REQUIRE(p.rig.run_at(kRam) == Exit::Requested);
    CHECK(p.rig.x(1) == 0);
    CHECK(p.rig.x(2) == 2);
}

TEST_CASE("a call of a handler is counted by its encoding, apart from slow paths")
{
    constexpr std::uint32_t kMrs = 0xd538'0000;   // mrs x0, midr_el1
    constexpr std::uint32_t kLoad = 0xf940'0062;  // ldr x2, [x3]
    Profiled p{kMrs, kLoad, kHvc};
    p.rig.map(0, kRam + 0x8000);
    p.rig.x(3) = TranslatedRig::page(0);
    REQUIRE(p.rig.run() == Exit::Requested);
    REQUIRE(p.rig.run_at(kRam) == Exit::Requested);
    CHECK(p.profile.calls(kMrs).always == 2);
    CHECK(p.profile.calls(kMrs).slow == 0);
    CHECK(p.profile.calls(kLoad).always == 0);
    CHECK(p.profile.calls(kLoad).slow == 1);  // the first missed the TLB
}

TEST_CASE("a unit that lock step cuts within a block counts what is left of it")
{
    Profiled p{
        0x9100'0400,  // add x0, x0, #1
        0xd503'3fdf,  // isb, the last that can be compared
        0x9100'0400,  // add x0, x0, #1
        kHvc,
    };
    set_log_level(LogLevel::Error);  // it says how much was compared
    p.rig.cpu.set_translator(make_lockstep_translator(p.rig.cpu, 1));
    REQUIRE(p.rig.run() == Exit::Requested);
    CHECK(p.rig.x(0) == 2);
    CHECK(p.unit(kRam).entries == 1);
    CHECK(p.unit(kRam).instructions == 2);
    p.rig.cpu.set_translator(nullptr);
    set_log_level(LogLevel::Warn);
}

TEST_CASE("every unit is told with its place in host and guest")
{
    Profiled p{0x9100'0400, kHvc};  // add x0, x0, #1
    REQUIRE(p.rig.run() == Exit::Requested);
    REQUIRE(p.told.size() == 2);
    CHECK(p.told[0].name == std::string("gh-vmm:stubs"));
    CHECK(p.told[1].name == nullptr);
    CHECK(p.told[1].va == kRam);
    CHECK(p.told[1].el == 1);
    CHECK(p.told[1].vbar == TranslatedRig::kVectors);
    CHECK(p.told[1].at >= p.told[0].at + p.told[0].size);
    CHECK(p.told[1].size == p.profile.translation.bytes);
}

}  // namespace gh::jit::test
