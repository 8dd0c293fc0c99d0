// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/bitmask.h"

#include "base/bits.h"

#include <array>
#include <bit>

namespace gh::cpu {
namespace {

/// log2 of the element size; negative: reserved.
constexpr int element_log(std::uint32_t n_immr_imms)
{
    const auto selector = bits(n_immr_imms, 12, 1) << 6 | (~n_immr_imms & 0x3f);
    return static_cast<int>(std::bit_width(selector)) - 1;
}

constexpr bool valid(std::uint32_t n_immr_imms)
{
    const int log = element_log(n_immr_imms);
    if (log < 1)
        return false;
    const std::uint32_t levels = (1u << log) - 1;
    return (n_immr_imms & levels) != levels;
}

constexpr std::uint64_t expand(std::uint32_t n_immr_imms)
{
    const unsigned size = 1u << element_log(n_immr_imms);
    const unsigned ones = (n_immr_imms & (size - 1)) + 1;
    const unsigned rotate = (n_immr_imms >> 6) & (size - 1);
    const std::uint64_t element = bits(~0ull, 0, ones);
    std::uint64_t rotated = element;
    if (rotate != 0)
        rotated = bits(element >> rotate | element << (size - rotate), 0, size);
    std::uint64_t result = 0;
    for (unsigned at = 0; at < 64; at += size)
        result |= rotated << at;
    return result;
}

constexpr std::array<std::uint64_t, 1u << 13> make_table()
{
    std::array<std::uint64_t, 1u << 13> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i)
        table[i] = valid(i) ? expand(i) : 0;
    return table;
}

const std::array<std::uint64_t, 1u << 13> kTable = make_table();

}  // namespace

bool bitmask_is_valid(std::uint32_t n_immr_imms) noexcept
{
    return valid(n_immr_imms);
}

std::uint64_t bitmask_at(std::uint32_t n_immr_imms) noexcept
{
    return kTable[n_immr_imms & 0x1fff];
}

}  // namespace gh::cpu
