// SPDX-License-Identifier: BSD-3-Clause
// Strict tracking: code changes without cache maintenance, and what was written runs. T0 and T1.
#include "translated_rig.h"

#include <thread>

#include <doctest/doctest.h>

namespace gh::jit::test {
namespace {

using cpu::Exit;

constexpr std::uint32_t kRet = 0xd65f'03c0;
constexpr std::uint64_t kCode = kRam + 0x8000;

constexpr std::uint32_t mov_x0(unsigned value)
{
    return 0xd280'0000 | value << 5;
}

enum class Engine { T0, T1 };

/// Stores x7 to x6 by `store`, then calls x2 and stops.
class Changer : public TranslatedRig {
public:
    Changer(Engine engine, bool strict, std::uint32_t store = 0xb900'00c7)  // str w7, [x6]
        : TranslatedRig{store, 0xd63f'0040, kHvc}
    {
        if (engine == Engine::T0)
            cpu.set_translator(nullptr);
        if (strict)
            rig.cluster.watch_code();
        rig.put(kCode, {mov_x0(0), kRet});
        x(2) = x(6) = kCode;
    }
    std::uint64_t call(std::uint32_t word)
    {
        x(7) = word;
        REQUIRE(run_at(kRam) == Exit::Requested);
        return x(0);
    }
};

void run(cpu::Cpu& pe, std::uint64_t pc)
{
    pe.state().pc = pc;
    while (pe.run() != Exit::Requested) {
    }
}

}  // namespace

TEST_CASE("code that changes without a word is stale by contract and new by strict tracking")
{
    for (const Engine engine : {Engine::T0, Engine::T1}) {
        Changer contract(engine, false);
        CHECK(contract.call(mov_x0(1)) == 1);
        CHECK(contract.call(mov_x0(2)) == 1);
        Changer strict(engine, true);
        for (unsigned value = 1; value < 50; ++value)
            CHECK(strict.call(mov_x0(value)) == value);
    }
}

TEST_CASE("strict tracking sees stores by another address, by atomics and by DC ZVA")
{
    for (const Engine engine : {Engine::T0, Engine::T1}) {
        Changer alias(engine, true);
        alias.map(0, kCode);
        alias.x(6) = TranslatedRig::page(0);
        for (unsigned value = 1; value < 20; ++value)
            CHECK(alias.call(mov_x0(value)) == value);

        Changer atomic(engine, true, 0xb827'80c8);  // swp w7, w8, [x6]
        for (unsigned value = 1; value < 20; ++value)
            CHECK(atomic.call(mov_x0(value)) == value);

        Changer zeros(engine, true, 0xd50b'7426);  // dc zva, x6
        zeros.call(0);
        CHECK(zeros.cpu.state().elr_el1 == kCode);
        zeros.rig.put(kCode, {mov_x0(5), kRet});
        zeros.x(6) = kRam + 0x9000;
        zeros.cpu.set_translator(nullptr);  // forgets what it decoded
        CHECK(zeros.call(0) == 5);
        zeros.x(6) = kCode;
        zeros.cpu.state().elr_el1 = 0;
        zeros.call(0);
        CHECK(zeros.cpu.state().elr_el1 == kCode);
    }
}

TEST_CASE("under strict tracking a store changes the very next instruction")
{
    for (const Engine engine : {Engine::T0, Engine::T1}) {
        TranslatedRig t{
            0xb800'44c7,  // str w7, [x6], #4
            mov_x0(0),
            0xd100'04a5,  // sub x5, x5, #1
            kHvc,
        };
        t.rig.cluster.watch_code();
        if (engine == Engine::T0)
            t.cpu.set_translator(nullptr);
        for (unsigned value = 1; value < 20; ++value) {
            t.x(6) = kRam + 4;
            t.x(7) = mov_x0(value);
            REQUIRE(t.run_at(kRam) == Exit::Requested);
            CHECK(t.x(0) == value);
            CHECK(t.x(6) == kRam + 8);
        }
    }
}

TEST_CASE("a page with code and data stays writable, and pages that held code become fast again")
{
    for (const Engine engine : {Engine::T0, Engine::T1}) {
        Changer t(engine, true);
        t.x(6) = kRam + 0x40;  // behind the program
        for (unsigned value = 1; value < 20; ++value) {
            t.call(value);
            CHECK(t.rig.ram[0x40] == std::byte(value));
        }
        CHECK(t.cpu.current_tlb().slot(kRam).write == cpu::TlbEntry::kNoTag);
        t.call(mov_x0(1));
        t.x(6) = kCode;
        t.x(2) = kRam + 8;  // hvc: nothing runs in that page any more
        t.call(mov_x0(1));
        CHECK(t.cpu.current_tlb().slot(kCode).write == t.cpu.current_tlb().tag(kCode));
    }
}

TEST_CASE("strict tracking shows another PE what was written before the flag it waits for")
{
    constexpr std::uint64_t kRounds = 2000;
    for (const Engine engine : {Engine::T0, Engine::T1}) {
        TranslatedRig t{
            0xb900'00c7,  // 0: str w7, [x6]
            0xc89f'fd44,  //    stlr x4, [x10]
            0xc8df'fd65,  // 1: ldar x5, [x11]
            0xeb04'00bf,  //    cmp x5, x4
            0x54ff'ffc1,  //    b.ne 1b
            0x1100'80e7,  //    add w7, w7, #0x20
            0xf100'0484,  //    subs x4, x4, #1
            0x54ff'ff21,  //    b.ne 0b
            kHvc,
        };
        t.rig.cluster.watch_code();
        constexpr std::uint64_t kReader = kRam + 0x1000;
        t.rig.put(kReader, {
                               0xc8df'fd45,  // 0: ldar x5, [x10]
                               0xeb04'00bf,  //    cmp x5, x4
                               0x54ff'ffc1,  //    b.ne 0b
                               0xd63f'0040,  //    blr x2
                               0xeb0c'001f,  //    cmp x0, x12
                               0x9a81'0421,  //    cinc x1, x1, ne
                               0x9100'058c,  //    add x12, x12, #1
                               0xc89f'fd64,  //    stlr x4, [x11]
                               0xf100'0484,  //    subs x4, x4, #1
                               0x54ff'fee1,  //    b.ne 0b
                               kHvc,
                           });
        t.rig.put(kCode, {mov_x0(0), kRet});
        cpu::Cpu reader(t.rig.cluster, t.rig, 1, 0x8000'0001);
        reader.state() = t.cpu.state();
        reader.reset(kReader, 0);
        reader.state() = t.cpu.state();
        if (engine == Engine::T0)
            t.cpu.set_translator(nullptr);
        else
            reader.set_translator(make_translator(reader, 1));
        for (cpu::Cpu* const pe : {&t.cpu, &reader}) {
            auto& x = pe->state().x;
            x[4] = kRounds;
            x[2] = x[6] = kCode;
            x[7] = mov_x0(1);
            x[10] = kRam + 0xa000;
            x[11] = kRam + 0xb000;
            x[12] = 1;
        }
        {
            const std::jthread other([&] { run(reader, kReader); });
            run(t.cpu, kRam);
        }
        CHECK(reader.state().x[12] == kRounds + 1);
        CHECK(reader.state().x[1] == 0);
    }
}

}  // namespace gh::jit::test
