// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/state.h"

#include <cstdint>
#include <optional>

namespace gh::cpu {

/// The memory that one instruction may reach.
struct Footprint {
    std::uint64_t address = 0;  // as the guest has it, tag byte included
    std::uint64_t size = 0;     // bytes, at most 64; rather too many than too few
    bool write = false;         // may store there
    bool unprivileged = false;  // as EL0 sees it (LDTR, STTR)
};

/// What `word`, an instruction at `va`, would reach if it ran in `state`; nullopt: nothing. Covers
/// loads, stores and DC ZVA (DDI 0487 C4.1.96 and C4.1.94), not walks and not fetches.
[[nodiscard]] std::optional<Footprint> footprint(std::uint32_t word, std::uint64_t va,
                                                 const State& state) noexcept;

}  // namespace gh::cpu
