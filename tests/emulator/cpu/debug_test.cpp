// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/debug.h"

#include "base/bits.h"
#include "rig.h"

#include <doctest/doctest.h>

namespace {

using gh::bit;
using gh::cpu::Exit;
using gh::cpu::test::Rig;

constexpr std::uint64_t kSpsrSs = 1u << 21;
constexpr std::uint64_t kEl0 = 0;
constexpr std::uint64_t kEl1 = 5;
constexpr std::uint64_t kMasked = 0x3c0;  // DAIF of an SPSR
constexpr std::uint64_t kD = 0x200;

constexpr std::uint64_t kSs = 1;  // MDSCR_EL1
constexpr std::uint64_t kKde = 1u << 13;
constexpr std::uint64_t kMde = 1u << 15;

constexpr std::uint64_t kBreakEl0 = 0x1e5;  // DBGBCR: E, PMC EL0, all bytes
constexpr std::uint64_t kBreakEl1 = 0x1e3;
constexpr std::uint64_t kWatchEl0 = 5;  // DBGWCR: E, PAC EL0
constexpr std::uint64_t kWatchEl1 = 3;
constexpr std::uint64_t kOnLoad = 1u << 3;
constexpr std::uint64_t kOnStore = 2u << 3;
constexpr std::uint64_t kLinkedTo5 = 5u << 16;
constexpr std::uint64_t watched_bytes(std::uint64_t bas)
{
    return bas << 5;
}

constexpr std::uint32_t kAdd = 0x91000400;  // add x0, x0, #1
constexpr std::uint32_t kSvc = 0xd40000a1;  // svc #5

constexpr std::uint64_t kSvcEsr = 0x5600'0005;

/// A program at EL0 (or EL1) that a debugger at EL1 watches. EL1 sees RAM at kKernel, where its
/// vectors are; EL0 sees it at kRam; Device memory is at 0. Whatever exception comes, the vector
/// leaves by HVC; run again, it loads the debug registers from x20..x27 and returns by ERET.
struct Debugger {
    static constexpr std::uint64_t kKernel = 0x4000'0000;
    static constexpr std::uint64_t kVectors = Rig::kRam + 0x1000;
    static constexpr std::uint64_t kProgram = Rig::kRam + 0x4000;
    static constexpr std::uint64_t kKernelProgram = kKernel + 0x4000;
    static constexpr std::uint64_t kData = Rig::kRam + 0x8000;
    static constexpr std::uint64_t kTable = Rig::kRam + 0xf0000;

    explicit Debugger(std::initializer_list<std::uint32_t> program)
    {
        for (const unsigned vector : {0x200u, 0x280u, 0x400u, 0x480u})
            rig.put(kVectors + vector, {
                                           Rig::kHvc,
                                           0xd5100094,  // msr dbgbvr0_el1, x20
                                           0xd51000b5,  // msr dbgbcr0_el1, x21
                                           0xd51000d6,  // msr dbgwvr0_el1, x22
                                           0xd51000f7,  // msr dbgwcr0_el1, x23
                                           0xd5100599,  // msr dbgbvr5_el1, x25
                                           0xd51005ba,  // msr dbgbcr5_el1, x26
                                           0xd518d03b,  // msr contextidr_el1, x27
                                           0xd5100258,  // msr mdscr_el1, x24
                                           0xd69f03e0,  // eret
                                       });
        rig.put(kProgram, program);
        rig.cpu.reset(kKernel + 0x1404, 0);
        auto& state = rig.cpu.state();
        state.vbar_el1 = kKernel + 0x1000;
        state.ttbr0_el1 = kTable;
        state.tcr_el1 = 25;
        state.mair_el1 = 0x00ff;  // attribute 0 Normal, 1 Device
        state.sctlr_el1 |= 1;
        state.cpacr_el1 = 3u << 20;
        constexpr std::uint64_t kLeaf = 0x401;  // AF, block
        word(kTable) = kLeaf | 1u << 6 | 1u << 2;
        word(kTable + 8) = Rig::kRam | kLeaf;
        word(kTable + 16) = Rig::kRam | kLeaf | 1u << 6;
        state.elr_el1 = kProgram;
        x(2) = kData;
    }

