// SPDX-License-Identifier: BSD-3-Clause
#include "batch.h"

#include "values.h"
#include "words.h"

#include <algorithm>
#include <optional>

namespace gh::differential {
namespace {

constexpr std::uint32_t kNop = 0xd503'201f;
constexpr std::uint32_t kClrex = 0xd503'3f5f;
constexpr unsigned kMostInsns = kSlotWords - 3;  // after "restore x30" and CLREX, before the branch

std::uint32_t branch_to_exit(std::uint64_t from)
{
    return 0x1400'0000 | static_cast<std::uint32_t>((kExitAddress - from) / 4);
}

/// Whether one of the words has `number` in any of its register fields, and so may have changed it.
bool mentions(std::span<const std::uint32_t> words, std::uint32_t number)
{
    return std::any_of(words.begin(), words.end(), [&](std::uint32_t word) {
        return word != kNop && ((word & 31) == number || (word >> 5 & 31) == number ||
                                (word >> 10 & 31) == number || (word >> 16 & 31) == number ||
                                (word & 31) + 1 == number || (word >> 16 & 31) + 1 == number);
    });
}

/// `word` as it may follow `before`, if it may.
std::optional<std::uint32_t> fit(std::span<const std::uint32_t> before, std::uint32_t word)
{
    const auto load = std::find_if(before.rbegin(), before.rend(), is_load_exclusive);
    if (is_store_exclusive(word) && load != before.rend()) {
        const auto between = std::span(load.base(), before.end());
        const auto changed = paired(*load, word);
        const bool spoilt = mentions(between, *load >> 5 & 31) ||
                            std::any_of(between.begin(), between.end(), is_store_exclusive);
        return spoilt ? std::nullopt : changed;
    }
    const auto base = delicate_base(word);
    return base && mentions(before, *base) ? std::nullopt : std::optional(word);
}

class Filler {
public:
    Filler(Batch& batch, std::span<const cpu::Encoding* const> rows, std::uint64_t seed,
           std::uint64_t number, std::vector<std::uint64_t>& counts)
        : batch_(batch),
          rows_(rows),
          counts_(counts),
          random_(seed * 0x1'0000'01b3 + number),
          next_row_(number * kSlots)
    {
    }

    Subjects run()
    {
        for (std::uint64_t& word : batch_.window)
            word = lanes(random_);
        Subjects subjects;
        for (unsigned slot = 0; slot < kSlots; ++slot)
            subjects.push_back(fill_slot(slot));
        return subjects;
    }

private:
    const cpu::Encoding* fill_slot(unsigned slot)
    {
        const cpu::Encoding* const subject = rows_[next_row_++ % rows_.size()];
        std::uint32_t* const words = batch_.code[slot];
        std::fill_n(words, kSlotWords, kNop);
        words[0] = kRestoreX30;
        words[1] = kClrex;
        const unsigned last = kSlotWords - 1;
        words[last] = branch_to_exit(slot_address(slot) + last * 4);
        const bool made = fill_insns(words + 2, *subject);
        for (unsigned i = 0; i < kRepeats; ++i)
            fill_case(slot, batch_.cases[slot * kRepeats + i], words[2],
                      is_indirect_branch(*subject));
        return made ? subject : nullptr;
    }

    /// One instruction, or a few of which one is the subject's.
    bool fill_insns(std::uint32_t* words, const cpu::Encoding& subject)
    {
        const unsigned count = random_.once_in(2) ? 1 : 2 + random_.below(kMostInsns - 1);
        const unsigned place = is_indirect_branch(subject) ? 0 : random_.below(count);
        bool made = false;
        for (unsigned i = 0; i < count; ++i) {
            const cpu::Encoding& row =
                i == place ? subject : *rows_[random_.below(static_cast<unsigned>(rows_.size()))];
            if (i != place && is_indirect_branch(row))
                continue;
            auto word = word_of(row, i, kMostInsns, random_);
            if (word)
                word = fit({words, i}, *word);
            if (!word)
                continue;
            words[i] = *word;
            made = made || i == place;
            counts_[static_cast<std::size_t>(&row - cpu::encodings().data())] += kRepeats;
        }
        return made;
    }

    void fill_case(unsigned slot, Registers& registers, std::uint32_t first, bool indirect)
    {
        fill(registers, random_);
        registers.pc = slot_address(slot);
        const auto code = std::span(batch_.code[slot]);
        if (std::any_of(code.begin(), code.end(), is_mistaken_when_flushing)) {
            registers.fpcr &= ~kFpcrFz;
            registers.x[kFpcrValue] &= ~std::uint64_t{kFpcrFz};
        }
        const unsigned base = first >> 5 & 31;
        if (indirect && base != 31 && !random_.once_in(8))
            registers.x[base] = slot_address(slot) + 4u * (3 + random_.below(kMostInsns));
    }

    Batch& batch_;
    std::span<const cpu::Encoding* const> rows_;
    std::vector<std::uint64_t>& counts_;
    Random random_;
    std::uint64_t next_row_;
};

}  // namespace

Subjects fill(Batch& batch, std::span<const cpu::Encoding* const> rows, std::uint64_t seed,
              std::uint64_t number, std::vector<std::uint64_t>& counts)
{
    return Filler(batch, rows, seed, number, counts).run();
}

unsigned fill_unallocated(Batch& batch, std::uint64_t seed, std::uint64_t number)
{
    Random random(seed * 0x1'0000'01b3 + number);
    const auto rows = cpu::encodings();
    for (unsigned slot = 0; slot < kSlots; ++slot) {
        std::uint32_t word = 0;
        do {
            word = random.word();
            if (random.once_in(2)) {  // near a row
                const cpu::Encoding& row = rows[random.below(static_cast<unsigned>(rows.size()))];
                word = (word & ~row.mask) | row.match;
                word ^= random.once_in(2) ? 1u << random.below(32) : 0;
            }
        } while (is_allocated(word));
        std::uint32_t* const words = batch.code[slot];
        std::fill_n(words, kSlotWords, kNop);
        words[0] = kRestoreX30;
        words[2] = word;
        words[kSlotWords - 1] = branch_to_exit(slot_address(slot) + (kSlotWords - 1) * 4);
        fill(batch.cases[slot], random);
        batch.cases[slot].pc = slot_address(slot);
    }
    return kSlots;
}

}  // namespace gh::differential
