// SPDX-License-Identifier: BSD-3-Clause
// T0 and T1 side by side: what agrees is run once, what differs is told. A wrong translation is
// made by changing what T0 will execute after T1 has translated it.
#include "emulator/jit/lockstep.h"

#include "base/log.h"
#include "translated_rig.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace gh::jit::test {
namespace {

using cpu::Exit;

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

/// The rig with the checking translator, and what that said.
struct LockstepRig : TranslatedRig {
    LockstepRig(std::initializer_list<std::uint32_t> words, std::uint32_t threshold = 1)
        : TranslatedRig(words)
    {
        cpu.set_translator(make_lockstep_translator(
            cpu, threshold, [this](const std::string& text) { reports.push_back(text); }));
    }
    ~LockstepRig()
    {
        set_log_level(LogLevel::Error);  // it says how much was compared
        cpu.set_translator(nullptr);
        set_log_level(LogLevel::Warn);
    }

    /// Instruction `n` of the block at the start of RAM as T0 will run it.
    cpu::Insn& insn(unsigned n) { return cpu.sibling(kRam)->insns()[n]; }

    std::vector<std::string> reports;
};

}  // namespace

TEST_CASE("a program ends in lock step as it would alone")
{
    LockstepRig t{
        0xf100'0421,  // subs x1, x1, #1
        0x9100'0484,  // add x4, x4, #1
        0xf800'8464,  // str x4, [x3], #8
        0x885f'7c65,  // ldxr w5, [x3]
        0x8805'7c64,  // stxr w5, w4, [x3]
        0x4e28'4820,  // aese v0.16b, v1.16b
        0x54ff'ff41,  // b.ne -24
        kHvc,
    };
    t.map(0, kRam + 0x8000);
    t.x(1) = 300;
    t.x(3) = TranslatedRig::page(0);
    REQUIRE(t.run() == Exit::Requested);
    CHECK(t.reports.empty());
    CHECK(t.is_translated(kRam));
    CHECK(t.cpu.state().pc == kRam + 8 * 4);
    CHECK(t.x(4) == 300);
    CHECK(t.x(5) == 0);
    CHECK(std::to_integer<int>(t.rig.ram[0x8000 + 299 * 8]) == 300 % 256);
}

TEST_CASE("a page fault in the middle of a unit is the same in both")
{
    LockstepRig t{
        0x9100'0484,  // add x4, x4, #1
        0xf800'8464,  // str x4, [x3], #8
        0x17ff'fffe,  // b -8
    };
    t.map(0, kRam + 0x8000);
    t.x(3) = TranslatedRig::page(0);
    REQUIRE(t.run() == Exit::Requested);
    CHECK(t.reports.empty());
    CHECK(t.cpu.state().far_el1 == TranslatedRig::page(1));
    CHECK(t.cpu.state().elr_el1 == kRam + 4);
    CHECK(t.x(4) == 513);
}

TEST_CASE("code that has changed and was not maintained yet is no difference")
{
    LockstepRig t({0x9100'0484, kHvc}, 2);  // add x4, x4, #1
    REQUIRE(t.run() == Exit::Requested);    // decoded
    t.rig.put(kRam, {0x9100'0884});         // add x4, x4, #2
    REQUIRE(t.run_at(kRam) == Exit::Requested);
    CHECK(t.reports.empty());
    CHECK(t.x(4) == 2);
}

TEST_CASE("a device is asked once")
{
    LockstepRig t{
        0x9100'0484,  // add x4, x4, #1
        0xb940'0065,  // ldr w5, [x3]
        kHvc,
    };
    t.map(0, 0x1000);
    t.x(3) = TranslatedRig::page(0) + 8;
    REQUIRE(t.run() == Exit::Mmio);
    CHECK(t.cpu.pending_mmio().ipa == 0x1008);
    CHECK(t.x(4) == 1);
    t.cpu.complete_mmio(77);
    REQUIRE(t.run() == Exit::Requested);
    CHECK(t.x(5) == 77);
    CHECK(t.reports.empty());
}

TEST_CASE("a wrong register is told with its instructions and values")
{
    LockstepRig t{
        0x9100'0421,  // add x1, x1, #1
        kHvc,
    };
    REQUIRE(t.run() == Exit::Requested);
    REQUIRE(t.reports.empty());
    t.insn(0).imm = 2;
    t.x(1) = 0x10;
    REQUIRE(t.run_at(kRam) == Exit::Requested);
    REQUIRE(t.reports.size() == 1);
    const std::string& report = t.reports.front();
    CAPTURE(report);
    CHECK(contains(report, "translated code at 0000000080000000, EL1, differs"));
    CHECK(contains(report, "91000421  ADD_imm"));
    CHECK(contains(report,
                   "x1         before 0000000000000010  T0 0000000000000012  T1 "
                   "0000000000000011"));
}

TEST_CASE("a wrong store is told, also where registers agree")
{
    LockstepRig t{
        0xf900'0061,  // str x1, [x3]
        kHvc,
    };
    t.map(0, kRam + 0x8000);
    t.x(3) = TranslatedRig::page(0);
    REQUIRE(t.run() == Exit::Requested);
    t.insn(0).rd = 2;
    t.x(1) = 0x11;
    t.x(2) = 0x22;
    REQUIRE(t.run_at(kRam) == Exit::Requested);
    REQUIRE(t.reports.size() == 1);
    CAPTURE(t.reports.front());
    CHECK(contains(t.reports.front(), "[400000] before 00  T0 22  T1 11"));
}

TEST_CASE("a vector, the flags and where code goes are compared too")
{
    LockstepRig t{
        0x4ea1'8402,  // add v2.4s, v0.4s, v1.4s
        0xf100'041f,  // cmp x0, #1
        0x5400'0040,  // b.eq 8
        kHvc,        kHvc,
    };
    t.cpu.state().v[0] = {{1, 2}};
    REQUIRE(t.run() == Exit::Requested);
    REQUIRE(t.reports.empty());
    t.insn(0).rm = 0;
    t.insn(1).imm = 0;
    REQUIRE(t.run_at(kRam) == Exit::Requested);
    REQUIRE(t.reports.size() == 1);
    const std::string& report = t.reports.front();
    CAPTURE(report);
    CHECK(contains(report, "v2.low"));
    CHECK(contains(report, "v2.high"));
    CHECK(contains(report, "nzcv"));
    CHECK(contains(report, "pc         before"));
}

}  // namespace gh::jit::test
