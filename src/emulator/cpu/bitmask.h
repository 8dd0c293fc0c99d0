// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace gh::cpu {

/// The immediates of the logical instructions: N:immr:imms, 13 bits, as DecodeBitMasks() of the Arm
/// ARM (64-bit; the low half serves W forms, whose N is 0).
[[nodiscard]] bool bitmask_is_valid(std::uint32_t n_immr_imms) noexcept;

/// From a table: instructions keep the index. Only for valid ones.
[[nodiscard]] std::uint64_t bitmask_at(std::uint32_t n_immr_imms) noexcept;

}  // namespace gh::cpu
