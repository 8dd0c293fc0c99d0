// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../cpu/rig.h"
#include "emulator/jit/jit.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace gh::jit::test {

inline constexpr std::uint64_t kRam = cpu::test::Rig::kRam;
inline constexpr std::uint32_t kHvc = cpu::test::Rig::kHvc;

/// The rig of cpu/ as translated code needs it: MMU on, RAM where it was for EL1, and pages to map
/// at will from kPages on. FP does not trap, and blocks are translated at their first entry.
class TranslatedRig {
public:
    static constexpr std::uint64_t kPages = 0x40'0000;
    static constexpr std::uint64_t kTables = kRam + 0xf0000;
    static constexpr std::uint64_t kVectors = kRam + 0xe0000;

    // Of pages: accessible to EL0 as well, not writable.
    static constexpr std::uint64_t kUser = 1ull << 6;
    static constexpr std::uint64_t kReadOnly = 1ull << 7;

    TranslatedRig(std::initializer_list<std::uint32_t> words,
                  std::size_t code_size = kDefaultCodeSize, cpu::Profile* profile = nullptr)
        : rig(words)
    {
        auto& state = cpu.state();
        state.cpacr_el1 = 3ull << 20;
        cpu.reset(kRam, 0);
        state.ttbr0_el1 = kTables;
        state.tcr_el1 = 25;
        state.mair_el1 = 0x00ff;
        state.sctlr_el1 |= 1 | 1ull << 3 | 1ull << 4;
        state.vbar_el1 = kVectors;
        table(0)[2] = kRam | kAccessed | 1;  // a block of 1 GiB
        table(0)[0] = (kTables + 0x1000) | 3;
        table(1)[2] = (kTables + 0x2000) | 3;
        for (unsigned vector = 0; vector < 16; ++vector)
            rig.put(kVectors + vector * 0x80, {kHvc});
        if (profile != nullptr)
            cpu.set_profile(*profile);
        cpu.set_translator(make_translator(cpu, 1, code_size));
    }

    /// Page `n` from kPages on leads to `address` in RAM. Says nothing to the PE.
    void map(unsigned n, std::uint64_t address, std::uint64_t attributes = 0)
    {
        table(2)[n] = address | attributes | kAccessed | 3;
    }
    void unmap(unsigned n) { table(2)[n] = 0; }
    static constexpr std::uint64_t page(unsigned n) { return kPages + n * cpu::kPageSize; }

    cpu::Exit run() { return rig.run(); }
    /// Runs on at `pc` of EL1.
    cpu::Exit run_at(std::uint64_t pc)
    {
        cpu.state().pc = pc;
        return run();
    }
    std::uint64_t& x(unsigned n) { return rig.x(n); }
    /// Whether the block at `va`, in the page where the PE is, has host code now.
    bool is_translated(std::uint64_t va)
    {
        const cpu::Block* const block = cpu.sibling(va);
        return block != nullptr && block->translation != nullptr && block->gate.imm == 0;
    }

    cpu::test::Rig rig;
    cpu::Cpu& cpu = rig.cpu;

private:
    static constexpr std::uint64_t kAccessed = 1ull << 10;

    std::uint64_t* table(unsigned n)
    {
        return reinterpret_cast<std::uint64_t*>(&rig.ram[kTables - kRam + n * 0x1000]);
    }
};

}  // namespace gh::jit::test
