// SPDX-License-Identifier: BSD-3-Clause
// What T0 really reads and writes is the oracle: random words of every encoding run in it.
#include "emulator/cpu/footprint.h"

#include "emulator/cpu/decode.h"
#include "rig.h"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

namespace gh::cpu::test {
namespace {

constexpr std::uint64_t kMiddle = Rig::kRam + 0x8'0000;

/// A word of `row` with the other bits random.
std::uint32_t word_of(const Encoding& row, std::mt19937_64& random)
{
    return row.match | (static_cast<std::uint32_t>(random()) & ~row.mask);
}

class Observer {
public:
    /// RAM is empty, and registers lead to `target`, but for one that serves as an index.
    State& prepare(std::uint64_t target, std::mt19937_64& random)
    {
        std::fill(rig.ram.begin(), rig.ram.end(), std::byte{});
        State& state = rig.cpu.state();
        state.cpacr_el1 = 3ull << 20;
        state.esr_el1 = 0;
        state.vbar_el1 = Rig::kRam + 0x800;
        rig.put(state.vbar_el1 + 0x200, {Rig::kHvc});
        rig.cpu.reset(Rig::kRam, 0);
        for (unsigned n = 0; n < 32; ++n)
            state.x.at(n) = target + n * 0x1000;
        state.x.at(30) = 0x40;
        for (Vreg& v : state.v)
            v.d = {random() | 1, random() | 1};
        return state;
    }

    Exit run(std::uint32_t word)
    {
        rig.put(Rig::kRam, {0xd503'3fdf, word, Rig::kHvc});
        rig.cpu.state().pc = Rig::kRam;
        return rig.run();
    }

    Rig rig{};
};

}  // namespace

TEST_CASE("no instruction stores beyond its footprint")
{
    std::mt19937_64 random(1);
    Observer t;
    unsigned stores = 0;
    for (const Encoding& row : encodings()) {
        for (int i = 0; i < 40; ++i) {
            const std::uint32_t word = word_of(row, random);
            if (find_encoding(word) != &row || (word & 0x0a00'0000) != 0x0800'0000)
                continue;
            const auto found = footprint(word, Rig::kRam + 4, t.prepare(kMiddle, random));
            t.run(word);
            CAPTURE(row.name);
            CAPTURE(word);
            for (std::size_t at = kPageSize; at < t.rig.ram.size(); ++at) {
                if (t.rig.ram[at] == std::byte{})
                    continue;
                ++stores;
                REQUIRE(found);
                REQUIRE(found->write);
                REQUIRE(Rig::kRam + at - found->address < found->size);
            }
        }
    }
    CHECK(stores > 1000);
}

TEST_CASE("no instruction reaches a device beyond its footprint")
{
    constexpr std::uint64_t kDevice = 0x1000'0000;
    std::mt19937_64 random(2);
    Observer t;
    unsigned accesses = 0;
    for (const Encoding& row : encodings()) {
        for (int i = 0; i < 20; ++i) {
            const std::uint32_t word = word_of(row, random);
            const bool literal = (word & 0x3b00'0000) == 0x1800'0000;  // where PC leads
            if (find_encoding(word) != &row || (word & 0x0a00'0000) != 0x0800'0000 || literal)
                continue;
            State& state = t.prepare(kDevice, random);
            const auto found = footprint(word, Rig::kRam + 4, state);
            const Exit exit = t.run(word);
            const bool aborts = state.esr_el1 >> 26 == 0x25;
            if (exit != Exit::Mmio && !aborts)
                continue;
            const std::uint64_t address =
                exit == Exit::Mmio ? t.rig.cpu.pending_mmio().ipa : state.far_el1;
            CAPTURE(row.name);
            CAPTURE(word);
            ++accesses;
            REQUIRE(found);
            REQUIRE(address - found->address < found->size);
        }
    }
    CHECK(accesses > 500);
}

}  // namespace gh::cpu::test
