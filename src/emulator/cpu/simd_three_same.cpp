// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD three same and scalar three same, integers (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"
#include "emulator/cpu/simd_operations.h"

namespace gh::cpu {
namespace {

constexpr auto kHalvingAdd = [](auto a, auto b) { return (roomy(a) + roomy(b)) >> 1; };
constexpr auto kHalvingSub = [](auto a, auto b) { return (roomy(a) - roomy(b)) >> 1; };
constexpr auto kRoundingHalvingAdd = [](auto a, auto b) { return (roomy(a) + roomy(b) + 1) >> 1; };
constexpr auto kSaturatingAdd = [](auto a, auto b, FpEnv& env) {
    return saturate<decltype(a)>(roomy(a) + roomy(b), env);
};
constexpr auto kSaturatingSub = [](auto a, auto b, FpEnv& env) {
    return saturate<decltype(a)>(roomy(a) - roomy(b), env);
};
constexpr auto kGreater = [](auto a, auto b) { return a > b ? -1 : 0; };
constexpr auto kGreaterEqual = [](auto a, auto b) { return a >= b ? -1 : 0; };
constexpr auto kEqual = [](auto a, auto b) { return a == b ? -1 : 0; };
constexpr auto kTest = [](auto a, auto b) { return (a & b) != 0 ? -1 : 0; };

/// Shifts by register take the signed low byte, positive to the left.
template <class T>
int shift_of(T b)
{
    return static_cast<std::int8_t>(b & 0xff);
}

template <class T>
Roomy<T> shifted_right(T a, int shift, bool rounding)
{
    const unsigned count = std::min(static_cast<unsigned>(-shift), kLaneBits<T> + 1);
    return shift_right(roomy(a), count, rounding);
}

template <class T>
T shifted(T a, int shift, bool rounding)
{
    if (shift < 0)
        return static_cast<T>(shifted_right(a, shift, rounding));
    return shift < int(kLaneBits<T>) ? static_cast<T>(static_cast<std::uint64_t>(a) << shift)
                                     : T{0};
}

template <class T>
T shifted_and_saturated(T a, int shift, bool rounding, FpEnv& env)
{
    if (shift < 0)
        return static_cast<T>(shifted_right(a, shift, rounding));
    if (shift < int(kLaneBits<T>))
        return saturate<T>(roomy(a) << shift, env);
    return a == 0 ? T{0} : saturated<T>(a < 0, env);
}

constexpr auto kShift = [](auto a, auto b) { return shifted(a, shift_of(b), false); };
constexpr auto kRoundingShift = [](auto a, auto b) { return shifted(a, shift_of(b), true); };
constexpr auto kSaturatingShift = [](auto a, auto b, FpEnv& env) {
    return shifted_and_saturated(a, shift_of(b), false, env);
};
constexpr auto kSaturatingRoundingShift = [](auto a, auto b, FpEnv& env) {
    return shifted_and_saturated(a, shift_of(b), true, env);
};

/// The logical instructions: on all bits at once, size belongs to the opcode.
template <class Op>
Handler bitwise(std::uint32_t word, Insn& insn, Op)
{
    set_operands(word, insn);
    constexpr auto kMake = lanewise<FromRegister>(Op{});
    return bit(word, 30) ? kMake(Arrangement<std::uint64_t, 2>{})
                         : kMake(Arrangement<std::uint64_t, 1>{});
}

}  // namespace

Handler SHADD(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHS>(word, insn, kHalvingAdd);
}

Handler UHADD(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHS>(word, insn, kHalvingAdd);
}

Handler SRHADD(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHS>(word, insn, kRoundingHalvingAdd);
}

Handler URHADD(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHS>(word, insn, kRoundingHalvingAdd);
}

Handler SHSUB(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHS>(word, insn, kHalvingSub);
}

Handler UHSUB(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHS>(word, insn, kHalvingSub);
}

Handler SQADD_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHSD>(word, insn, kSaturatingAdd);
}

Handler SQADD_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedBHSD>(word, insn, kSaturatingAdd);
}

Handler UQADD_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kSaturatingAdd);
}

Handler UQADD_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedBHSD>(word, insn, kSaturatingAdd);
}

Handler SQSUB_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHSD>(word, insn, kSaturatingSub);
}

Handler SQSUB_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedBHSD>(word, insn, kSaturatingSub);
}

Handler UQSUB_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kSaturatingSub);
}

Handler UQSUB_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedBHSD>(word, insn, kSaturatingSub);
}

Handler CMGT_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHSD>(word, insn, kGreater);
}

Handler CMGT_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedD>(word, insn, kGreater);
}

Handler CMHI_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kGreater);
}

Handler CMHI_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedD>(word, insn, kGreater);
}

Handler CMGE_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHSD>(word, insn, kGreaterEqual);
}

Handler CMGE_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedD>(word, insn, kGreaterEqual);
}

Handler CMHS_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kGreaterEqual);
}

Handler CMHS_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedD>(word, insn, kGreaterEqual);
}

Handler CMEQ_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kEqual);
}

Handler CMEQ_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedD>(word, insn, kEqual);
}

Handler CMTST_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kTest);
}

Handler CMTST_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedD>(word, insn, kTest);
}

Handler SSHL_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHSD>(word, insn, kShift);
}

Handler SSHL_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedD>(word, insn, kShift);
}

