// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/jit/unit.h"

#include <cstdint>
#include <span>

namespace gh::jit {

/// The template of one row of the decode table, by the function that is the row's name.
struct TemplateRow {
    cpu::Translate encoding;
    Row row;
};

// One list per file of templates.
[[nodiscard]] std::span<const TemplateRow> arithmetic_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> atomic_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> bit_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> branch_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> crypto_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> fp_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> fp_convert_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> fp_vector_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> memory_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> simd_copy_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> simd_integer_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> simd_memory_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> simd_permute_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> simd_quiet_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> simd_saturate_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> simd_shift_templates() noexcept;
[[nodiscard]] std::span<const TemplateRow> system_templates() noexcept;

/// The row for `word`; an empty one where its handler must do.
[[nodiscard]] Row row_of(std::uint32_t word) noexcept;

/// Where a direct branch other than BL leads; 0 for anything else.
[[nodiscard]] std::uint64_t branch_target(const Item& item) noexcept;

/// Where a unit may go on behind the last instruction of a block; 0: it must end.
[[nodiscard]] std::uint64_t next_of(const Item& item) noexcept;

inline constexpr Traits kPlain{.quiet = true};
inline constexpr Traits kSetsFlags{.writes = true, .quiet = true};
inline constexpr Traits kReadsFlags{.reads = true, .quiet = true};
inline constexpr Traits kBoth{.reads = true, .writes = true, .quiet = true};
inline constexpr Traits kMayFault{};
inline constexpr Traits kEnds{.ends = true};

}  // namespace gh::jit
