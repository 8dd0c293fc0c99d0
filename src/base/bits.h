// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace gh {

/// Bits [low + width - 1 : low] of `value`, at the bottom.
constexpr std::uint64_t bits(std::uint64_t value, unsigned low, unsigned width)
{
    return width >= 64 ? value >> low : (value >> low) & ((std::uint64_t{1} << width) - 1);
}

constexpr bool bit(std::uint64_t value, unsigned index)
{
    return ((value >> index) & 1) != 0;
}

/// The `width` low bits of `value`, sign-extended (1 <= width <= 64).
constexpr std::uint64_t sign_extend(std::uint64_t value, unsigned width)
{
    const unsigned shift = 64 - width;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << shift) >> shift);
}

/// `alignment` is a power of two; align_up may wrap to 0 at the very top.
constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t alignment)
{
    return value & ~(alignment - 1);
}
constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}
constexpr bool is_aligned(std::uint64_t value, std::uint64_t alignment)
{
    return (value & (alignment - 1)) == 0;
}

}  // namespace gh