    std::uint64_t& word(std::uint64_t address)
    {
        return *reinterpret_cast<std::uint64_t*>(&rig.ram[address - Rig::kRam]);
    }
    std::uint64_t& x(unsigned n) { return rig.x(n); }
    gh::cpu::State& state() { return rig.cpu.state(); }
    /// Goes on until the next exception; returns its ESR.
    std::uint64_t esr()
    {
        REQUIRE(rig.run() == Exit::Requested);
        return state().esr_el1;
    }
    void step(std::uint64_t spsr = kEl0)
    {
        x(24) |= kSs;
        state().spsr_el1 = spsr | kSpsrSs;
    }
    void break_at(std::uint64_t address, std::uint64_t control = kBreakEl0)
    {
        x(20) = address;
        x(21) = control;
        x(24) |= kMde;
    }
    void watch(std::uint64_t address, std::uint64_t control)
    {
        x(22) = address;
        x(23) = control;
        x(24) |= kMde;
    }

    Rig rig{};
};

}  // namespace

TEST_CASE("a step executes one instruction and says that it did")
{
    Debugger d{kAdd, kAdd, kSvc};
    d.step();
    CHECK(d.esr() == 0xcb00'0022);
    CHECK(d.state().elr_el1 == Debugger::kProgram + 4);
    CHECK_FALSE(bit(d.state().spsr_el1, 21));
    CHECK(d.x(0) == 1);
    d.step();
    CHECK(d.esr() == 0xcb00'0022);
    CHECK(d.x(0) == 2);
}

TEST_CASE("with SPSR.SS clear the exception comes before any instruction")
{
    Debugger d{kAdd, kSvc};
    d.step();
    d.state().spsr_el1 = kEl0;
    CHECK(d.esr() == 0xca00'0022);
    CHECK(d.state().elr_el1 == Debugger::kProgram);
    CHECK(d.x(0) == 0);
}

TEST_CASE("SPSR.SS without MDSCR_EL1.SS steps nothing")
{
    Debugger d{kAdd, kAdd, kSvc};
    d.state().spsr_el1 = kSpsrSs;
    CHECK(d.esr() == kSvcEsr);
    CHECK_FALSE(bit(d.state().spsr_el1, 21));
    CHECK(d.x(0) == 2);
}

TEST_CASE("a stepped SVC is taken as it is, and the step ends on the way back")
{
    Debugger d{kSvc, kAdd};
    d.step();
    CHECK(d.esr() == kSvcEsr);
    CHECK_FALSE(bit(d.state().spsr_el1, 21));
    CHECK(d.esr() == 0xca00'0022);
    CHECK(d.state().elr_el1 == Debugger::kProgram + 4);
    CHECK(d.x(0) == 0);
}

TEST_CASE("an exception instead of the stepped instruction leaves the step to be done")
{
    Debugger udf{0x00000000};
    udf.step();
    CHECK(udf.esr() == 0x0200'0000);
    CHECK(bit(udf.state().spsr_el1, 21));
    Debugger brk{0xd4200060};  // brk #3
    brk.step();
    CHECK(brk.esr() == 0xf200'0003);
    CHECK(bit(brk.state().spsr_el1, 21));
    CHECK(brk.state().elr_el1 == Debugger::kProgram);
}

TEST_CASE("a step tells a load-exclusive from other instructions")
{
    const auto stepped = [](std::uint32_t word) {
        Debugger d{word};
        d.step();
        return d.esr();
    };
    CHECK(stepped(0xc85f7c43) == 0xcb00'0062);  // ldxr x3, [x2]
    CHECK(stepped(0xc87f9043) == 0xcb00'0062);  // ldaxp x3, x4, [x2]
    CHECK(stepped(0x887f1043) == 0xcb00'0062);  // ldxp w3, w4, [x2]
    CHECK(stepped(0x48247c46) == 0xcb00'0022);  // casp x4, x5, x6, x7, [x2]
}

TEST_CASE("a branch is stepped to its target")
{
    Debugger d{0x14000002, kAdd, kAdd};  // b +8
    d.step();
    CHECK(d.esr() == 0xcb00'0022);
    CHECK(d.state().elr_el1 == Debugger::kProgram + 8);
    CHECK(d.x(0) == 0);
}

TEST_CASE("an access that a device answers is stepped once")
{
    Debugger d{0xb9400043, kAdd};  // ldr w3, [x2]
    d.x(2) = 0x3000'0000;
    d.word(Debugger::kTable) |= 1u << 6;
    d.step();
    REQUIRE(d.rig.run() == Exit::Mmio);
    d.rig.cpu.complete_mmio(7);
    CHECK(d.esr() == 0xcb00'0022);
    CHECK(d.state().elr_el1 == Debugger::kProgram + 4);
    CHECK(d.x(3) == 7);
}

TEST_CASE("a kick does not lose a step")
{
    Debugger d{kAdd, kAdd};
    d.step();
    d.rig.cpu.kick();
    REQUIRE(d.rig.run() == Exit::Kicked);
    CHECK(d.esr() == 0xcb00'0022);
    CHECK(d.x(0) == 1);
}

TEST_CASE("an interrupt in place of the stepped instruction leaves the step to be done")
{
    Debugger d{kAdd, kAdd};
    d.step();
    d.rig.cpu.set_irq(true);
    (void)d.esr();
    CHECK(d.state().elr_el1 == Debugger::kProgram);
    CHECK(bit(d.state().spsr_el1, 21));
    d.rig.cpu.set_irq(false);
    CHECK(d.esr() == 0xcb00'0022);
    CHECK(d.x(0) == 1);
}

TEST_CASE("EL1 is stepped only with MDSCR_EL1.KDE set and PSTATE.D clear")
{
    const auto stepped = [](std::uint64_t mdscr, std::uint64_t masked) {
        Debugger d{kAdd, kAdd, kSvc};
        d.state().elr_el1 = Debugger::kKernelProgram;
        d.x(24) = mdscr;
        d.step(kEl1 | masked);
        return d.esr();
    };
    CHECK(stepped(kKde, kMasked & ~kD) == 0xcf00'0022);
    CHECK(stepped(kKde, kMasked) == kSvcEsr);
    CHECK(stepped(0, kMasked & ~kD) == kSvcEsr);
}

TEST_CASE("EL1 can unmask a pending step and mask it again")
{
    Debugger d{0xd50348ff, kAdd, 0xd50348df, kAdd, kSvc};  // msr daifclr, #8; ...; msr daifset, #8
    d.state().elr_el1 = Debugger::kKernelProgram;
    d.x(24) = kKde;
    d.step(kEl1 | kMasked);
    CHECK(d.esr() == 0xce00'0022);  // it was D that held the step back
    CHECK(d.state().elr_el1 == Debugger::kKernelProgram + 4);
    d.step(kEl1 | (kMasked & ~kD));
    CHECK(d.esr() == 0xcf00'0022);
    CHECK(d.x(0) == 1);
    d.step(kEl1 | (kMasked & ~kD));
    CHECK(d.esr() == kSvcEsr);
    CHECK(d.x(0) == 2);
}

TEST_CASE("a breakpoint triggers in a loop that ran before, ahead of its instruction")
{
    Debugger d{kAdd, 0xf1000421, 0x54ffffc1, kSvc};  // subs x1, x1, #1; b.ne -8
    d.x(1) = 10;
    REQUIRE(d.esr() == kSvcEsr);
    d.x(1) = 10;
    d.state().elr_el1 = Debugger::kProgram;
    d.break_at(Debugger::kProgram + 4);
    CHECK(d.esr() == 0xc200'0022);
    CHECK(d.state().elr_el1 == Debugger::kProgram + 4);
    CHECK(d.x(0) == 11);
    CHECK(d.x(1) == 10);
    // A debugger steps over it with the breakpoint off, then meets it again.
    d.x(24) = 0;
    d.step();
    CHECK(d.esr() == 0xcb00'0022);
    d.x(24) = kMde;
    CHECK(d.esr() == 0xc200'0022);
    CHECK(d.x(0) == 12);
    CHECK(d.x(1) == 9);
    d.x(24) = 0;
    CHECK(d.esr() == kSvcEsr);
    CHECK(d.x(0) == 20);
}

TEST_CASE("a breakpoint comes before the step of its instruction")
{
    Debugger d{kAdd, kSvc};
    d.break_at(Debugger::kProgram);
    d.step();
    CHECK(d.esr() == 0xc200'0022);
    CHECK(bit(d.state().spsr_el1, 21));
    CHECK(d.x(0) == 0);
}

TEST_CASE("a breakpoint triggers at the levels and with the switches that it names")
{
    const auto at_el0 = [](std::uint64_t control, std::uint64_t mdscr) {
        Debugger d{kAdd, kSvc};
        d.break_at(Debugger::kProgram, control);
        d.x(24) = mdscr;
        return d.esr();
    };
    CHECK(at_el0(kBreakEl0, kMde) == 0xc200'0022);
    CHECK(at_el0(kBreakEl0, kKde) == kSvcEsr);
    CHECK(at_el0(kBreakEl1, kMde | kKde) == kSvcEsr);
    CHECK(at_el0(kBreakEl0 & ~1ull, kMde) == kSvcEsr);
    CHECK(at_el0(kBreakEl0 | 2u << 14, kMde) == kSvcEsr);  // SSC: Secure only
    const auto at_el1 = [](std::uint64_t mdscr, std::uint64_t masked) {
        Debugger d{kAdd, kSvc};
        d.break_at(Debugger::kKernelProgram, kBreakEl1);
        d.x(24) = mdscr;
        d.state().elr_el1 = Debugger::kKernelProgram;
        d.state().spsr_el1 = kEl1 | masked;
        return d.esr();
    };
    CHECK(at_el1(kMde | kKde, kMasked & ~kD) == 0xc600'0022);
    CHECK(at_el1(kMde, kMasked & ~kD) == kSvcEsr);
    CHECK(at_el1(kMde | kKde, kMasked) == kSvcEsr);
}

TEST_CASE("a linked breakpoint triggers in the context that its partner names")
{
    Debugger d{kAdd, kAdd, kAdd, kSvc};
    d.break_at(Debugger::kProgram + 4, kBreakEl0 | 1u << 20 | kLinkedTo5);
    d.x(25) = 77;
    d.x(26) = 3u << 20 | 1;  // linked CONTEXTIDR_EL1
    d.x(27) = 76;
    CHECK(d.esr() == kSvcEsr);
    CHECK(d.x(0) == 3);
    d.state().elr_el1 = Debugger::kProgram;
    d.x(27) = 77;
    CHECK(d.esr() == 0xc200'0022);
    CHECK(d.state().elr_el1 == Debugger::kProgram + 4);
}

TEST_CASE("an unlinked context breakpoint triggers anywhere in its context")
{
    Debugger d{kAdd, kSvc};
    d.x(24) = kMde;
    d.x(25) = 77;
    d.x(26) = kBreakEl0 | 2u << 20;
    d.x(27) = 76;
    CHECK(d.esr() == kSvcEsr);
    d.state().elr_el1 = Debugger::kProgram;
    d.x(27) = 77;
    CHECK(d.esr() == 0xc200'0022);
    CHECK(d.state().elr_el1 == Debugger::kProgram);
}

TEST_CASE("a watchpoint keeps the store from happening and names the watched byte")
{
    Debugger d{0xb9000043, kSvc};  // str w3, [x2]
    d.x(3) = 0x1234;
    REQUIRE(d.esr() == kSvcEsr);  // the page is in the TLB now
    d.x(3) = 0x5678;
    d.state().elr_el1 = Debugger::kProgram;
    d.watch(Debugger::kData, kWatchEl0 | kOnStore | watched_bytes(0x04));
    CHECK(d.esr() == 0xd200'0062);
    CHECK(d.state().far_el1 == Debugger::kData + 2);
    CHECK(d.state().elr_el1 == Debugger::kProgram);
    CHECK(d.word(Debugger::kData) == 0x1234);
    d.x(24) = 0;
    CHECK(d.esr() == kSvcEsr);
    CHECK(d.word(Debugger::kData) == 0x5678);
}

TEST_CASE("a watchpoint leaves alone what it does not name")
{
    const auto store = [](std::uint64_t address, std::uint64_t control) {
        Debugger d{0x39000043, kSvc};  // strb w3, [x2]
        d.x(2) = address;
        d.watch(Debugger::kData, control);
        return d.esr();
    };
    CHECK(store(Debugger::kData, kWatchEl0 | kOnStore | watched_bytes(1)) == 0xd200'0062);
    CHECK(store(Debugger::kData + 1, kWatchEl0 | kOnStore | watched_bytes(1)) == kSvcEsr);
    CHECK(store(Debugger::kData, kWatchEl0 | kOnLoad | watched_bytes(1)) == kSvcEsr);
    CHECK(store(Debugger::kData, kWatchEl1 | kOnStore | watched_bytes(1)) == kSvcEsr);
    CHECK(store(Debugger::kData, kWatchEl0 | kOnStore) == kSvcEsr);
    CHECK(store(Debugger::kData, kOnStore | watched_bytes(1) | 4) == kSvcEsr);
}

TEST_CASE("a watchpoint with a mask watches a power of two of bytes, over pages too")
{
    const auto store = [](std::uint64_t address) {
        Debugger d{0x39000043, kSvc};
        d.x(2) = address;
        d.watch(Debugger::kData, kWatchEl0 | kOnStore | watched_bytes(0xff) | 13u << 24);
        return d.esr();
    };
    CHECK(store(Debugger::kData) == 0xd200'0062);
    CHECK(store(Debugger::kData + 0x1fff) == 0xd200'0062);
    CHECK(store(Debugger::kData + 0x2000) == kSvcEsr);
    CHECK(store(Debugger::kData - 1) == kSvcEsr);
}

TEST_CASE("every kind of access meets a watchpoint")
{
    const auto access = [](std::uint32_t word, std::uint64_t control, std::uint64_t offset = 0) {
        Debugger d{word, kSvc};
        d.x(2) = Debugger::kData + 0x100 - offset;
        d.watch(Debugger::kData + 0x100, kWatchEl0 | control | watched_bytes(0xff));
        const std::uint64_t esr = d.esr();
        if (esr != kSvcEsr)
            CHECK(d.state().far_el1 == Debugger::kData + 0x100);
        return esr;
    };
    constexpr std::uint64_t kRead = 0xd200'0022;
    constexpr std::uint64_t kWrite = 0xd200'0062;
    CHECK(access(0xf9400043, kOnLoad) == kRead);             // ldr x3, [x2]
    CHECK(access(0xf9400043, kOnStore) == kSvcEsr);          // ldr x3, [x2]
    CHECK(access(0xa9001043, kOnStore, 8) == kWrite);        // stp x3, x4, [x2]
    CHECK(access(0xa9401043, kOnLoad, 8) == kRead);          // ldp x3, x4, [x2]
    CHECK(access(0x3d800040, kOnStore, 8) == kWrite);        // str q0, [x2]
    CHECK(access(0xad000440, kOnStore, 16) == kWrite);       // stp q0, q1, [x2]
    CHECK(access(0x4c00a040, kOnStore, 16) == kWrite);       // st1 {v0.16b, v1.16b}, [x2]
    CHECK(access(0xf8230044, kOnStore) == kWrite);           // ldadd x3, x4, [x2]
    CHECK(access(0xf8230044, kOnLoad | kOnStore) == kRead);  // ldadd x3, x4, [x2]
    CHECK(access(0xc85f7c43, kOnLoad) == kRead);             // ldxr x3, [x2]
    CHECK(access(0xc87f9043, kOnLoad) == kRead);             // ldaxp x3, x4, [x2]
    CHECK(access(0xc8057c43, kOnStore) == kSvcEsr);          // stxr with nothing reserved
}

TEST_CASE("a watchpoint on the second register of a pair keeps the first from memory too")
{
    Debugger d{0xa9001043, kSvc};  // stp x3, x4, [x2]
    d.x(3) = d.x(4) = 1;
    d.watch(Debugger::kData + 8, kWatchEl0 | kOnStore | watched_bytes(0xff));
    CHECK(d.esr() == 0xd200'0062);
    CHECK(d.state().far_el1 == Debugger::kData + 8);
    CHECK(d.word(Debugger::kData) == 0);
}

TEST_CASE("a watchpoint sees an access over the edge of its page, whole")
{
    Debugger d{0xb9000043, kSvc};  // str w3, [x2]
    d.x(2) = Debugger::kData + 0xffe;
    d.x(3) = ~0u;
    d.watch(Debugger::kData + 0x1000, kWatchEl0 | kOnStore | watched_bytes(1));
    CHECK(d.esr() == 0xd200'0062);
    CHECK(d.state().far_el1 == Debugger::kData + 0x1000);
    CHECK(d.word(Debugger::kData + 0xff8) == 0);
}

TEST_CASE("DC ZVA and DC IVAC report their register, and only DC IVAC as maintenance")
{
    Debugger zva{0xd50b7422, kSvc};
    zva.state().sctlr_el1 |= 1u << 14;  // DZE
    zva.x(2) = Debugger::kData + 0x30;
    zva.word(Debugger::kData) = 5;
    zva.watch(Debugger::kData + 8, kWatchEl0 | kOnStore | watched_bytes(0xff));
    CHECK(zva.esr() == 0xd200'0062);
    CHECK(zva.state().far_el1 == Debugger::kData + 0x30);
    CHECK(zva.word(Debugger::kData) == 5);
    zva.x(24) = 0;
    CHECK(zva.esr() == kSvcEsr);
    CHECK(zva.word(Debugger::kData) == 0);

    const auto maintain = [](std::uint32_t word) {
        Debugger d{word, kSvc};
        d.state().elr_el1 = Debugger::kKernelProgram;
        d.state().spsr_el1 = kEl1;
        d.watch(Debugger::kData + 8, kWatchEl1 | kOnStore | watched_bytes(0xff));
        d.x(24) |= kKde;
        return d.esr();
    };
    CHECK(maintain(0xd5087622) == 0xd600'0162);  // dc ivac, x2
    CHECK(maintain(0xd50b7e22) == kSvcEsr);      // dc civac, x2
}

TEST_CASE("LDTR at EL1 is an access of EL0 to a watchpoint")
{
    const auto load = [](std::uint64_t control) {
        Debugger d{0xf8400843, kSvc};  // ldtr x3, [x2]
        d.state().elr_el1 = Debugger::kKernelProgram;
        d.state().spsr_el1 = kEl1;
        d.watch(Debugger::kData, control | kOnLoad | watched_bytes(0xff));
        d.x(24) |= kKde;
        return d.esr();
    };
    CHECK(load(kWatchEl0) == 0xd600'0022);
    CHECK(load(kWatchEl1) == kSvcEsr);
}

TEST_CASE("an access that faults does not get as far as its watchpoint")
{
    Debugger d{0xa9001043, kSvc};  // stp x3, x4, [x2]
    d.x(2) = Debugger::kKernel + 0x8000;
    d.watch(Debugger::kKernel + 0x8000, kWatchEl0 | kOnStore | watched_bytes(0xff));
    CHECK(d.esr() == 0x9200'004d);
}

TEST_CASE("golden oslsr_el1, osdlr_el1: there is no OS lock, whatever is written")
{
    Rig rig{
        0xd5301180,  // mrs x0, oslsr_el1
        0xd5101081,  // msr oslar_el1, x1
        0xd5301182,  // mrs x2, oslsr_el1
        0xd5101381,  // msr osdlr_el1, x1
        0xd5301383,  // mrs x3, osdlr_el1
        Rig::kHvc,
    };
    rig.x(1) = 1;
    CHECK(rig.run() == Exit::Requested);
    CHECK(rig.x(0) == 0);
    CHECK(rig.x(2) == 0);
    CHECK(rig.x(3) == 0);
}

TEST_CASE("a debugger outside stops first, and the guest's own breakpoint is still to come")
{
    Debugger d{kAdd, kAdd, kSvc};
    d.break_at(Debugger::kProgram + 4);
    d.rig.cpu.set_stop_points({.breakpoints = {Debugger::kProgram + 4}, .watchpoints = {}});
    CHECK(d.rig.cpu.run() == Exit::Debug);
    CHECK(d.state().pc == Debugger::kProgram + 4);
    CHECK(d.x(0) == 1);
    d.rig.cpu.set_stop_points({});
    CHECK(d.esr() == 0xc200'0022);
    CHECK(d.state().elr_el1 == Debugger::kProgram + 4);
    CHECK(d.x(0) == 1);
}

TEST_CASE("a step from outside leaves the guest's own step as it was")
{
    Debugger d{kAdd, kAdd, kSvc};
    d.step();
    d.rig.cpu.set_stop_points({.breakpoints = {Debugger::kProgram}, .watchpoints = {}});
    CHECK(d.rig.cpu.run() == Exit::Debug);
    CHECK(d.x(0) == 0);
    d.rig.cpu.step_once();
    CHECK(d.rig.cpu.run() == Exit::Debug);
    CHECK(d.rig.cpu.debug_stop().reason == gh::cpu::DebugStop::Reason::Step);
    CHECK(d.state().pc == Debugger::kProgram + 4);
    CHECK(d.x(0) == 1);
    CHECK(d.esr() == 0xcb00'0022);
    CHECK(d.state().elr_el1 == Debugger::kProgram + 4);
    CHECK(d.x(0) == 1);
}

TEST_CASE("a watchpoint from outside stops pairs, atomics and zeroing before anything is stored")
{
    for (const std::uint32_t word : {0xa9000440u,     // stp x0, x1, [x2]
                                     0xf8200041u,     // ldadd x0, x1, [x2]
                                     0xd50b7422u}) {  // dc zva, x2
        Debugger d{word, kSvc};
        d.state().sctlr_el1 |= 1u << 14;  // DZE
        d.word(Debugger::kData) = d.word(Debugger::kData + 8) = 7;
        d.x(0) = 1;
        d.rig.cpu.set_stop_points(
            {.breakpoints = {}, .watchpoints = {{Debugger::kData, 16, false, true}}});
        CHECK(d.rig.cpu.run() == Exit::Debug);
        CHECK(d.rig.cpu.debug_stop().address == Debugger::kData);
        CHECK(d.state().pc == Debugger::kProgram);
        CHECK(d.word(Debugger::kData) == 7);
        CHECK(d.word(Debugger::kData + 8) == 7);
        CHECK(d.x(1) == 0);
    }
}