Handler USHL_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kShift);
}

Handler USHL_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedD>(word, insn, kShift);
}

Handler SRSHL_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHSD>(word, insn, kRoundingShift);
}

Handler SRSHL_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedD>(word, insn, kRoundingShift);
}

Handler URSHL_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kRoundingShift);
}

Handler URSHL_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedD>(word, insn, kRoundingShift);
}

Handler SQSHL_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHSD>(word, insn, kSaturatingShift);
}

Handler SQSHL_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedBHSD>(word, insn, kSaturatingShift);
}

Handler UQSHL_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kSaturatingShift);
}

Handler UQSHL_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedBHSD>(word, insn, kSaturatingShift);
}

Handler SQRSHL_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHSD>(word, insn, kSaturatingRoundingShift);
}

Handler SQRSHL_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedBHSD>(word, insn, kSaturatingRoundingShift);
}

Handler UQRSHL_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kSaturatingRoundingShift);
}

Handler UQRSHL_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedBHSD>(word, insn, kSaturatingRoundingShift);
}

Handler SMAX(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHS>(word, insn, kMax);
}

Handler UMAX(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHS>(word, insn, kMax);
}

Handler SMIN(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHS>(word, insn, kMin);
}

Handler UMIN(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHS>(word, insn, kMin);
}

Handler SABD(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHS>(word, insn, kAbsDiff);
}

Handler UABD(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHS>(word, insn, kAbsDiff);
}

Handler SABA(std::uint32_t word, Insn& insn)
{
    return binary<SignedBHS>(word, insn, kAbsDiffAcc);
}

Handler UABA(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHS>(word, insn, kAbsDiffAcc);
}

Handler ADD_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kAdd);
}

Handler ADD_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedD>(word, insn, kAdd);
}

Handler SUB_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHSD>(word, insn, kSub);
}

Handler SUB_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarUnsignedD>(word, insn, kSub);
}

Handler MUL_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHS>(word, insn, kMul);
}

Handler MLA_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHS>(word, insn, kMulAdd);
}

Handler MLS_vector(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedBHS>(word, insn, kMulSub);
}

Handler PMUL(std::uint32_t word, Insn& insn)
{
    return binary<UnsignedB>(word, insn, [](auto a, auto b) { return polynomial_product(a, b); });
}

Handler SQDMULH_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedHS>(word, insn, kDoublingMulHigh);
}

Handler SQDMULH_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedHS>(word, insn, kDoublingMulHigh);
}

Handler SQRDMULH_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedHS>(word, insn, kRoundingDoublingMulHigh);
}

Handler SQRDMULH_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedHS>(word, insn, kRoundingDoublingMulHigh);
}

Handler SQRDMLAH_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedHS>(word, insn, kRoundingDoublingMulAddHigh);
}

Handler SQRDMLAH_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedHS>(word, insn, kRoundingDoublingMulAddHigh);
}

Handler SQRDMLSH_vector(std::uint32_t word, Insn& insn)
{
    return binary<SignedHS>(word, insn, kRoundingDoublingMulSubHigh);
}

Handler SQRDMLSH_scalar(std::uint32_t word, Insn& insn)
{
    return binary<ScalarSignedHS>(word, insn, kRoundingDoublingMulSubHigh);
}

Handler ADDP_vector(std::uint32_t word, Insn& insn)
{
    return pairwise<UnsignedBHSD>(word, insn, kAdd);
}

Handler SMAXP(std::uint32_t word, Insn& insn)
{
    return pairwise<SignedBHS>(word, insn, kMax);
}

Handler UMAXP(std::uint32_t word, Insn& insn)
{
    return pairwise<UnsignedBHS>(word, insn, kMax);
}

Handler SMINP(std::uint32_t word, Insn& insn)
{
    return pairwise<SignedBHS>(word, insn, kMin);
}

Handler UMINP(std::uint32_t word, Insn& insn)
{
    return pairwise<UnsignedBHS>(word, insn, kMin);
}

Handler AND_vector(std::uint32_t word, Insn& insn)
{
    return bitwise(word, insn, [](auto a, auto b) { return a & b; });
}

Handler BIC_vector(std::uint32_t word, Insn& insn)
{
    return bitwise(word, insn, [](auto a, auto b) { return a & ~b; });
}

Handler ORR_vector(std::uint32_t word, Insn& insn)
{
    return bitwise(word, insn, [](auto a, auto b) { return a | b; });
}

Handler ORN_vector(std::uint32_t word, Insn& insn)
{
    return bitwise(word, insn, [](auto a, auto b) { return a | ~b; });
}

Handler EOR_vector(std::uint32_t word, Insn& insn)
{
    return bitwise(word, insn, [](auto a, auto b) { return a ^ b; });
}

Handler BSL(std::uint32_t word, Insn& insn)
{
    return bitwise(word, insn, [](auto d, auto a, auto b) { return b ^ ((b ^ a) & d); });
}

Handler BIT(std::uint32_t word, Insn& insn)
{
    return bitwise(word, insn, [](auto d, auto a, auto b) { return d ^ ((d ^ a) & b); });
}

Handler BIF(std::uint32_t word, Insn& insn)
{
    return bitwise(word, insn, [](auto d, auto a, auto b) { return d ^ ((d ^ a) & ~b); });
}

}  // namespace gh::cpu
