// SPDX-License-Identifier: BSD-3-Clause
// Returns go where X30 says, however it came to say so, and whatever happened since the call.
#include "translated_rig.h"

#include <doctest/doctest.h>

namespace gh::jit::test {
namespace {

using cpu::Exit;

constexpr std::uint32_t kMov1 = 0xd280'0020;  // mov x0, #1
constexpr std::uint32_t kMov2 = 0xd280'0040;  // mov x0, #2
constexpr std::uint32_t kRet = 0xd65f'03c0;
constexpr std::uint32_t kRetX1 = 0xd65f'0020;
constexpr std::uint32_t kEret = 0xd69f'03e0;
constexpr std::uint32_t kSvc = 0xd400'0001;
constexpr std::uint64_t kCode = kRam + 0x8000;
constexpr std::uint64_t kOtherCode = kRam + 0x9000;

/// A function in page 0, at kCode, called from the start of RAM: it calls `callee` in its own page,
/// and then says 1 in x0.
class Outer : public TranslatedRig {
public:
    explicit Outer(std::initializer_list<std::uint32_t> callee) : TranslatedRig{0xd63f'0040, kHvc}
    {
        map(0, kCode);
        rig.put(kCode, {
                           0xaa1e'03e9,  // mov x9, x30
                           0x9400'0003,  // bl callee
                           kMov1,
                           0xd65f'0120,  // ret x9
                       });
        rig.put(kCode + 16, callee);
        x(2) = page(0);
    }
    std::uint64_t result()
    {
        REQUIRE(run_at(kRam) == Exit::Requested);
        return x(0);
    }
};

}  // namespace

TEST_CASE("calls nest as deep as the guest likes")
{
    TranslatedRig t{
        0x9400'0002,  //    bl 2f
        kHvc,         //
        0xb400'00c0,  // 2: cbz x0, 1f
        0xf800'84be,  //    str x30, [x5], #8
        0xd100'0400,  //    sub x0, x0, #1
        0x97ff'fffd,  //    bl 2b
        0x9100'0421,  //    add x1, x1, #1
        0xf85f'8cbe,  //    ldr x30, [x5, #-8]!
        kRet,         // 1: ret
    };
    for (const std::uint64_t depth : {5u, 500u, 20000u, 20000u}) {
        t.x(0) = depth;
        t.x(1) = 0;
        t.x(5) = kRam + 0x10000;
        REQUIRE(t.run_at(kRam) == Exit::Requested);
        CHECK(t.x(1) == depth);
        CHECK(t.x(5) == kRam + 0x10000);
    }
}

TEST_CASE("a return past two callers leaves them out")
{
    TranslatedRig t{
        0x9400'0005,  // 0: bl a
        0x9100'0421,  //    add x1, x1, #1
        0xf100'0484,  //    subs x4, x4, #1
        0x54ff'ffa1,  //    b.ne 0b
        kHvc,         //
        0xaa1e'03e9,  // a: mov x9, x30
        0x9400'0003,  //    bl b
        0x9100'0442,  //    add x2, x2, #1
        0xd65f'0120,  //    ret x9
        0xaa1e'03ea,  // b: mov x10, x30
        0x9400'0003,  //    bl c
        0x9100'0442,  //    add x2, x2, #1
        0xd65f'0140,  //    ret x10
        0xd65f'0120,  // c: ret x9
    };
    t.x(4) = 5000;
    REQUIRE(t.run() == Exit::Requested);
    CHECK(t.x(1) == 5000);
    CHECK(t.x(2) == 0);
}

TEST_CASE("two threads of control that switch by returning keep apart")
{
    TranslatedRig t{
        0x1000'00d4,  //    adr x20, 2f
        0x9400'0008,  // 1: bl 3f
        0x9100'0421,  //    add x1, x1, #1
        0xf100'0484,  //    subs x4, x4, #1
        0x54ff'ffa1,  //    b.ne 1b
        kHvc,         //
        0x9400'0003,  // 2: bl 3f
        0x9100'0442,  //    add x2, x2, #1
        0x17ff'fffe,  //    b 2b
        0xaa1e'03e9,  // 3: mov x9, x30
        0xaa14'03fe,  //    mov x30, x20
        0xaa09'03f4,  //    mov x20, x9
        kRet,
    };
    t.x(4) = 1000;
    REQUIRE(t.run() == Exit::Requested);
    CHECK(t.x(1) == 1000);
    CHECK(t.x(2) == 999);
}

TEST_CASE("a return that no call precedes goes where it says, if there is something")
{
    TranslatedRig t{kHvc};
    t.rig.put(kRam + 0x100, {kRetX1});
    for (unsigned i = 0; i < 3; ++i) {
        t.x(1) = kRam;
        CHECK(t.run_at(kRam + 0x100) == Exit::Requested);
        CHECK((t.cpu.state().esr_el1 >> 26) == 0);
    }
    t.x(1) = ~0ull;  // what lies at the bottom of the stack
    for (unsigned i = 0; i < 3; ++i) {
        REQUIRE(t.run_at(kRam + 0x100) == Exit::Requested);
        CHECK((t.cpu.state().esr_el1 >> 26) == 0x22);
        CHECK(t.cpu.state().elr_el1 == ~0ull);
        t.cpu.state().esr_el1 = 0;
    }
}

TEST_CASE("code that a callee changes behind its call is new when it returns")
{
    Outer t{
        0xb900'00c7,  // str w7, [x6]
        0xd50b'7526,  // ic ivau, x6
        0xd503'3f9f,  // dsb sy
        kRet,
    };
    t.x(6) = kCode + 8;
    for (unsigned i = 0; i < 3; ++i)
        for (const bool one : {true, false}) {
            t.x(7) = one ? kMov1 : kMov2;
            CHECK(t.result() == (one ? 1 : 2));
        }
}

TEST_CASE("a return to a page that a callee mapped elsewhere runs what lies there")
{
    Outer t{0xd61f'0060};  // br x3: on to RAM where it always was
    t.rig.put(kOtherCode, {0, 0, kMov2, 0xd65f'0120});
    t.rig.put(kRam + 0x100, {
                                0xf900'00c7,  // str x7, [x6]
                                0xd508'8768,  // tlbi vaae1, x8
                                0xd503'3f9f,  // dsb sy
                                kRet,
                            });
    t.x(3) = kRam + 0x100;
    t.x(6) = TranslatedRig::kTables + 0x2000;
    t.x(8) = TranslatedRig::page(0) >> 12;
    for (unsigned i = 0; i < 3; ++i)
        for (const bool first : {true, false}) {
            t.map(0, kCode);
            t.x(7) = (first ? kCode : kOtherCode) | 1 << 10 | 3;
            CHECK(t.result() == (first ? 1 : 2));
            t.map(0, kCode);
            t.run_at(kRam + 0x104);  // and forget
        }
}

TEST_CASE("a callee may throw all code away")
{
    Outer t{
        0xd508'751f,  // ic iallu
        kRet,
    };
    for (unsigned i = 0; i < 5; ++i)
        CHECK(t.result() == 1);
}

TEST_CASE("a call at EL0 is returned to at EL1 with EL1's rights, and the other way round")
{
    TranslatedRig t{kHvc};
    const std::uint64_t outer = TranslatedRig::page(0);
    t.map(0, kCode, TranslatedRig::kUser | TranslatedRig::kReadOnly);
    t.rig.put(kCode, {
                         0x9400'0002,  // bl +8
                         0xf940'0020,  // ldr x0, [x1]
                         kSvc,         // svc #0
                         kRet,
                     });
    t.rig.put(kRam + 0x100, {kEret});
    t.x(1) = kRam + 0x9000;  // EL1's alone
    t.rig.put(kRam + 0x9000, {7});
    for (unsigned i = 0; i < 6; ++i) {
        const bool at_el1 = i % 2 == 0;
        // The SVC's vector returns as the callee would have, or to the callee; then it is enough.
        t.rig.put(TranslatedRig::kVectors + 0x400, {
                                                       0xb500'0063,  // cbnz x3, 1f
                                                       0xd280'0023,  // mov x3, #1
                                                       at_el1 ? kRet : kEret,
                                                       kHvc,  // 1:
                                                   });
        t.cpu.set_translator(make_translator(t.cpu, 1));
        t.x(0) = t.x(3) = 0;
        t.cpu.state().elr_el1 = outer;
        t.cpu.state().spsr_el1 = 0x3c0;
        REQUIRE(t.run_at(kRam + 0x100) == Exit::Requested);
        CHECK(t.x(0) == (at_el1 ? 7 : 0));
        CHECK((t.cpu.state().esr_el1 >> 26) == (at_el1 ? 0x15 : 0x24));
    }
}

TEST_CASE("a breakpoint that a callee arms behind its call is met when it returns")
{
    Outer t{
        0xd510'0080,  // msr dbgbvr0_el1, x0
        0xd510'00a1,  // msr dbgbcr0_el1, x1
        0xd510'0244,  // msr mdscr_el1, x4
        0xd503'48ff,  // msr daifclr, #8
        kRet,
    };
    t.x(1) = 0;
    t.x(4) = 0;
    CHECK(t.result() == 1);
    CHECK(t.result() == 1);
    t.x(0) = TranslatedRig::page(0) + 8;
    t.x(1) = 1 | 1 << 1 | 0xf << 5;  // enabled, at EL1
    t.x(4) = 1 << 15 | 1 << 13;      // MDE, KDE
    t.x(4) |= t.cpu.state().mdscr_el1;
    REQUIRE(t.run_at(kRam) == Exit::Requested);
    CHECK((t.cpu.state().esr_el1 >> 26) == 0x31);
    CHECK(t.cpu.state().elr_el1 == TranslatedRig::page(0) + 8);
}

}  // namespace gh::jit::test
