// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/decode.h"
#include "random.h"

#include <cstdint>
#include <optional>

namespace gh::differential {

/// Whether the decode table gives the word a meaning.
[[nodiscard]] bool is_allocated(std::uint32_t word) noexcept;

/// A random word of `row` that can run at EL0 without leaving the two sides' common world.
/// `place` is the index of the word in its slot and `end` that of the slot's last word: branches go
/// forward to one of the words in between or far away, so that nothing loops. nullopt: the row has
/// no such word (or luck ran out).
[[nodiscard]] std::optional<std::uint32_t> word_of(const cpu::Encoding& row, unsigned place,
                                                   unsigned end, Random& random) noexcept;

/// The register that must still hold the good address with which the case began. Of exclusive and
/// ordered accesses: whether a store-exclusive looks at its address before the monitor is the
/// implementation's choice (DDI 0487 B2.9.2), and qemu 7.2 lets ordered ones be misaligned, which
/// only LSE2 may (B2.8.2). Of cache maintenance, which qemu-user does not check. Of MSR FPCR and
/// FPSR: bits that we do not have must stay zero.
[[nodiscard]] std::optional<std::uint32_t> delicate_base(std::uint32_t word) noexcept;

/// FJCVTZS with FPCR.FZ: qemu 7.2 sets Z for a denormal that was flushed, the manual does not (the
/// last case of FPToFixedJS).
[[nodiscard]] bool is_mistaken_when_flushing(std::uint32_t word) noexcept;

[[nodiscard]] bool is_load_exclusive(std::uint32_t word) noexcept;
[[nodiscard]] bool is_store_exclusive(std::uint32_t word) noexcept;
/// `store` with the size and base of `load`, as DDI 0487 B2.9.5 wants them paired; nullopt if that
/// is not possible.
[[nodiscard]] std::optional<std::uint32_t> paired(std::uint32_t load, std::uint32_t store) noexcept;

/// Whether the row jumps to an address in a register: only as the first instruction of a slot,
/// where the generator has put such an address.
[[nodiscard]] bool is_indirect_branch(const cpu::Encoding& row) noexcept;

}  // namespace gh::differential
