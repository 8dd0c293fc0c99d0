// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/softfloat.h"
#include "emulator/cpu/softfloat_unpacked.h"

#include <limits>

namespace gh::cpu {
namespace {

/// The size of a number in units, and what is left of one unit: error / 2^63.
struct Units {
    u128 count;
    std::uint64_t error;  // bit 0 may stand for bits lost
};

/// |number| * 2^fraction_bits cut into units. From 2^64 on the count is merely too large.
Units units_of(const Unpacked& number, unsigned fraction_bits)
{
    const int exponent = number.exponent + int(fraction_bits);
    if (exponent >= 65)
        return {u128{1} << 65, 0};
    if (exponent < 0)
        return {0, shift_right_jam(number.significand, unsigned(-exponent))};
    const u128 fixed = u128{number.significand} << exponent;  // 63 bits of fraction
    return {fixed >> 63, static_cast<std::uint64_t>(fixed) & ~(1ull << 63)};
}

/// An integer that a floating-point number rounds to; exact if nothing was lost.
struct Rounded {
    u128 magnitude;
    bool exact;
};

Rounded round_to_units(const Unpacked& number, unsigned fraction_bits, FPRounding rounding)
{
    Units units = units_of(number, fraction_bits);
    // The error has 63 bits of fraction; below one half its top bit is clear.
    const bool up = rounds_up(rounding, number.sign, (units.count & 1) != 0, units.error, 63);
    return {units.count + (up ? 1 : 0), units.error == 0};
}

template <class To, class From>
To FPConvertNaN(From op)
{
    using Source = FloatFormat<From>;
    using Target = FloatFormat<To>;
    const std::uint64_t top = std::uint64_t(op & Source::kFractionMask) << (64 - Source::kFraction);
    const auto payload = static_cast<To>(top >> (64 - Target::kFraction));
    return with_sign(is_negative(op), static_cast<To>(Target::kDefaultNan | payload));
}

}  // namespace

template <FloatBits Bits>
Bits FPRoundIntExactly(Bits op, FPRounding rounding, bool exact, FpEnv& env)
{
    const Unpacked number = FPUnpack(op, env);
    if (is_nan(number))
        return FPProcessNaN(op, number.type, env);
    if (is_infinite(number))
        return op;
    if (is_zero(number))
        return FPZero<Bits>(number.sign);
    if (number.exponent >= int(FloatFormat<Bits>::kFraction))
        return op;
    const Rounded rounded = round_to_units(number, 0, rounding);
    if (exact && !rounded.exact)
        env.raise(kFpsrIxc);
    if (rounded.magnitude == 0)
        return FPZero<Bits>(number.sign);
    return FPRoundWide<Bits>(number.sign, 127, rounded.magnitude, FPRounding::Zero, env);
}

template <class Int, FloatBits Bits>
Int FPToFixedExactly(Bits op, unsigned fraction_bits, FPRounding rounding, FpEnv& env)
{
    using Limits = std::numeric_limits<Int>;
    const Unpacked number = FPUnpack(op, env);
    if (is_nan(number)) {
        env.raise(kFpsrIoc);
        return 0;
    }
    if (is_zero(number))
        return 0;
    const Rounded rounded = is_infinite(number) ? Rounded{u128{1} << 65, true}
                                                : round_to_units(number, fraction_bits, rounding);
    // The limits as magnitudes; two's complement has one more below zero.
    const auto most = static_cast<std::uint64_t>(Limits::max());
    const std::uint64_t limit = !number.sign ? most : Limits::is_signed ? most + 1 : 0;
    if (rounded.magnitude > limit) {
        env.raise(kFpsrIoc);
        return number.sign ? Limits::min() : Limits::max();
    }
    if (!rounded.exact)
        env.raise(kFpsrIxc);
    const auto magnitude = static_cast<std::uint64_t>(rounded.magnitude);
    return static_cast<Int>(number.sign ? 0 - magnitude : magnitude);
}

template <FloatBits Bits, class Int>
Bits FixedToFPExactly(Int op, unsigned fraction_bits, FpEnv& env)
{
    if (op == 0)
        return 0;
    const bool sign = op < 0;
    const auto extended = static_cast<std::uint64_t>(op);
    const std::uint64_t magnitude = sign ? 0 - extended : extended;
    const int zeros = std::countl_zero(magnitude);
    return FPRound<Bits>(sign, 63 - zeros - int(fraction_bits), magnitude << zeros, env.rounding(),
                         env);
}

std::uint32_t FPToFixedJS(std::uint64_t op, bool& exact, FpEnv& env)
{
    const Unpacked number = FPUnpack(op, env);
    // Neither -0 nor a number that FZ flushed is exact (the last two cases of the pseudocode's
    // "Generate exceptions"; QEMU 7.2 calls a flushed number exact, later ones do not).
    exact = op == 0;
    if (is_zero(number))
        return 0;
    if (is_nan(number) || is_infinite(number)) {
        env.raise(kFpsrIoc);
        return 0;
    }
    const int exponent = number.exponent;
    const Units units = exponent < 64 ? units_of(number, 0) : Units{0, 0};
    const std::uint64_t integer = exponent < 64   ? static_cast<std::uint64_t>(units.count)
                                  : exponent < 95 ? number.significand << (exponent - 63)
                                                  : 0;
    const auto low = static_cast<std::uint32_t>(integer);
    const bool in_range = exponent < 31 || (number.sign && exponent == 31 && low == 1u << 31);
    exact = in_range && units.error == 0;
    if (!in_range)
        env.raise(kFpsrIoc);
    else if (units.error != 0)
        env.raise(kFpsrIxc);
    return number.sign ? 0 - low : low;
}

template <class To, class From>
To FPConvertExactly(From op, FPRounding rounding, FpEnv& env)
{
    const bool alternative = sizeof(To) == 2 && env.has(kFpcrAhp);
    const Unpacked number = FPUnpack(op, env);
    if (is_nan(number)) {
        if (number.type == FPType::SNaN || alternative)
            env.raise(kFpsrIoc);
        if (alternative)
            return FPZero<To>(number.sign);
        return env.has(kFpcrDn) ? FloatFormat<To>::kDefaultNan : FPConvertNaN<To>(op);
    }
    if (is_infinite(number)) {
        if (!alternative)
            return FPInfinity<To>(number.sign);
        env.raise(kFpsrIoc);
        return with_sign(number.sign, static_cast<To>(FloatFormat<To>::kSign - 1));
    }
    if (is_zero(number))
        return FPZero<To>(number.sign);
    return FPRound<To>(number.sign, number.exponent, number.significand, rounding, env);
}

#define INSTANTIATE_INT(Bits, Int)                                          \
    template Int FPToFixedExactly<Int>(Bits, unsigned, FPRounding, FpEnv&); \
    template Bits FixedToFPExactly<Bits>(Int, unsigned, FpEnv&);
#define INSTANTIATE(Bits)                                              \
    template Bits FPRoundIntExactly(Bits, FPRounding, bool, FpEnv&);   \
    INSTANTIATE_INT(Bits, std::int32_t)                                \
    INSTANTIATE_INT(Bits, std::uint32_t)                               \
    INSTANTIATE_INT(Bits, std::int64_t)                                \
    INSTANTIATE_INT(Bits, std::uint64_t)                               \
    template std::uint16_t FPConvertExactly(Bits, FPRounding, FpEnv&); \
    template Bits FPConvertExactly(std::uint16_t, FPRounding, FpEnv&);

INSTANTIATE(std::uint32_t)
INSTANTIATE(std::uint64_t)
template std::uint32_t FPConvertExactly(std::uint64_t, FPRounding, FpEnv&);
template std::uint64_t FPConvertExactly(std::uint32_t, FPRounding, FpEnv&);
#undef INSTANTIATE
#undef INSTANTIATE_INT

}  // namespace gh::cpu
