// SPDX-License-Identifier: BSD-3-Clause
#pragma once

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

template <FloatBits Bits>
Bits FPAddExactly(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPSubExactly(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPMulExactly(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPDivExactly(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPSqrtExactly(Bits bits, FpEnv& env);
/// addend + op1 * op2, rounded once.
template <FloatBits Bits>
Bits FPMulAddExactly(Bits addend, Bits op1, Bits op2, FpEnv& env);

template <FloatBits Bits>
Bits FPMulX(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPMaxExactly(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPMinExactly(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPMaxNum(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPMinNum(Bits op1, Bits op2, FpEnv& env);
/// 2 - op1 * op2 and (3 - op1 * op2) / 2, each rounded once: steps of Newton's method.
template <FloatBits Bits>
Bits FPRecipStepFused(Bits op1, Bits op2, FpEnv& env);
template <FloatBits Bits>
Bits FPRSqrtStepFused(Bits op1, Bits op2, FpEnv& env);

/// FPCompare's answers: N, Z, C, V in bits 31:28.
inline constexpr std::uint32_t kFpEqual = 6u << 28;
inline constexpr std::uint32_t kFpLess = 8u << 28;
inline constexpr std::uint32_t kFpGreater = 2u << 28;
inline constexpr std::uint32_t kFpUnordered = 3u << 28;

/// `signal_nans`: quiet NaNs too are invalid operations.
template <FloatBits Bits>
std::uint32_t FPCompareExactly(Bits op1, Bits op2, bool signal_nans, FpEnv& env);

/// To an integral value in the same format; `exact` raises IXC where that changes it.
template <FloatBits Bits>
Bits FPRoundIntExactly(Bits op, FPRounding rounding, bool exact, FpEnv& env);
/// op * 2^fraction_bits as Int (of 32 or 64 bits, signed or not), saturated.
template <class Int, FloatBits Bits>
Int FPToFixedExactly(Bits op, unsigned fraction_bits, FPRounding rounding, FpEnv& env);
/// op / 2^fraction_bits, op signed or not.
template <FloatBits Bits, class Int>
Bits FixedToFPExactly(Int op, unsigned fraction_bits, FpEnv& env);
/// JavaScript's ToInt32; `exact` is what FJCVTZS puts into Z.
std::uint32_t FPToFixedJS(std::uint64_t op, bool& exact, FpEnv& env);
/// Between any two of the formats of 16, 32 and 64 bits.
template <class To, class From>
To FPConvertExactly(From op, FPRounding rounding, FpEnv& env);

template <FloatBits Bits>
Bits FPRecipEstimate(Bits op, FpEnv& env);
template <FloatBits Bits>
Bits FPRSqrtEstimate(Bits op, FpEnv& env);
template <FloatBits Bits>
Bits FPRecpX(Bits op, FpEnv& env);
std::uint32_t UnsignedRecipEstimate(std::uint32_t op);
std::uint32_t UnsignedRSqrtEstimate(std::uint32_t op);

}  // namespace gh::cpu
