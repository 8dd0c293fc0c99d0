// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD and scalar two-register miscellaneous, floating point (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"
#include "emulator/cpu/simd_operations.h"

namespace gh::cpu {

namespace {

template <FPRounding Rounding>
constexpr auto kToSigned = [](auto a, FpEnv& env) {
    return FPToFixed<std::make_signed_t<decltype(a)>>(a, 0, Rounding, env);
};
template <FPRounding Rounding>
constexpr auto kToUnsigned =
    [](auto a, FpEnv& env) { return FPToFixed<decltype(a)>(a, 0, Rounding, env); };
constexpr auto kFromSigned = [](auto a, FpEnv& env) {
    return FixedToFP<decltype(a)>(static_cast<std::make_signed_t<decltype(a)>>(a), 0, env);
};
constexpr auto kFromUnsigned = [](auto a, FpEnv& env) { return FixedToFP<decltype(a)>(a, 0, env); };

constexpr auto kEqualZero = [](auto a, FpEnv& env) {
    return FPCompareEQ(a, decltype(a){0}, env) ? -1 : 0;
};
constexpr auto kGreaterZero = [](auto a, FpEnv& env) {
    return FPCompareGT(a, decltype(a){0}, env) ? -1 : 0;
};
constexpr auto kGreaterEqualZero = [](auto a, FpEnv& env) {
    return FPCompareGE(a, decltype(a){0}, env) ? -1 : 0;
};
constexpr auto kLessZero = [](auto a, FpEnv& env) {
    return FPCompareGT(decltype(a){0}, a, env) ? -1 : 0;
};
constexpr auto kLessEqualZero = [](auto a, FpEnv& env) {
    return FPCompareGE(decltype(a){0}, a, env) ? -1 : 0;
};

constexpr auto kAbs = [](auto a) { return FPAbs(a); };
constexpr auto kNeg = [](auto a) { return FPNeg(a); };
constexpr auto kSqrt = [](auto a, FpEnv& env) { return FPSqrt(a, env); };
constexpr auto kRecipEstimate = [](auto a, FpEnv& env) { return FPRecipEstimate(a, env); };
constexpr auto kRSqrtEstimate = [](auto a, FpEnv& env) { return FPRSqrtEstimate(a, env); };

/// The lambdas of changes of precision see the wider of both lanes.
constexpr auto kToNarrower = [](auto a, FpEnv& env) {
    return FPConvert<Narrower<decltype(a)>>(a, env.rounding(), env);
};
constexpr auto kToNarrowerOdd = [](auto a, FpEnv& env) {
    return FPConvert<Narrower<decltype(a)>>(a, FPRounding::Odd, env);
};
constexpr auto kToWider = [](auto a, FpEnv& env) {
    return FPConvert<decltype(a)>(static_cast<Narrower<decltype(a)>>(a), env.rounding(), env);
};

}  // namespace

Handler FABS_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kAbs);
}

Handler FNEG_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kNeg);
}

Handler FSQRT_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kSqrt);
}

Handler FRECPE_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kRecipEstimate);
}

Handler FRSQRTE_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kRSqrtEstimate);
}

Handler FRINTN_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kRoundInt<FPRounding::TieEven>);
}

Handler FRINTP_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kRoundInt<FPRounding::PosInf>);
}

Handler FRINTM_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kRoundInt<FPRounding::NegInf>);
}

Handler FRINTZ_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kRoundInt<FPRounding::Zero>);
}

Handler FRINTA_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kRoundInt<FPRounding::TieAway>);
}

Handler FRINTX_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kRoundIntExact);
}

Handler FRINTI_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kRoundIntCurrent);
}

Handler FRECPE_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kRecipEstimate);
}

Handler FRSQRTE_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kRSqrtEstimate);
}

Handler FRECPX(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, [](auto a, FpEnv& env) { return FPRecpX(a, env); });
}

Handler FCMGT_vector_zero(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kGreaterZero);
}

