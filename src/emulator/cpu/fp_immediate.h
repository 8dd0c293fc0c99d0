// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/softfloat.h"

#include <cstdint>

namespace gh::cpu {

/// VFPExpandImm: sign, three bits of exponent, four of fraction. (DDI 0487, "FMOV (immediate)".)
template <FloatBits Bits>
constexpr Bits VFPExpandImm(std::uint32_t imm8)
{
    using Format = FloatFormat<Bits>;
    const Bits sign = imm8 >> 7 != 0 ? Format::kSign : Bits{0};
    const Bits exponent = Bits((imm8 >> 4 & 7) ^ 4);  // 1.0's is 7 ^ 4 = 3
    const Bits biased = Bits(Format::kBias) - 3 + exponent;
    return sign | biased << Format::kFraction | Bits(imm8 & 15) << (Format::kFraction - 4);
}

}  // namespace gh::cpu
