// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/insn.h"

#include <cstdint>
#include <span>

namespace gh::cpu {

#define INST(name, bits, feature) Handler name(std::uint32_t word, Insn& insn);
#include "emulator/cpu/encodings/base.inc"
#include "emulator/cpu/encodings/simd.inc"
#undef INST

/// One row of encodings/*.inc. A word matches if (word & mask) == match.
struct Encoding {
    const char* name;
    const char* bits;     // 32 characters, bit 31 first
    const char* feature;  // the group of identification.h that offers it
    std::uint32_t mask;
    std::uint32_t match;
    Translate translate;
    bool fp;  // traps while CPACR_EL1.FPEN says so
};

/// All rows, in the order of the files.
[[nodiscard]] std::span<const Encoding> encodings() noexcept;

/// The row of `word`: of all that match, the one with most fixed bits. nullptr: unallocated.
/// Translate may still refuse the word.
[[nodiscard]] const Encoding* find_encoding(std::uint32_t word) noexcept;

}  // namespace gh::cpu
