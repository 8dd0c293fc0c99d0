// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/softfloat.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace gh::cpu {

// What softfloat*.cpp share: numbers taken apart, and put together again with one rounding.

__extension__ using u128 = unsigned __int128;

enum class FPType { Zero, Nonzero, Infinity, QNaN, SNaN };

/// A number taken apart. If Nonzero, its size is significand * 2^(exponent - 63), with bit 63 of
/// the significand set.
struct Unpacked {
    FPType type = FPType::Zero;
    bool sign = false;
    int exponent = 0;
    std::uint64_t significand = 0;
};

constexpr bool is_nan(const Unpacked& number)
{
    return number.type == FPType::QNaN || number.type == FPType::SNaN;
}
constexpr bool is_infinite(const Unpacked& number)
{
    return number.type == FPType::Infinity;
}
constexpr bool is_zero(const Unpacked& number)
{
    return number.type == FPType::Zero;
}

/// value >> count, with bit 0 set if any bit was lost.
template <class T>
constexpr T shift_right_jam(T value, unsigned count)
{
    if (count == 0)
        return value;
    if (count >= 8 * sizeof(T))
        return value != 0 ? 1 : 0;
    return value >> count | ((value << (8 * sizeof(T) - count)) != 0 ? 1 : 0);
}

template <class Bits>
constexpr Bits with_sign(bool sign, Bits magnitude)
{
    return static_cast<Bits>(magnitude | (sign ? FloatFormat<Bits>::kSign : Bits{0}));
}
template <class Bits>
constexpr Bits FPZero(bool sign)
{
    return with_sign<Bits>(sign, 0);
}
template <class Bits>
constexpr Bits FPInfinity(bool sign)
{
    return with_sign(sign, FloatFormat<Bits>::kInfinity);
}
template <class Bits>
constexpr Bits FPMaxNormal(bool sign)
{
    return with_sign(sign, static_cast<Bits>(FloatFormat<Bits>::kInfinity - 1));
}

/// FPUnpackCV: half precision obeys AHP, and FZ does not flush it.
template <class Bits>
Unpacked FPUnpack(Bits op, FpEnv& env)
{
    using Format = FloatFormat<Bits>;
    constexpr bool kHalf = sizeof(Bits) == 2;
    const bool sign = is_negative(op);
    const int exponent = biased_exponent(op);
    const std::uint64_t fraction = op & Format::kFractionMask;
    constexpr unsigned kUp = 63 - Format::kFraction;

    if (exponent == 0) {
        if (fraction == 0)
            return {FPType::Zero, sign, 0, 0};
        if (!kHalf && env.has(kFpcrFz)) {
            env.raise(kFpsrIdc);
            return {FPType::Zero, sign, 0, 0};
        }
        const int zeros = std::countl_zero(fraction << kUp);
        return {FPType::Nonzero, sign, 1 - Format::kBias - zeros, fraction << kUp << zeros};
    }
    if (exponent == Format::kMaxExponent && !(kHalf && env.has(kFpcrAhp))) {
        if (fraction == 0)
            return {FPType::Infinity, sign, 0, 0};
        return {(op & Format::kQuiet) != 0 ? FPType::QNaN : FPType::SNaN, sign, 0, 0};
    }
    return {FPType::Nonzero, sign, exponent - Format::kBias, 1ull << 63 | fraction << kUp};
}

/// Whether to take the number above in size, given the part of the significand that has no room:
/// `error` of units of 2^`error_bits`.
constexpr bool rounds_up(FPRounding rounding, bool sign, bool odd, std::uint64_t error,
                         unsigned error_bits)
{
    const std::uint64_t half = 1ull << (error_bits - 1);
    switch (rounding) {
    case FPRounding::TieEven: return error > half || (error == half && odd);
    case FPRounding::TieAway: return error >= half;
    case FPRounding::PosInf: return error != 0 && !sign;
    case FPRounding::NegInf: return error != 0 && sign;
    case FPRounding::Odd: return error != 0 && !odd;
    case FPRounding::Zero: break;
    }
    return false;
}

