// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace gh::cpu {

// The floating-point functions of the Arm pseudocode (DDI 0487, J1.3 "shared/functions/float") in
// integer arithmetic: exact results, NaN propagation, flush to zero and FPSR flags as the manual
// has them. A number is its bits in std::uint16_t, std::uint32_t or std::uint64_t; half precision
// only converts (no FEAT_FP16), and there is no FEAT_AFP. Names are the manual's.
//
// Where the host's arithmetic provably agrees it is used instead: rounding to nearest, no flushing,
// FPSR.IXC already set (so inexactness needs no finding out), an ordinary result. This asks that
// the host thread's own rounding mode is the default one.

inline constexpr std::uint32_t kFpcrAhp = 1u << 26;  // alternative half precision
inline constexpr std::uint32_t kFpcrDn = 1u << 25;   // default NaN
inline constexpr std::uint32_t kFpcrFz = 1u << 24;   // flush to zero
inline constexpr std::uint32_t kFpcrRMode = 3u << 22;

inline constexpr std::uint32_t kFpsrIoc = 1u << 0;  // invalid operation
inline constexpr std::uint32_t kFpsrDzc = 1u << 1;  // division by zero
inline constexpr std::uint32_t kFpsrOfc = 1u << 2;  // overflow
inline constexpr std::uint32_t kFpsrUfc = 1u << 3;  // underflow
inline constexpr std::uint32_t kFpsrIxc = 1u << 4;  // inexact
inline constexpr std::uint32_t kFpsrIdc = 1u << 7;  // input denormal
inline constexpr std::uint32_t kFpsrQc = 1u << 27;  // integer saturation

/// The first four are FPCR.RMode's values.
enum class FPRounding { TieEven, PosInf, NegInf, Zero, TieAway, Odd };

/// What an operation depends on (FPCR) and what it leaves behind (FPSR).
struct FpEnv {
    const std::uint32_t fpcr;
    std::uint32_t& fpsr;

    [[nodiscard]] bool has(std::uint32_t fpcr_bit) const { return (fpcr & fpcr_bit) != 0; }
    [[nodiscard]] FPRounding rounding() const { return FPRounding(fpcr >> 22 & 3); }
    void raise(std::uint32_t flags) { fpsr |= flags; }
};

template <class T>
concept FloatBits = std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t>;

/// IEEE 754 interchange format of sizeof(Bits) bytes.
template <class Bits>
struct FloatFormat {
    static constexpr unsigned kWidth = 8 * sizeof(Bits);
    static constexpr unsigned kFraction = kWidth == 16 ? 10 : kWidth == 32 ? 23 : 52;
    static constexpr int kMaxExponent = (1 << (kWidth - 1 - kFraction)) - 1;  // the biased one
    static constexpr int kBias = kMaxExponent >> 1;
    static constexpr Bits kSign = static_cast<Bits>(Bits{1} << (kWidth - 1));
    static constexpr Bits kFractionMask = static_cast<Bits>((Bits{1} << kFraction) - 1);
    static constexpr Bits kQuiet = static_cast<Bits>(Bits{1} << (kFraction - 1));
    static constexpr Bits kInfinity = static_cast<Bits>(Bits(kMaxExponent) << kFraction);
    static constexpr Bits kDefaultNan = static_cast<Bits>(kInfinity | kQuiet);
};

template <class Bits>
constexpr bool is_negative(Bits op)
{
    return (op & FloatFormat<Bits>::kSign) != 0;
}
template <class Bits>
constexpr int biased_exponent(Bits op)
{
    return int(op >> FloatFormat<Bits>::kFraction) & FloatFormat<Bits>::kMaxExponent;
}
template <class Bits>
constexpr Bits FPAbs(Bits op)
{
    return static_cast<Bits>(op & ~FloatFormat<Bits>::kSign);
}
template <class Bits>
constexpr Bits FPNeg(Bits op)
{
    return static_cast<Bits>(op ^ FloatFormat<Bits>::kSign);
}

// ---- Always in integers (softfloat.cpp, softfloat_convert.cpp, softfloat_estimate.cpp).

template <FloatBits Bits>
Bits FPAddExactly(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPSubExactly(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPMulExactly(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPDivExactly(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPSqrtExactly(Bits op, FpEnv& env);
/// addend + op1 * op2, rounded once.
template <FloatBits Bits>
Bits FPMulAddExactly(Bits addend, Bits op1, Bits op2, FpEnv& env);

template <FloatBits Bits>
Bits FPMulX(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPMax(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPMin(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPMaxNum(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPMinNum(Bits op1, Bits op2, FpEnv& env);
/// 2 - op1 * op2 and (3 - op1 * op2) / 2, each rounded once: steps of Newton's method.
template <FloatBits Bits>
Bits FPRecipStepFused(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPRSqrtStepFused(Bits op1, Bits op2, FpEnv& env);

/// N, Z, C, V in bits 31:28. `signal_nans`: quiet NaNs too are invalid operations.
template <FloatBits Bits>
std::uint32_t FPCompare(Bits op1, Bits op2, bool signal_nans, FpEnv& env);
template <FloatBits Bits>
bool FPCompareEQ(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
bool FPCompareGE(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
bool FPCompareGT(Bits op1, Bits op2, FpEnv& env);

/// To an integral value in the same format; `exact` raises IXC where that changes it.
template <FloatBits Bits>
Bits FPRoundInt(Bits op, FPRounding rounding, bool exact, FpEnv& env);
/// op * 2^fraction_bits as Int (of 32 or 64 bits, signed or not), saturated.
template <class Int, FloatBits Bits>
Int FPToFixed(Bits op, unsigned fraction_bits, FPRounding rounding, FpEnv& env);
/// op / 2^fraction_bits, op signed or not.
template <FloatBits Bits, class Int>
Bits FixedToFP(Int op, unsigned fraction_bits, FpEnv& env);
/// JavaScript's ToInt32; `exact` is what FJCVTZS puts into Z.
std::uint32_t FPToFixedJS(std::uint64_t op, bool& exact, FpEnv& env);
/// Between any two of the formats of 16, 32 and 64 bits.
template <class To, class From>
To FPConvert(From op, FPRounding rounding, FpEnv& env);

template <FloatBits Bits>
Bits FPRecipEstimate(Bits op, FpEnv& env);
template <FloatBits Bits>
Bits FPRSqrtEstimate(Bits op, FpEnv& env);
template <FloatBits Bits>
Bits FPRecpX(Bits op, FpEnv& env);
std::uint32_t UnsignedRecipEstimate(std::uint32_t op);
std::uint32_t UnsignedRSqrtEstimate(std::uint32_t op);

// ---- With the host's arithmetic where it agrees.

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

}  // namespace gh::cpu
