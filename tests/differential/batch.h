// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/decode.h"
#include "protocol.h"

#include <cstdint>
#include <span>
#include <vector>

namespace gh::differential {

/// Which row each slot of a batch is about.
using Subjects = std::vector<const cpu::Encoding*>;

/// Fills `batch` with the cases of number `number` of the sequence `seed`: each slot is about one
/// of `rows` in turn; a half of the slots has that instruction alone, the others mix it with more.
/// Returns the subjects; a slot without one (the row has no word that can run) is nullptr and
/// empty. `counts` (per row) grows by the cases that contain the row.
Subjects fill(Batch& batch, std::span<const cpu::Encoding* const> rows, std::uint64_t seed,
              std::uint64_t number, std::vector<std::uint64_t>& counts);

/// A batch of words that the decode table does not know, one per slot; nothing of them is known to
/// exist. Returns how many slots have one.
unsigned fill_unallocated(Batch& batch, std::uint64_t seed, std::uint64_t number);

[[nodiscard]] constexpr std::uint64_t slot_address(unsigned slot)
{
    return kCodeAddress + std::uint64_t{slot} * kSlotWords * 4;
}

}  // namespace gh::differential