Handler FCMGT_scalar_zero(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kGreaterZero);
}

Handler FCMGE_vector_zero(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kGreaterEqualZero);
}

Handler FCMGE_scalar_zero(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kGreaterEqualZero);
}

Handler FCMEQ_vector_zero(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kEqualZero);
}

Handler FCMEQ_scalar_zero(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kEqualZero);
}

Handler FCMLE_vector_zero(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kLessEqualZero);
}

Handler FCMLE_scalar_zero(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kLessEqualZero);
}

Handler FCMLT_vector_zero(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kLessZero);
}

Handler FCMLT_scalar_zero(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kLessZero);
}

Handler FCVTNS_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kToSigned<FPRounding::TieEven>);
}

Handler FCVTNS_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kToSigned<FPRounding::TieEven>);
}

Handler FCVTNU_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kToUnsigned<FPRounding::TieEven>);
}

Handler FCVTNU_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kToUnsigned<FPRounding::TieEven>);
}

Handler FCVTPS_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kToSigned<FPRounding::PosInf>);
}

Handler FCVTPS_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kToSigned<FPRounding::PosInf>);
}

Handler FCVTPU_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kToUnsigned<FPRounding::PosInf>);
}

Handler FCVTPU_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kToUnsigned<FPRounding::PosInf>);
}

Handler FCVTMS_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kToSigned<FPRounding::NegInf>);
}

Handler FCVTMS_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kToSigned<FPRounding::NegInf>);
}

Handler FCVTMU_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kToUnsigned<FPRounding::NegInf>);
}

Handler FCVTMU_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kToUnsigned<FPRounding::NegInf>);
}

Handler FCVTZS_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kToSigned<FPRounding::Zero>);
}

Handler FCVTZS_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kToSigned<FPRounding::Zero>);
}

Handler FCVTZU_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kToUnsigned<FPRounding::Zero>);
}

Handler FCVTZU_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kToUnsigned<FPRounding::Zero>);
}

Handler FCVTAS_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kToSigned<FPRounding::TieAway>);
}

Handler FCVTAS_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kToSigned<FPRounding::TieAway>);
}

Handler FCVTAU_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kToUnsigned<FPRounding::TieAway>);
}

Handler FCVTAU_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kToUnsigned<FPRounding::TieAway>);
}

Handler SCVTF_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kFromSigned);
}

Handler SCVTF_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kFromSigned);
}

Handler UCVTF_vector(std::uint32_t word, Insn& insn)
{
    return unary<FpVector>(word, insn, kFromUnsigned);
}

Handler UCVTF_scalar(std::uint32_t word, Insn& insn)
{
    return unary<FpScalar>(word, insn, kFromUnsigned);
}

Handler URECPE(std::uint32_t word, Insn& insn)
{
    return unary<UnsignedS>(word, insn, [](auto a) { return UnsignedRecipEstimate(a); });
}

Handler URSQRTE(std::uint32_t word, Insn& insn)
{
    return unary<UnsignedS>(word, insn, [](auto a) { return UnsignedRSqrtEstimate(a); });
}

// sz in bit 22 says which of half -> single and single -> double, or back.

Handler FCVTL(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return UnsignedHS::of_size(1 + field(word, 22, 1), bit(word, 30),
                               lengthening<NoSecond>(kToWider));
}

Handler FCVTN(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return UnsignedHS::of_size(1 + field(word, 22, 1), bit(word, 30),
                               narrowing<NoSecond>(kToNarrower));
}

Handler FCVTXN_vector(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return UnsignedS::of_size(1 + field(word, 22, 1), bit(word, 30),
                              narrowing<NoSecond>(kToNarrowerOdd));
}

Handler FCVTXN_scalar(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return Scalar<Sign::Unsigned, kS>::of_size(1 + field(word, 22, 1), false,
                                               narrowing<NoSecond>(kToNarrowerOdd));
}

}  // namespace gh::cpu
