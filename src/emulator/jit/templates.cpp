// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/jit/templates.h"

#include "emulator/cpu/operands.h"

#include <unordered_map>

namespace gh::jit {
namespace {

using Rows = std::unordered_map<cpu::Translate, Row>;

Rows all_rows()
{
    Rows rows;  // the first row of an encoding counts
    for (const auto templates :
         {arithmetic_templates(), atomic_templates(), bit_templates(), branch_templates(),
          crypto_templates(), fp_templates(), fp_convert_templates(), fp_vector_templates(),
          memory_templates(), system_templates(), simd_copy_templates(), simd_integer_templates(),
          simd_memory_templates(), simd_permute_templates(), simd_saturate_templates(),
          simd_shift_templates(), simd_quiet_templates()})
        for (const TemplateRow& row : templates)
            rows.emplace(row.encoding, row.row);
    return rows;
}

}  // namespace

Row row_of(std::uint32_t word) noexcept
{
    static const Rows kRows = all_rows();
    const cpu::Encoding* const encoding = cpu::find_encoding(word);
    cpu::Insn insn;
    if (encoding == nullptr || encoding->translate(word, insn) == nullptr)
        return {};
    const auto found = kRows.find(encoding->translate);
    return found != kRows.end() ? found->second : Row{};
}

std::uint64_t branch_target(const Item& item) noexcept
{
    const std::uint32_t word = item.word;
    const auto at = [&](unsigned low, unsigned width) {
        return item.va + (sign_extend(bits(word, low, width), width) << 2);
    };
    if ((word & 0xfc00'0000) == 0x1400'0000)  // B
        return at(0, 26);
    if ((word & 0xff00'0010) == 0x5400'0000 || (word & 0x7e00'0000) == 0x3400'0000)
        return at(5, 19);                                        // B.cond, CBZ, CBNZ
    return (word & 0x7e00'0000) == 0x3600'0000 ? at(5, 14) : 0;  // TBZ, TBNZ
}

std::uint64_t next_of(const Item& item) noexcept
{
    const std::uint32_t word = item.word;
    // A way back closes a loop, which is seldom left: what is behind it makes a unit of its own;
    // and only a way out of a unit looks whether somebody wants us.
    if (const std::uint64_t target = branch_target(item); target != 0) {
        const bool always = (word & 0xfc00'0000) == 0x1400'0000;
        return target <= item.va ? 0 : always ? target : item.va + 4;
    }
    return item.row.traits.ends || (word & 0xff00'0000) == 0xd400'0000 ||
                   (word & 0xfe00'0000) == 0xd600'0000
               ? 0
               : item.va + 4;
}

}  // namespace gh::jit
