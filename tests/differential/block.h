// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/state.h"

#include <array>
#include <cstdint>
#include <vector>

namespace gh::differential {

/// Straight and looping code of 8 to 64 instructions for a World, and states to begin in.
struct RandomBlock {
    static constexpr unsigned kStarts = 6;

    std::uint64_t offset = 0;  // in the code pages
    std::vector<std::uint32_t> words;
    std::array<cpu::State, kStarts> starts;
};

/// Whether the word is one of those that make every loop of a random block end.
[[nodiscard]] bool counts_down(std::uint32_t word) noexcept;

/// Block `number` of the sequence `seed`. Every case of it ends: what leads back counts x15 down
/// first. `initial` is World::initial().
[[nodiscard]] RandomBlock random_block(std::uint64_t seed, std::uint64_t number,
                                       const cpu::State& initial);

}  // namespace gh::differential
