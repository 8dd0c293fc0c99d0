// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/softfloat.h"

#include <bit>
#include <cmath>
#include <cstdint>

namespace gh::cpu {

// The functions of softfloat.h by the host's arithmetic where that provably gives the same result
// and flags, else by integers: as a rule when rounding to nearest without flushing, FPSR.IXC being
// set already, so that inexactness needs no finding out. This asks that the host thread's own
// rounding mode is the default one.

/// The host's type of the same format.
template <FloatBits Bits>
using HostFloat = std::conditional_t<sizeof(Bits) == 4, float, double>;

template <FloatBits Bits>
HostFloat<Bits> host_float(Bits op)
{
    return std::bit_cast<HostFloat<Bits>>(op);
}

inline bool host_rounds_alike(const FpEnv& env)
{
    return (env.fpcr & (kFpcrFz | kFpcrRMode)) == 0 && (env.fpsr & kFpsrIxc) != 0;
}

/// Neither infinite nor NaN, nor so small that it may have underflowed (x86 detects that after
/// rounding, Arm before).
template <FloatBits Bits>
bool is_ordinary(Bits result)
{
    const auto exponent = static_cast<unsigned>(biased_exponent(result));
    return exponent - 2 < unsigned(FloatFormat<Bits>::kMaxExponent) - 2;
}

template <FloatBits Bits>
Bits FPAdd(Bits op1, Bits op2, FpEnv& env)
{
    const auto result = std::bit_cast<Bits>(host_float(op1) + host_float(op2));
    if (host_rounds_alike(env) && biased_exponent(result) != FloatFormat<Bits>::kMaxExponent)
        return result;  // a denormal sum is exact, so it does not underflow
    return FPAddExactly(op1, op2, env);
}

template <FloatBits Bits>
Bits FPSub(Bits op1, Bits op2, FpEnv& env)
{
    const auto result = std::bit_cast<Bits>(host_float(op1) - host_float(op2));
    if (host_rounds_alike(env) && biased_exponent(result) != FloatFormat<Bits>::kMaxExponent)
        return result;
    return FPSubExactly(op1, op2, env);
}

template <FloatBits Bits>
Bits FPMul(Bits op1, Bits op2, FpEnv& env)
{
    const auto result = std::bit_cast<Bits>(host_float(op1) * host_float(op2));
    if (host_rounds_alike(env) && is_ordinary(result))
        return result;
    return FPMulExactly(op1, op2, env);
}

template <FloatBits Bits>
Bits FPDiv(Bits op1, Bits op2, FpEnv& env)
{
    if (host_rounds_alike(env)) {
        const auto result = std::bit_cast<Bits>(host_float(op1) / host_float(op2));
        if (is_ordinary(result))
            return result;
    }
    return FPDivExactly(op1, op2, env);
}

template <FloatBits Bits>
Bits FPSqrt(Bits op, FpEnv& env)
{
    if (host_rounds_alike(env)) {
        const auto result = std::bit_cast<Bits>(std::sqrt(host_float(op)));
        if (is_ordinary(result))
            return result;
    }
    return FPSqrtExactly(op, env);
}

template <FloatBits Bits>
Bits FPMulAdd(Bits addend, Bits op1, Bits op2, FpEnv& env)
{
    if (host_rounds_alike(env)) {
        const auto result =
            std::bit_cast<Bits>(std::fma(host_float(op1), host_float(op2), host_float(addend)));
        if (is_ordinary(result))
            return result;
    }
    return FPMulAddExactly(addend, op1, op2, env);
}

/// Normal or zero: no NaN, nothing to flush, nothing infinite.
template <FloatBits Bits>
bool is_plain(Bits op)
{
    const auto exponent = static_cast<unsigned>(biased_exponent(op));
    return exponent - 1 < unsigned(FloatFormat<Bits>::kMaxExponent) - 1 || FPAbs(op) == 0;
}

template <FloatBits Bits>
Bits FPMax(Bits op1, Bits op2, FpEnv& env)
{
    if (is_plain(op1) && is_plain(op2) && FPAbs(op1) != 0)
        return host_float(op1) > host_float(op2) ? op1 : op2;
    return FPMaxExactly(op1, op2, env);
}

template <FloatBits Bits>
Bits FPMin(Bits op1, Bits op2, FpEnv& env)
{
    if (is_plain(op1) && is_plain(op2) && FPAbs(op1) != 0)
        return host_float(op1) < host_float(op2) ? op1 : op2;
    return FPMinExactly(op1, op2, env);
}

template <FloatBits Bits>
std::uint32_t FPCompare(Bits op1, Bits op2, bool signal_nans, FpEnv& env)
{
    if (!is_plain(op1) || !is_plain(op2))
        return FPCompareExactly(op1, op2, signal_nans, env);
    if (host_float(op1) == host_float(op2))
        return kFpEqual;
    return host_float(op1) < host_float(op2) ? kFpLess : kFpGreater;
}

template <FloatBits Bits>
bool FPCompareEQ(Bits op1, Bits op2, FpEnv& env)
{
    return FPCompare(op1, op2, false, env) == kFpEqual;
}

template <FloatBits Bits>
bool FPCompareGE(Bits op1, Bits op2, FpEnv& env)
{
    const std::uint32_t order = FPCompare(op1, op2, true, env);
    return order == kFpEqual || order == kFpGreater;
}

template <FloatBits Bits>
bool FPCompareGT(Bits op1, Bits op2, FpEnv& env)
{
    return FPCompare(op1, op2, true, env) == kFpGreater;
}

template <FloatBits Bits>
Bits FPRoundInt(Bits op, FPRounding rounding, bool exact, FpEnv& env)
{
    if (!is_plain(op) || (exact && (env.fpsr & kFpsrIxc) == 0))
        return FPRoundIntExactly(op, rounding, exact, env);
    const HostFloat<Bits> value = host_float(op);
    switch (rounding) {
    case FPRounding::TieEven: return std::bit_cast<Bits>(std::nearbyint(value));
    case FPRounding::TieAway: return std::bit_cast<Bits>(std::round(value));
    case FPRounding::PosInf: return std::bit_cast<Bits>(std::ceil(value));
    case FPRounding::NegInf: return std::bit_cast<Bits>(std::floor(value));
    case FPRounding::Zero: return std::bit_cast<Bits>(std::trunc(value));
    case FPRounding::Odd: break;
    }
    return FPRoundIntExactly(op, rounding, exact, env);
}

template <class Int, FloatBits Bits>
Int FPToFixed(Bits op, unsigned fraction_bits, FPRounding rounding, FpEnv& env)
{
    using Host = HostFloat<Bits>;
    constexpr bool kSigned = std::is_signed_v<Int>;
    constexpr Host kLimit = static_cast<Host>(Int{1} << (8 * sizeof(Int) - 2)) * (kSigned ? 2 : 4);
    const Host value = host_float(op);
    if (rounding == FPRounding::Zero && fraction_bits == 0 && is_plain(op) && value < kLimit &&
        (kSigned ? value >= -kLimit : value > -1)) {
        const auto result = static_cast<Int>(value);
        if ((env.fpsr & kFpsrIxc) != 0 || static_cast<Host>(result) == value)
            return result;
    }
    return FPToFixedExactly<Int>(op, fraction_bits, rounding, env);
}

template <FloatBits Bits, class Int>
Bits FixedToFP(Int op, unsigned fraction_bits, FpEnv& env)
{
    const bool nearest = env.rounding() == FPRounding::TieEven && (env.fpsr & kFpsrIxc) != 0;
    if (fraction_bits == 0 && (nearest || 8 * sizeof(Int) <= FloatFormat<Bits>::kFraction))
        return std::bit_cast<Bits>(static_cast<HostFloat<Bits>>(op));
    return FixedToFPExactly<Bits>(op, fraction_bits, env);
}

template <class To, class From>
To FPConvert(From op, FPRounding rounding, FpEnv& env)
{
    if constexpr (sizeof(From) == 4 && sizeof(To) == 8) {
        if (is_plain(op))
            return std::bit_cast<To>(static_cast<double>(host_float(op)));
    } else if constexpr (sizeof(From) == 8 && sizeof(To) == 4) {
        const auto result = std::bit_cast<To>(static_cast<float>(host_float(op)));
        if (rounding == FPRounding::TieEven && host_rounds_alike(env) && is_ordinary(result))
            return result;
    }
    return FPConvertExactly<To>(op, rounding, env);
}

}  // namespace gh::cpu
