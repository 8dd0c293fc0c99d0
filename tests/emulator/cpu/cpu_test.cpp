// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/cpu.h"

#include "rig.h"

#include <doctest/doctest.h>

using gh::cpu::Exit;
using gh::cpu::test::Rig;

TEST_CASE("a loop counts down and leaves through HVC")
{
    Rig rig{
        0xd2800140,  // mov x0, #10
        0xd2800001,  // mov x1, #0
        0x8b000021,  // add x1, x1, x0
        0xf1000400,  // subs x0, x0, #1
        0x54ffffc1,  // b.ne -8
        Rig::kHvc,
    };
    CHECK(rig.run() == Exit::Requested);
    CHECK(rig.x(1) == 55);
    CHECK(rig.cpu.state().pc == Rig::kRam + 6 * 4);
}

TEST_CASE("a device read leaves with its address and goes on with the answer")
{
    Rig rig{
        0xd2a60001,  // mov x1, #0x30000000
        0x39c00020,  // ldrsb w0, [x1]
        Rig::kHvc,
    };
    REQUIRE(rig.run() == Exit::Mmio);
    CHECK(rig.cpu.pending_mmio().ipa == 0x3000'0000);
    CHECK(rig.cpu.pending_mmio().size == 1);
    CHECK_FALSE(rig.cpu.pending_mmio().write);
    rig.cpu.complete_mmio(0x80);
    CHECK(rig.run() == Exit::Requested);
    CHECK(rig.x(0) == 0xffff'ff80);
}

TEST_CASE("a pair access to a device aborts with the syndrome that Gunyah gives")
{
    Rig rig{
        0xd2a60001,  // mov x1, #0x30000000
        0xa9400022,  // ldp x2, x0, [x1]
    };
    rig.cpu.state().vbar_el1 = Rig::kRam + 0x800;
    rig.put(Rig::kRam + 0xa00, {Rig::kHvc});
    CHECK(rig.run() == Exit::Requested);
    CHECK(rig.cpu.state().esr_el1 == 0x9600'0010);
    CHECK(rig.cpu.state().far_el1 == 0x3000'0000);
    CHECK(rig.cpu.state().elr_el1 == Rig::kRam + 4);
}

TEST_CASE("golden mmio.stxr: with nothing reserved a store-exclusive fails and touches nothing")
{
    for (const std::uint32_t store : {0x88017c40u, 0xc8219040u}) {  // stxr w1; stlxp w1, x0, x4
        Rig rig{
            0xd28a0002,  // mov x2, #0x5000
            store,
            Rig::kHvc,
        };
        CHECK(rig.run() == Exit::Requested);
        CHECK(rig.x(1) == 1);
        CHECK(rig.cpu.state().esr_el1 == 0);
    }
}

TEST_CASE("golden addr.*: beyond the VM's memory an access aborts, beyond 48 bits it is too large")
{
    const auto esr_of = [](std::uint64_t address) {
        Rig rig{0x39400040};  // ldrb w0, [x2]
        rig.x(2) = address;
        rig.cpu.state().vbar_el1 = Rig::kRam + 0x800;
        rig.put(Rig::kRam + 0xa00, {Rig::kHvc});
        CHECK(rig.run() == Exit::Requested);
        CHECK(rig.cpu.state().far_el1 == address);
        return rig.cpu.state().esr_el1;
    };
    CHECK(esr_of(0xf'ffff'f000) == 0x9600'0010);
    CHECK(esr_of(0x10'0000'0000) == 0x9600'0010);
    CHECK(esr_of(0x80'0000'0000) == 0x9600'0010);
    CHECK(esr_of(0xffff'ffff'0000'0000) == 0x9600'0000);
}

TEST_CASE("golden fetch.0x1000000000: code beyond the VM's memory aborts")
{
    Rig rig{0xd61f0040};  // br x2
    rig.x(2) = 0x10'0000'0000;
    rig.cpu.state().vbar_el1 = Rig::kRam + 0x800;
    rig.put(Rig::kRam + 0xa00, {Rig::kHvc});
    CHECK(rig.run() == Exit::Requested);
    CHECK(rig.cpu.state().esr_el1 == 0x8600'0010);
    CHECK(rig.cpu.state().elr_el1 == 0x10'0000'0000);
}

TEST_CASE("a PE without vectors is found out instead of spinning for ever")
{
    Rig rig{0x00000000};  // udf
    rig.cpu.state().vbar_el1 = 0x9000'0000;
    CHECK(rig.run() == Exit::Loop);
}

TEST_CASE("changed code runs after IC IVAU")
{
    Rig rig{
        0x94000004,  // bl +16
        0xb9000022,  // str w2, [x1]
        0xd50b7521,  // ic ivau, x1
        0x94000001,  // bl +4
        0xd2800020,  // mov x0, #1   (the code that changes: mov x0, #2)
        0xb4000045,  // cbz x5, +8
        Rig::kHvc,
        0xd2800025,  // mov x5, #1
        0xd65f03c0,  // ret
    };
    rig.x(1) = Rig::kRam + 16;
    rig.x(2) = 0xd2800040;
    CHECK(rig.run() == Exit::Requested);
    CHECK(rig.x(0) == 2);
}

TEST_CASE("a kick ends an endless loop")
{
    Rig rig{0x14000000};  // b .
    rig.cpu.kick();
    CHECK(rig.run() == Exit::Kicked);
}

TEST_CASE("an interrupt is taken when unmasked and not before")
{
    Rig rig{
        0xd503201f,  // nop
        0xd50342ff,  // msr daifclr, #2
        0x14000000,  // b .
    };
    rig.cpu.state().vbar_el1 = Rig::kRam + 0x800;
    rig.put(Rig::kRam + 0x800 + 0x280, {Rig::kHvc});
    rig.cpu.set_irq(true);
    CHECK(rig.run() == Exit::Requested);
    CHECK(rig.cpu.state().elr_el1 == Rig::kRam + 8);
    CHECK((rig.cpu.state().spsr_el1 & 0x80) == 0);
}

TEST_CASE("WFI waits only while no interrupt is pending")
{
    Rig rig{0xd503207f, Rig::kHvc};
    CHECK(rig.run() == Exit::Wfi);
    CHECK(rig.run() == Exit::Requested);
    Rig other{0xd503207f, Rig::kHvc};
    other.cpu.set_irq(true);
    CHECK(other.run() == Exit::Requested);
}
