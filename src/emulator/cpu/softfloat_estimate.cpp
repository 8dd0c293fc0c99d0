// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/softfloat.h"
#include "emulator/cpu/softfloat_unpacked.h"

namespace gh::cpu {
namespace {

/// A reciprocal to 8 bits: of a / 512 for a in 256..511, as r / 256.
unsigned RecipEstimate(unsigned a)
{
    const unsigned b = (1u << 19) / (2 * a + 1);
    return (b + 1) / 2;
}

/// A reciprocal square root to 8 bits: of a / 512 for a in 128..511, as r / 256.
unsigned RecipSqrtEstimate(unsigned a)
{
    a = a < 256 ? 2 * a + 1 : 2 * (a | 1);
    unsigned b = 512;
    while (a * (b + 1) * (b + 1) < 1u << 28)
        ++b;
    return (b + 1) / 2;
}

/// The result of an estimate that has no room for a number as large as it should be.
template <class Bits>
Bits estimate_overflow(bool sign, FpEnv& env)
{
    env.raise(kFpsrOfc | kFpsrIxc);
    return overflows_to_infinity(env.rounding(), sign) ? FPInfinity<Bits>(sign)
                                                       : FPMaxNormal<Bits>(sign);
}

}  // namespace

template <FloatBits Bits>
Bits FPRecipEstimate(Bits op, FpEnv& env)
{
    using Format = FloatFormat<Bits>;
    const Unpacked number = FPUnpack(op, env);
    if (is_nan(number))
        return FPProcessNaN(op, number.type, env);
    if (is_infinite(number))
        return FPZero<Bits>(number.sign);
    if (is_zero(number)) {
        env.raise(kFpsrDzc);
        return FPInfinity<Bits>(number.sign);
    }
    if (number.exponent < -Format::kBias - 1)
        return estimate_overflow<Bits>(number.sign, env);
    if (env.has(kFpcrFz) && number.exponent >= Format::kBias - 1) {
        env.raise(kFpsrUfc);
        return FPZero<Bits>(number.sign);
    }
    const unsigned estimate = RecipEstimate(static_cast<unsigned>(number.significand >> 55));
    // The estimate's nine bits are 1.ffffffff times 2^exponent; results below normal lose the last.
    const int exponent = -1 - number.exponent + Format::kBias;  // biased
    const Bits significand = Bits(estimate) << (Format::kFraction - 8);
    if (exponent <= 0)
        return with_sign(number.sign, static_cast<Bits>(significand >> (1 - exponent)));
    return with_sign(number.sign,
                     static_cast<Bits>((Bits(exponent - 1) << Format::kFraction) + significand));
}

template <FloatBits Bits>
Bits FPRSqrtEstimate(Bits op, FpEnv& env)
{
    using Format = FloatFormat<Bits>;
    const Unpacked number = FPUnpack(op, env);
    if (is_nan(number))
        return FPProcessNaN(op, number.type, env);
    if (is_zero(number)) {
        env.raise(kFpsrDzc);
        return FPInfinity<Bits>(number.sign);
    }
    if (number.sign)
        return invalid_operation<Bits>(env);
    if (is_infinite(number))
        return FPZero<Bits>(false);
    // As scaled * 4^n with scaled in 1/4..1, in units of 1/512.
    const bool odd = (number.exponent & 1) != 0;
    const auto scaled = static_cast<unsigned>(number.significand >> (odd ? 55 : 56));
    const int half = (number.exponent + (odd ? 1 : 2)) / 2;
    const unsigned estimate = RecipSqrtEstimate(scaled);
    return static_cast<Bits>((Bits(Format::kBias - half - 1) << Format::kFraction) +
                             (Bits(estimate) << (Format::kFraction - 8)));
}

template <FloatBits Bits>
Bits FPRecpX(Bits op, FpEnv& env)
{
    using Format = FloatFormat<Bits>;
    const Unpacked number = FPUnpack(op, env);
    if (is_nan(number))
        return FPProcessNaN(op, number.type, env);
    const int exponent = biased_exponent(op);
    const int reflected =
        exponent == 0 ? Format::kMaxExponent - 1 : Format::kMaxExponent ^ exponent;
    return with_sign(number.sign, static_cast<Bits>(Bits(reflected) << Format::kFraction));
}

std::uint32_t UnsignedRecipEstimate(std::uint32_t op)
{
    return op >> 31 == 0 ? ~0u : RecipEstimate(op >> 23) << 23;
}

std::uint32_t UnsignedRSqrtEstimate(std::uint32_t op)
{
    return op >> 30 == 0 ? ~0u : RecipSqrtEstimate(op >> 23) << 23;
}

#define INSTANTIATE(Bits)                        \
    template Bits FPRecipEstimate(Bits, FpEnv&); \
    template Bits FPRSqrtEstimate(Bits, FpEnv&); \
    template Bits FPRecpX(Bits, FpEnv&);

INSTANTIATE(std::uint32_t)
INSTANTIATE(std::uint64_t)
#undef INSTANTIATE

}  // namespace gh::cpu
