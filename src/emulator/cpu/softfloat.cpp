// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/softfloat.h"

#include "emulator/cpu/softfloat_unpacked.h"

namespace gh::cpu {
namespace {

template <class Bits>
struct Operand : Unpacked {
    Operand(Bits op, FpEnv& env)
        : Unpacked(FPUnpack(op, env)), bits(is_zero(*this) ? FPZero<Bits>(sign) : op)
    {
    }
    Bits bits;  // after flushing
};

/// FPProcessNaNs: if there is a NaN among the operands, the first signalling one, or else the first
/// quiet one, makes the result.
template <class Bits, class... Operands>
bool FPProcessNaNs(Bits& result, FpEnv& env, const Operands&... operands)
{
    for (const FPType type : {FPType::SNaN, FPType::QNaN})
        for (const Operand<Bits>* op : {&operands...})
            if (op->type == type) {
                result = FPProcessNaN(op->bits, type, env);
                return true;
            }
    return false;
}

/// An exact number: significand * 2^(exponent - 127), the significand anything.
struct Wide {
    bool sign;
    int exponent;
    u128 significand;
};

Wide widen(const Unpacked& number)
{
    return {number.sign, number.exponent, u128{number.significand} << 64};
}

Wide product(const Unpacked& op1, const Unpacked& op2)
{
    return {op1.sign != op2.sign, op1.exponent + op2.exponent + 1,
            u128{op1.significand} * op2.significand};
}

/// Exact but for bits so low that bit 0 may stand for them. The two lowest bits of what comes in
/// are clear: factors have at most 53 bits.
Wide sum(Wide a, Wide b)
{
    if (a.significand == 0 || b.significand == 0)
        return a.significand != 0 ? a : b;
    if (a.exponent < b.exponent)
        std::swap(a, b);
    const u128 high = a.significand >> 1;  // room for a carry
    const u128 low = shift_right_jam(b.significand >> 1, unsigned(a.exponent - b.exponent));
    if (a.sign == b.sign)
        return {a.sign, a.exponent + 1, high + low};
    if (high >= low)
        return {a.sign, a.exponent + 1, high - low};
    return {b.sign, a.exponent + 1, low - high};
}

template <class Bits>
Bits round_or_zero(const Wide& number, FpEnv& env)
{
    if (number.significand == 0)
        return FPZero<Bits>(env.rounding() == FPRounding::NegInf);
    return FPRoundWide<Bits>(number.sign, number.exponent, number.significand, env.rounding(), env);
}

template <class Bits>
Bits add(const Operand<Bits>& op1, Operand<Bits> op2, bool subtract, FpEnv& env)
{
    Bits result;
    if (FPProcessNaNs(result, env, op1, op2))
        return result;
    op2.sign ^= subtract;
    if (is_infinite(op1) && is_infinite(op2) && op1.sign != op2.sign)
        return invalid_operation<Bits>(env);
    if (is_infinite(op1) || is_infinite(op2))
        return FPInfinity<Bits>(is_infinite(op1) ? op1.sign : op2.sign);
    if (is_zero(op1) && is_zero(op2) && op1.sign == op2.sign)
        return FPZero<Bits>(op1.sign);
    return round_or_zero<Bits>(sum(widen(op1), widen(op2)), env);
}

/// Zero times infinity, which every kind of multiplication treats in its own way.
bool is_indefinite(const Unpacked& op1, const Unpacked& op2)
{
    return (is_infinite(op1) && is_zero(op2)) || (is_zero(op1) && is_infinite(op2));
}

template <class Bits>
Bits multiply(const Operand<Bits>& op1, const Operand<Bits>& op2, FpEnv& env)
{
    const bool sign = op1.sign != op2.sign;
    if (is_infinite(op1) || is_infinite(op2))
        return FPInfinity<Bits>(sign);
    if (is_zero(op1) || is_zero(op2))
        return FPZero<Bits>(sign);
    return round_or_zero<Bits>(product(op1, op2), env);
}

template <class Bits>
Bits multiply_add(const Operand<Bits>& addend, const Operand<Bits>& op1, const Operand<Bits>& op2,
                  FpEnv& env)
{
    const bool sign = op1.sign != op2.sign;
    const bool infinite_product = is_infinite(op1) || is_infinite(op2);
    if (is_indefinite(op1, op2) || (is_infinite(addend) && infinite_product && addend.sign != sign))
        return invalid_operation<Bits>(env);
    if (is_infinite(addend) || infinite_product)
        return FPInfinity<Bits>(is_infinite(addend) ? addend.sign : sign);
    if (is_zero(addend) && (is_zero(op1) || is_zero(op2)) && addend.sign == sign)
        return FPZero<Bits>(sign);
    return round_or_zero<Bits>(sum(widen(addend), product(op1, op2)), env);
}

/// (constant + op1 * op2) / 2^halvings, where zero times infinity is zero.
template <class Bits>
Bits newton_step(const Unpacked& constant, int halvings, Bits op1_bits, Bits op2_bits, FpEnv& env)
{
    const Operand op1{op1_bits, env};
    const Operand op2{op2_bits, env};
    Bits result;
    if (FPProcessNaNs(result, env, op1, op2))
        return result;
    const bool indefinite = is_indefinite(op1, op2);
    if (!indefinite && (is_infinite(op1) || is_infinite(op2)))
        return FPInfinity<Bits>(op1.sign != op2.sign);
    Wide value = sum(widen(constant), indefinite ? Wide{} : product(op1, op2));
    value.exponent -= halvings;
    return round_or_zero<Bits>(value, env);
}

/// Numbers in order, both zeros alike; no NaN.
template <class Bits>
std::int64_t rank(Bits op)
{
    const auto magnitude = static_cast<std::int64_t>(FPAbs(op));
    return is_negative(op) ? -magnitude : magnitude;
}

template <class Bits>
Bits extreme(Bits op1_bits, Bits op2_bits, bool maximum, FpEnv& env)
{
    const Operand op1{op1_bits, env};
    const Operand op2{op2_bits, env};
    Bits result;
    if (FPProcessNaNs(result, env, op1, op2))
        return result;
    const bool first = maximum ? rank(op1.bits) > rank(op2.bits) : rank(op1.bits) < rank(op2.bits);
    result = first ? op1.bits : op2.bits;
    if (FPAbs(result) == 0)
        return FPZero<Bits>(maximum ? op1.sign && op2.sign : op1.sign || op2.sign);
    return result;
}

/// IEEE 754-2008 maxNum and minNum: a number beats a quiet NaN, here by making the NaN the worst.
template <class Bits>
Bits extreme_number(Bits op1, Bits op2, bool maximum, FpEnv& env)
{
    const auto is_quiet = [](Bits op) { return FPAbs(op) >= FloatFormat<Bits>::kDefaultNan; };
    if (is_quiet(op1) && !is_quiet(op2))
        op1 = FPInfinity<Bits>(maximum);
    else if (is_quiet(op2) && !is_quiet(op1))
        op2 = FPInfinity<Bits>(maximum);
    return extreme(op1, op2, maximum, env);
}

std::uint64_t square_root(u128 value)
{
    std::uint64_t root = 0;
    for (std::uint64_t next = 1ull << 63; next != 0; next >>= 1)
        if (u128{root | next} * (root | next) <= value)
            root |= next;
    return root;
}

}  // namespace

template <FloatBits Bits>
Bits FPAddExactly(Bits op1, Bits op2, FpEnv& env)
{
    const Operand first{op1, env};
    return add(first, Operand{op2, env}, false, env);
}

template <FloatBits Bits>
Bits FPSubExactly(Bits op1, Bits op2, FpEnv& env)
{
    const Operand first{op1, env};
    return add(first, Operand{op2, env}, true, env);
}

template <FloatBits Bits>
Bits FPMulExactly(Bits op1_bits, Bits op2_bits, FpEnv& env)
{
    const Operand op1{op1_bits, env};
    const Operand op2{op2_bits, env};
    Bits result;
    if (FPProcessNaNs(result, env, op1, op2))
        return result;
    return is_indefinite(op1, op2) ? invalid_operation<Bits>(env) : multiply(op1, op2, env);
}

template <FloatBits Bits>
Bits FPMulX(Bits op1_bits, Bits op2_bits, FpEnv& env)
{
    const Operand op1{op1_bits, env};
    const Operand op2{op2_bits, env};
    Bits result;
    if (FPProcessNaNs(result, env, op1, op2))
        return result;
    if (is_indefinite(op1, op2)) {
        constexpr Bits kTwo = Bits(FloatFormat<Bits>::kBias + 1) << FloatFormat<Bits>::kFraction;
        return with_sign(op1.sign != op2.sign, kTwo);
    }
    return multiply(op1, op2, env);
}

template <FloatBits Bits>
Bits FPDivExactly(Bits op1_bits, Bits op2_bits, FpEnv& env)
{
    const Operand op1{op1_bits, env};
    const Operand op2{op2_bits, env};
    Bits result;
    if (FPProcessNaNs(result, env, op1, op2))
        return result;
    if ((is_infinite(op1) && is_infinite(op2)) || (is_zero(op1) && is_zero(op2)))
        return invalid_operation<Bits>(env);
    const bool sign = op1.sign != op2.sign;
    if (is_infinite(op1) || is_zero(op2)) {
        env.raise(is_infinite(op1) ? 0 : kFpsrDzc);
        return FPInfinity<Bits>(sign);
    }
    if (is_zero(op1) || is_infinite(op2))
        return FPZero<Bits>(sign);
    const u128 dividend = u128{op1.significand} << 63;
    const u128 quotient = dividend / op2.significand;
    const unsigned sticky = quotient * op2.significand != dividend ? 1 : 0;
    return FPRoundWide<Bits>(sign, op1.exponent - op2.exponent, quotient << 64 | sticky,
                             env.rounding(), env);
}

template <FloatBits Bits>
Bits FPSqrtExactly(Bits bits, FpEnv& env)
{
    const Operand op{bits, env};
    Bits result;
    if (FPProcessNaNs(result, env, op))
        return result;
    if (is_zero(op))
        return FPZero<Bits>(op.sign);
    if (op.sign)
        return invalid_operation<Bits>(env);
    if (is_infinite(op))
        return FPInfinity<Bits>(false);
    const bool odd = (op.exponent & 1) != 0;  // the exponent that is halved must be even
    const u128 value = u128{op.significand} << (odd ? 64 : 63);
    const std::uint64_t root = square_root(value);
    const unsigned sticky = u128{root} * root != value ? 1 : 0;
    return FPRoundWide<Bits>(false, (op.exponent - (odd ? 1 : 0)) / 2, u128{root} << 64 | sticky,
                             env.rounding(), env);
}

template <FloatBits Bits>
Bits FPMulAddExactly(Bits addend_bits, Bits op1_bits, Bits op2_bits, FpEnv& env)
{
    const Operand addend{addend_bits, env};
    const Operand op1{op1_bits, env};
    const Operand op2{op2_bits, env};
    if (addend.type == FPType::QNaN && is_indefinite(op1, op2))
        return invalid_operation<Bits>(env);
    Bits result;
    if (FPProcessNaNs(result, env, addend, op1, op2))
        return result;
    return multiply_add(addend, op1, op2, env);
}

template <FloatBits Bits>
Bits FPMaxExactly(Bits op1, Bits op2, FpEnv& env)
{
    return extreme(op1, op2, true, env);
}

template <FloatBits Bits>
Bits FPMinExactly(Bits op1, Bits op2, FpEnv& env)
{
    return extreme(op1, op2, false, env);
}

template <FloatBits Bits>
Bits FPMaxNum(Bits op1, Bits op2, FpEnv& env)
{
    return extreme_number(op1, op2, true, env);
}

template <FloatBits Bits>
Bits FPMinNum(Bits op1, Bits op2, FpEnv& env)
{
    return extreme_number(op1, op2, false, env);
}

template <FloatBits Bits>
Bits FPRecipStepFused(Bits op1, Bits op2, FpEnv& env)
{
    constexpr Unpacked kTwo{FPType::Nonzero, false, 1, 1ull << 63};
    return newton_step(kTwo, 0, FPNeg(op1), op2, env);
}

template <FloatBits Bits>
Bits FPRSqrtStepFused(Bits op1, Bits op2, FpEnv& env)
{
    constexpr Unpacked kThree{FPType::Nonzero, false, 1, 3ull << 62};
    return newton_step(kThree, 1, FPNeg(op1), op2, env);
}

template <FloatBits Bits>
std::uint32_t FPCompareExactly(Bits op1_bits, Bits op2_bits, bool signal_nans, FpEnv& env)
{
    const Operand op1{op1_bits, env};
    const Operand op2{op2_bits, env};
    if (is_nan(op1) || is_nan(op2)) {
        if (signal_nans || op1.type == FPType::SNaN || op2.type == FPType::SNaN)
            env.raise(kFpsrIoc);
        return kFpUnordered;
    }
    const std::int64_t rank1 = rank(op1.bits);
    const std::int64_t rank2 = rank(op2.bits);
    return rank1 == rank2 ? kFpEqual : rank1 < rank2 ? kFpLess : kFpGreater;
}

#define INSTANTIATE(Bits)                                    \
    template Bits FPAddExactly(Bits, Bits, FpEnv&);          \
    template Bits FPSubExactly(Bits, Bits, FpEnv&);          \
    template Bits FPMulExactly(Bits, Bits, FpEnv&);          \
    template Bits FPDivExactly(Bits, Bits, FpEnv&);          \
    template Bits FPSqrtExactly(Bits, FpEnv&);               \
    template Bits FPMulAddExactly(Bits, Bits, Bits, FpEnv&); \
    template Bits FPMulX(Bits, Bits, FpEnv&);                \
    template Bits FPMaxExactly(Bits, Bits, FpEnv&);          \
    template Bits FPMinExactly(Bits, Bits, FpEnv&);          \
    template Bits FPMaxNum(Bits, Bits, FpEnv&);              \
    template Bits FPMinNum(Bits, Bits, FpEnv&);              \
    template Bits FPRecipStepFused(Bits, Bits, FpEnv&);      \
    template Bits FPRSqrtStepFused(Bits, Bits, FpEnv&);      \
    template std::uint32_t FPCompareExactly(Bits, Bits, bool, FpEnv&);

INSTANTIATE(std::uint32_t)
INSTANTIATE(std::uint64_t)
#undef INSTANTIATE

}  // namespace gh::cpu