constexpr bool overflows_to_infinity(FPRounding rounding, bool sign)
{
    return rounding == FPRounding::TieEven || rounding == FPRounding::TieAway ||
           (rounding == FPRounding::PosInf && !sign) || (rounding == FPRounding::NegInf && sign);
}

template <class Bits>
Bits overflowed(bool sign, FPRounding rounding, FpEnv& env)
{
    if (sizeof(Bits) == 2 && env.has(kFpcrAhp)) {
        env.raise(kFpsrIoc);
        return with_sign(sign, static_cast<Bits>(FloatFormat<Bits>::kSign - 1));
    }
    env.raise(kFpsrOfc | kFpsrIxc);
    return overflows_to_infinity(rounding, sign) ? FPInfinity<Bits>(sign) : FPMaxNormal<Bits>(sign);
}

/// significand * 2^(exponent - 63) with bit 63 set (bit 0 may stand for bits lost), rounded. As
/// FPRoundCV: FZ does not flush half precision.
template <class Bits>
Bits FPRound(bool sign, int exponent, std::uint64_t significand, FPRounding rounding, FpEnv& env)
{
    using Format = FloatFormat<Bits>;
    constexpr bool kHalf = sizeof(Bits) == 2;
    constexpr int kMinimum = 1 - Format::kBias;
    constexpr unsigned kErrorBits = 63 - Format::kFraction;

    if (!kHalf && env.has(kFpcrFz) && exponent < kMinimum) {
        env.raise(kFpsrUfc);
        return FPZero<Bits>(sign);
    }
    const bool tiny = exponent < kMinimum;
    if (tiny)
        significand = shift_right_jam(significand, unsigned(kMinimum - exponent));
    const std::uint64_t error = significand & ((1ull << kErrorBits) - 1);
    std::uint64_t mantissa = significand >> kErrorBits;
    if (rounds_up(rounding, sign, (mantissa & 1) != 0, error, kErrorBits))
        ++mantissa;
    // The integer bit of the mantissa and a carry out of it both go into the exponent by addition.
    const auto biased = static_cast<std::uint64_t>(tiny ? 0 : exponent - kMinimum);
    const std::uint64_t magnitude = (biased << Format::kFraction) + mantissa;
    const int limit = Format::kMaxExponent + (kHalf && env.has(kFpcrAhp) ? 1 : 0);
    if (static_cast<int>(magnitude >> Format::kFraction) >= limit)
        return overflowed<Bits>(sign, rounding, env);
    if (error != 0)
        env.raise(tiny ? kFpsrUfc | kFpsrIxc : kFpsrIxc);
    return with_sign(sign, static_cast<Bits>(magnitude));
}

/// The same of a significand of 128 bits, not zero, that counts in units of 2^(exponent - 127).
template <class Bits>
Bits FPRoundWide(bool sign, int exponent, u128 significand, FPRounding rounding, FpEnv& env)
{
    const auto high = static_cast<std::uint64_t>(significand >> 64);
    const int zeros = high != 0 ? std::countl_zero(high)
                                : 64 + std::countl_zero(static_cast<std::uint64_t>(significand));
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): not zero, so below 128
    const u128 normal = significand << zeros;
    const auto sticky = static_cast<std::uint64_t>(normal) != 0 ? 1u : 0u;
    return FPRound<Bits>(sign, exponent - zeros, static_cast<std::uint64_t>(normal >> 64) | sticky,
                         rounding, env);
}

template <class Bits>
Bits invalid_operation(FpEnv& env)
{
    env.raise(kFpsrIoc);
    return FloatFormat<Bits>::kDefaultNan;
}

template <class Bits>
Bits FPProcessNaN(Bits op, FPType type, FpEnv& env)
{
    if (type == FPType::SNaN)
        env.raise(kFpsrIoc);
    if (env.has(kFpcrDn))
        return FloatFormat<Bits>::kDefaultNan;
    return static_cast<Bits>(op | FloatFormat<Bits>::kQuiet);
}

}  // namespace gh::cpu
