// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "protocol.h"
#include "random.h"

namespace gh::differential {

// What the register of a number holds when a case begins, so that instructions find what they need:
// x16..x23 and sp addresses in the window (x20..x23 and sp multiples of 16), x24..x27 small
// offsets, x28 what FPSR and x29 what FPCR may be set to, the others values on and around the
// edges.
inline constexpr unsigned kFirstAddress = 16;
inline constexpr unsigned kFirstAligned = 20;
inline constexpr unsigned kFirstOffset = 24;
inline constexpr unsigned kFpsrValue = 28;
inline constexpr unsigned kFpcrValue = 29;

inline constexpr std::uint32_t kNzcvMask = 0xf000'0000;
inline constexpr std::uint32_t kFpcrMask = 0x07c0'0000;  // AHP, DN, FZ, RMode
inline constexpr std::uint32_t kFpcrFz = 1u << 24;
inline constexpr std::uint32_t kFpsrMask = 0x0800'009f;  // QC and the cumulative exceptions

/// 64 bits with a liking for zero, all ones, sign bits and small numbers.
std::uint64_t integer(Random& random) noexcept;
/// 64 bits that are one double, two singles, four halves or bytes, with a liking for zeros,
/// infinities, NaNs, denormals and values near powers of two.
std::uint64_t lanes(Random& random) noexcept;
/// Everything a case begins with but its pc.
void fill(Registers& registers, Random& random) noexcept;

}  // namespace gh::differential
