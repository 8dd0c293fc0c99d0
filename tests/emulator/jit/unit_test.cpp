// SPDX-License-Identifier: BSD-3-Clause
// Units are entered, left in the middle and come back to.
#include "translated_rig.h"

#include <doctest/doctest.h>

namespace gh::jit::test {
namespace {

using cpu::Exit;

/// ESR_EL1.EC
std::uint64_t exception_class(TranslatedRig& t)
{
    return t.cpu.state().esr_el1 >> 26;
}

/// Enters EL0 at `pc`, NZCV clear, and runs.
Exit run_at_el0(TranslatedRig& t, std::uint64_t pc)
{
    constexpr std::uint64_t kEret = kRam + 0xd0000;
    t.rig.put(kEret, {0xd69f'03e0});
    t.cpu.state().elr_el1 = pc;
    t.cpu.state().spsr_el1 = 0x3c0;
    return t.run_at(kEret);
}

}  // namespace

TEST_CASE("a loop computes in host code what it should")
{
    TranslatedRig t{
        0x8b00'0021,  // add x1, x1, x0
        0xf100'0400,  // subs x0, x0, #1
        0x54ff'ffc1,  // b.ne -8
        kHvc,
    };
    t.x(0) = 1000;
    CHECK(t.run() == Exit::Requested);
    CHECK(t.x(1) == 500500);
    CHECK(t.is_translated(kRam));
}

TEST_CASE("a loop that keeps V registers in host registers leaves them where they belong")
{
    TranslatedRig t{
        0x4ea0'8441,  // add v1.4s, v2.4s, v0.4s
        0x4ea1'1c22,  // mov v2.16b, v1.16b
        0xf100'0400,  // subs x0, x0, #1
        0x54ff'ffa1,  // b.ne -12
        kHvc,
    };
    t.x(0) = 1000;
    t.cpu.state().v[0] = {{1, 2}};
    CHECK(t.run() == Exit::Requested);
    CHECK(t.cpu.state().v[0] == cpu::Vreg{{1, 2}});
    CHECK(t.cpu.state().v[1] == cpu::Vreg{{1000, 2000}});
    CHECK(t.cpu.state().v[2] == cpu::Vreg{{1000, 2000}});
}

TEST_CASE("a fault in a loop that keeps V registers in host registers is precise")
{
    TranslatedRig t{
        0x4ea0'8421,  // add v1.4s, v1.4s, v0.4s
        0x3cc1'0462,  // ldr q2, [x3], #16
        0xf100'0421,  // subs x1, x1, #1
        0x54ff'ffa1,  // b.ne -12
        kHvc,
    };
    t.map(0, kRam + 0x8000);
    t.rig.ram[0x8ff0] = std::byte{7};
    t.cpu.state().v[0] = {{1, 0}};
    t.x(1) = 512;
    t.x(3) = TranslatedRig::page(0) + 0x1000 - 3 * 16;  // the fourth load finds no page
    REQUIRE(t.run() == Exit::Requested);
    CHECK(t.cpu.state().elr_el1 == kRam + 4);
    CHECK(t.cpu.state().v[1] == cpu::Vreg{{4, 0}});
    CHECK(t.cpu.state().v[2] == cpu::Vreg{{7, 0}});
}

TEST_CASE("a loop over a branch that is mostly taken sees when it is not")
{
    TranslatedRig t{
        0x7200'081f,  // tst w0, #7
        0x5400'0041,  // b.ne +8
        0x9100'0421,  // add x1, x1, #1
        0xf100'0400,  // subs x0, x0, #1
        0x54ff'ff81,  // b.ne -16
        kHvc,
    };
    t.x(0) = 1000;
    CHECK(t.run() == Exit::Requested);
    CHECK(t.x(1) == 125);
}

TEST_CASE("a fault in the middle of a unit is precise")
{
    TranslatedRig t{
        0xf100'0421,  // subs x1, x1, #1
        0x9100'0484,  // add x4, x4, #1
        0xf840'8462,  // ldr x2, [x3], #8
        0x9100'04a5,  // add x5, x5, #1
        0x54ff'ff81,  // b.ne -16
        kHvc,
    };
    t.map(0, kRam + 0x8000);
    t.x(1) = 512;
    t.x(3) = TranslatedRig::page(0) + 0x1000 - 3 * 8;  // the fourth load finds no page
    REQUIRE(t.run() == Exit::Requested);
    const auto& state = t.cpu.state();
    CHECK(exception_class(t) == 0x25);
    CHECK(state.far_el1 == TranslatedRig::page(1));
    CHECK(state.elr_el1 == kRam + 8);
    CHECK(t.x(1) == 508);
    CHECK(t.x(3) == TranslatedRig::page(1));
    CHECK(t.x(4) == 4);
    CHECK(t.x(5) == 3);
    CHECK((state.spsr_el1 >> 28) == 2);  // 508 != 0, no borrow: C
}

TEST_CASE("an access that a new page makes possible is done again and the unit goes on")
{
    TranslatedRig t{
        0xf940'0060,  // ldr x0, [x3]
        0x9100'0400,  // add x0, x0, #1
        0xf900'0060,  // str x0, [x3]
        kHvc,
    };
    t.x(3) = TranslatedRig::page(5);
    REQUIRE(t.run() == Exit::Requested);
    CHECK(t.cpu.state().elr_el1 == kRam);
    t.map(5, kRam + 0x8000);
    REQUIRE(t.run_at(kRam) == Exit::Requested);
    CHECK(t.x(0) == 1);
    CHECK(t.rig.ram[0x8000] == std::byte{1});
}

TEST_CASE("an access across two pages of which one is missing changes neither")
{
    TranslatedRig t{
        0xf900'0060,  // str x0, [x3]
        kHvc,
    };
    t.map(0, kRam + 0x8000);
    t.x(0) = ~0ull;
    t.x(3) = TranslatedRig::page(1) - 4;
    REQUIRE(t.run() == Exit::Requested);
    CHECK(t.cpu.state().far_el1 == TranslatedRig::page(1));
    CHECK(t.rig.ram[0x8ffc] == std::byte{0});
}

TEST_CASE("a stack pointer that a unit misaligns is found out by its next use")
{
    TranslatedRig t{
        0xf940'03e0,  // ldr x0, [sp]
        0x9100'23ff,  // add sp, sp, #8
        0xf940'03e0,  // ldr x0, [sp]
        kHvc,
    };
    t.x(cpu::kSp) = kRam + 0x8000;
    REQUIRE(t.run() == Exit::Requested);
    CHECK(exception_class(t) == 0x26);
    CHECK(t.cpu.state().elr_el1 == kRam + 8);
}

TEST_CASE("a device read leaves host code and comes back with the answer")
{
    TranslatedRig t{
        0xb940'0020,  // ldr w0, [x1]
        0x8b00'0042,  // add x2, x2, x0
        0xd100'0463,  // sub x3, x3, #1
        0xb5ff'ffa3,  // cbnz x3, -12
        kHvc,
    };
    t.map(0, 0x3000'0000);
    t.x(1) = TranslatedRig::page(0) + 8;
    t.x(3) = 5;
    for (unsigned i = 1; i <= 5; ++i) {
        REQUIRE(t.run() == Exit::Mmio);
        CHECK(t.cpu.pending_mmio().ipa == 0x3000'0008);
        t.cpu.complete_mmio(i);
    }
    CHECK(t.run() == Exit::Requested);
    CHECK(t.x(2) == 15);
}

TEST_CASE("code that runs at two exception levels has the rights of each")
{
    TranslatedRig t{kHvc};
    t.map(0, kRam + 0x8000, TranslatedRig::kUser | TranslatedRig::kReadOnly);
    t.rig.put(kRam + 0x8000, {
                                 0xf940'0020,  // ldr x0, [x1]
                                 0xd400'0001,  // svc #0
                             });
    for (unsigned i = 0; i < 3; ++i) {
        t.x(1) = kRam + 0x9000;  // EL1's alone
        REQUIRE(t.run_at(TranslatedRig::page(0)) == Exit::Requested);
        CHECK(exception_class(t) == 0x15);
        REQUIRE(run_at_el0(t, TranslatedRig::page(0)) == Exit::Requested);
        CHECK(exception_class(t) == 0x24);
        CHECK(t.cpu.state().far_el1 == kRam + 0x9000);
    }
}

TEST_CASE("code whose floating point traps is translated once it does not")
{
    TranslatedRig t{
        0x1e61'2800,  // fadd d0, d0, d1
        0xd100'0400,  // sub x0, x0, #1
        0xb5ff'ffc0,  // cbnz x0, -8
        kHvc,
        0xd518'1047,  // msr cpacr_el1, x7
        0xd503'3fdf,  // isb
        0xd61f'0120,  // br x9
    };
    t.x(0) = 10;
    t.x(7) = 0;
    t.x(9) = kRam;
    t.cpu.state().v[1].d[0] = 0x3ff0'0000'0000'0000;  // 1.0
    REQUIRE(t.run_at(kRam + 16) == Exit::Requested);
    CHECK(exception_class(t) == 0x07);
    CHECK(t.x(0) == 10);
    t.x(7) = 3ull << 20;
    REQUIRE(t.run_at(kRam + 16) == Exit::Requested);
    CHECK(t.cpu.state().v[0].d[0] == 0x4024'0000'0000'0000);  // 10.0
    CHECK(t.is_translated(kRam));
}

TEST_CASE("a unit does not run on into a page without code")
{
    TranslatedRig t{kHvc};
    t.map(0, kRam + 0x8000);
    t.rig.put(kRam + 0x8ffc, {0x9100'0400});  // add x0, x0, #1
    REQUIRE(t.run_at(TranslatedRig::page(1) - 4) == Exit::Requested);
    CHECK(exception_class(t) == 0x21);
    CHECK(t.cpu.state().elr_el1 == TranslatedRig::page(1));
    CHECK(t.x(0) == 1);
}

}  // namespace gh::jit::test
