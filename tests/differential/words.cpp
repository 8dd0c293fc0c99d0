// SPDX-License-Identifier: BSD-3-Clause
#include "words.h"

#include "base/bits.h"
#include "protocol.h"
#include "values.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace gh::differential {
namespace {

constexpr std::uint32_t insert(std::uint32_t word, unsigned low, unsigned width,
                               std::uint32_t value)
{
    const std::uint32_t mask = static_cast<std::uint32_t>((1ull << width) - 1) << low;
    return (word & ~mask) | (value << low & mask);
}

bool matches(std::uint32_t word, std::uint32_t mask, std::uint32_t value)
{
    return (word & mask) == value;
}

bool is_load_or_store(std::uint32_t word)
{
    return matches(word, 0x0a00'0000, 0x0800'0000);
}
bool wants_aligned_base(std::uint32_t word)
{
    return matches(word, 0x3f00'0000, 0x0800'0000) || matches(word, 0x3fff'fc00, 0x38bf'c000);
}
/// MSR FPCR and MSR FPSR.
bool sets_fp_register(std::uint32_t word)
{
    return matches(word, 0xffff'ffc0, 0xd51b'4400);
}
bool is_user_maintenance(std::uint32_t word)
{
    return matches(word, 0xffff'0000, 0xd50b'0000);
}
bool is_literal(std::uint32_t word)
{
    return matches(word, 0x3b00'0000, 0x1800'0000);
}
bool has_offset_register(std::uint32_t word)
{
    return matches(word, 0x3b20'0c00, 0x3820'0800);
}
bool has_scaled_offset(std::uint32_t word)
{
    return matches(word, 0x3b00'0000, 0x3900'0000);
}

/// CONSTRAINED UNPREDICTABLE register choices of loads and stores (DDI 0487 K1.1): a pair into one
/// register, a base that is written twice, a status register that is also an operand.
bool is_unpredictable(std::uint32_t word)
{
    const std::uint32_t rt = word & 31;
    const std::uint32_t rn = word >> 5 & 31;
    const std::uint32_t rt2 = word >> 10 & 31;
    const std::uint32_t rs = word >> 16 & 31;
    const bool simd = (word & 1u << 26) != 0;
    const bool load = (word & 1u << 22) != 0;
    if (matches(word, 0x3a00'0000, 0x2800'0000)) {  // pairs
        const bool writes_back = (word & 1u << 23) != 0;
        return (load && rt == rt2) || (writes_back && !simd && rn != 31 && (rn == rt || rn == rt2));
    }
    if (matches(word, 0x3b20'0400, 0x3800'0400))  // one register, write-back
        return !simd && rn != 31 && rn == rt;
    if (matches(word, 0x3fa0'0000, 0x0820'0000))  // exclusive pairs
        return load ? rt == rt2 : rs == rt || rs == rt2 || (rs == rn && rn != 31);
    if (matches(word, 0x3fe0'0000, 0x0800'0000))  // store-exclusive
        return rs == rt || (rs == rn && rn != 31);
    return false;
}

/// What qemu 7.2 gets wrong: the second half of CASP's result goes to SP when it should go to XZR.
bool is_mistaken(std::uint32_t word)
{
    return matches(word, 0xbfa0'7c00, 0x0820'7c00) && (word >> 16 & 31) == 30;
}

/// Random bits with a liking for fields that are all zeros or all ones, and for equal registers.
std::uint32_t fields(Random& random) noexcept
{
    std::uint32_t word = random.word();
    if (random.once_in(8))
        word &= random.word() & random.word();
    else if (random.once_in(8))
        word |= random.word() | random.word();
    if (random.once_in(8))
        word = insert(word, 16, 5, word >> 5);
    if (random.once_in(8))
        word = insert(word, 0, 5, word >> 5);
    return word;
}

std::uint32_t address_register(Random& random, unsigned first) noexcept
{
    return random.once_in(6) ? 31u : first + random.below(kFirstOffset - first);
}

/// Loads and stores mostly get registers that lead into the window.
std::uint32_t aim(std::uint32_t word, Random& random) noexcept
{
    if (wants_aligned_base(word))
        return insert(word, 5, 5, address_register(random, kFirstAligned));
    if (is_literal(word) || random.once_in(12))
        return word;
    word = insert(word, 5, 5, address_register(random, kFirstAddress));
    if (has_offset_register(word))
        word = insert(word, 16, 5, kFirstOffset + random.below(kFpsrValue - kFirstOffset));
    if (has_scaled_offset(word) && !random.once_in(8))
        word = insert(word, 10, 12, random.below(128));
    return word;
}

/// A word-counted displacement field of `width` bits: forward within the slot, or so far away that
/// nothing is there.
std::uint32_t displacement(unsigned width, unsigned place, unsigned end, Random& random) noexcept
{
    constexpr std::uint32_t kFar = 0x1'0000;  // 256 KiB: behind all code
    if (width > 17 && random.once_in(8))
        return random.once_in(2) ? kFar + random.below(256) : 0u - kFar - random.below(256);
    return 1 + random.below(end - place);
}

std::uint32_t aim_branch(std::uint32_t word, unsigned place, unsigned end, Random& random) noexcept
{
    if (matches(word, 0x7c00'0000, 0x1400'0000))  // B, BL
        return insert(word, 0, 26, displacement(26, place, end, random));
    if (matches(word, 0xff00'0000, 0x5400'0000) || matches(word, 0x7e00'0000, 0x3400'0000))
        return insert(word, 5, 19, displacement(19, place, end, random));  // B.cond, CBZ, CBNZ
    if (matches(word, 0x7e00'0000, 0x3600'0000))                           // TBZ, TBNZ
        return insert(word, 5, 14, displacement(14, place, end, random));
    if (is_literal(word) && is_load_or_store(word) && !random.once_in(4))
        return insert(word, 5, 19, random.below(2 * kSlotWords) - kSlotWords);
    return word;
}

/// Rows of which only some words make sense here; the others depend on the machine, sleep, or
/// belong to extensions that the oracle has and we do not.
struct Chosen {
    std::string_view row;
    std::array<std::uint32_t, 8> words;  // 0: no more
};
constexpr std::array kChosen{
    // NOP, YIELD, SEV, SEVL, DGH, ESB, CSDB
    Chosen{"HINT",
           {0xd503'201f, 0xd503'203f, 0xd503'209f, 0xd503'20bf, 0xd503'20df, 0xd503'221f,
            0xd503'229f}},
    // CFINV, DIT, SSBS
    Chosen{"MSR_imm", {0xd500'401f, 0xd503'405f, 0xd503'415f, 0xd503'403f, 0xd503'413f}},
    // FPCR, FPSR, NZCV, TPIDR_EL0, and one that EL0 may not write: VBAR_EL1
    Chosen{"MSR_reg", {0xd51b'441d, 0xd51b'443c, 0xd51b'4200, 0xd51b'd040, 0xd518'c000}},
    Chosen{"MRS", {0xd53b'4400, 0xd53b'4420, 0xd53b'4200, 0xd53b'd040, 0xd538'c000}},
    // DC CVAC, CVAU, CIVAC, IC IVAU, and two that EL0 may not: TLBI VMALLE1, DC IVAC
    Chosen{"SYS", {0xd50b'7a20, 0xd50b'7b20, 0xd50b'7e20, 0xd50b'7520, 0xd508'871f, 0xd508'7620}},
    // SYSL #3, C7, C4, #1 has no meaning
    Chosen{"SYSL", {0}},
};

/// The register field of a chosen system word.
std::uint32_t aim_system(std::uint32_t word, Random& random) noexcept
{
    if (is_user_maintenance(word))
        return insert(word, 0, 5, kFirstAddress + random.below(kFirstOffset - kFirstAddress));
    const bool keeps = sets_fp_register(word) || (word & 31) == 31;
    return keeps ? word : insert(word, 0, 5, random.word());
}

std::optional<std::uint32_t> chosen_word(const Chosen& chosen, Random& random) noexcept
{
    const auto* const last = std::find(chosen.words.begin(), chosen.words.end(), 0u);
    const auto count = static_cast<unsigned>(last - chosen.words.begin());
    if (count == 0)
        return std::nullopt;
    return aim_system(chosen.words.at(random.below(count)), random);
}

/// Supervisor calls would be system calls of the oracle.
bool is_excluded(std::string_view name)
{
    return name == "SVC";
}

}  // namespace

bool is_allocated(std::uint32_t word) noexcept
{
    const cpu::Encoding* const row = cpu::find_encoding(word);
    cpu::Insn insn;
    return row != nullptr && row->translate(word, insn) != nullptr;
}

std::optional<std::uint32_t> delicate_base(std::uint32_t word) noexcept
{
    if (wants_aligned_base(word))
        return word >> 5 & 31;
    if (is_user_maintenance(word) || sets_fp_register(word))
        return word & 31;
    return std::nullopt;
}

bool is_mistaken_when_flushing(std::uint32_t word) noexcept
{
    return matches(word, 0xffff'fc00, 0x1e7e'0000);
}

bool is_load_exclusive(std::uint32_t word) noexcept
{
    return matches(word, 0x3fc0'0000, 0x0840'0000) && !matches(word, 0xbfe0'7c00, 0x0860'7c00);
}

bool is_store_exclusive(std::uint32_t word) noexcept
{
    return matches(word, 0x3fc0'0000, 0x0800'0000) && !matches(word, 0xbfa0'7c00, 0x0820'7c00);
}

std::optional<std::uint32_t> paired(std::uint32_t load, std::uint32_t store) noexcept
{
    constexpr std::uint32_t kSizePairBase = 0xc020'03e0;
    const std::uint32_t rn = load >> 5 & 31;
    const bool overwrites = (load & 31) == rn || (bit(load, 21) && (load >> 10 & 31) == rn);
    const std::uint32_t word = (store & ~kSizePairBase) | (load & kSizePairBase);
    if (bit(load ^ store, 21) || (overwrites && rn != 31) || is_unpredictable(word))
        return std::nullopt;
    return word;
}

bool is_indirect_branch(const cpu::Encoding& row) noexcept
{
    return (row.match & 0xfe00'0000) == 0xd600'0000;
}

std::optional<std::uint32_t> word_of(const cpu::Encoding& row, unsigned place, unsigned end,
                                     Random& random) noexcept
{
    if (is_excluded(row.name))
        return std::nullopt;
    for (const Chosen& chosen : kChosen)
        if (chosen.row == row.name)
            return chosen_word(chosen, random);
    for (unsigned attempt = 0; attempt < 200; ++attempt) {
        std::uint32_t word = (fields(random) & ~row.mask) | row.match;
        if (is_load_or_store(word))
            word = aim(word, random);
        word = (aim_branch(word, place, end, random) & ~row.mask) | row.match;
        cpu::Insn insn;
        if (is_load_or_store(word) && (is_unpredictable(word) || is_mistaken(word)))
            continue;
        if (cpu::find_encoding(word) == &row && row.translate(word, insn) != nullptr)
            return word;
    }
    return std::nullopt;
}

}  // namespace gh::differential
