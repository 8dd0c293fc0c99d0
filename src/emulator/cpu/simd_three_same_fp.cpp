// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD three same and scalar three same, floating point (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"
#include "emulator/cpu/simd_operations.h"

namespace gh::cpu {

namespace {

constexpr auto kFpAbsDiff = [](auto a, auto b, FpEnv& env) { return FPAbs(FPSub(a, b, env)); };
constexpr auto kRecipStep = [](auto a, auto b, FpEnv& env) { return FPRecipStepFused(a, b, env); };
constexpr auto kRSqrtStep = [](auto a, auto b, FpEnv& env) { return FPRSqrtStepFused(a, b, env); };
constexpr auto kEqual = [](auto a, auto b, FpEnv& env) { return FPCompareEQ(a, b, env) ? -1 : 0; };
constexpr auto kGreaterEqual = [](auto a, auto b, FpEnv& env) {
    return FPCompareGE(a, b, env) ? -1 : 0;
};
constexpr auto kGreater = [](auto a, auto b, FpEnv& env) {
    return FPCompareGT(a, b, env) ? -1 : 0;
};
constexpr auto kAbsGreaterEqual = [](auto a, auto b, FpEnv& env) {
    return FPCompareGE(FPAbs(a), FPAbs(b), env) ? -1 : 0;
};
constexpr auto kAbsGreater = [](auto a, auto b, FpEnv& env) {
    return FPCompareGT(FPAbs(a), FPAbs(b), env) ? -1 : 0;
};

}  // namespace

Handler FADD_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpAdd);
}

Handler FSUB_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpSub);
}

Handler FMUL_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpMul);
}

Handler FDIV_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpDiv);
}

Handler FMLA_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpMulAdd);
}

Handler FMLS_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpMulSub);
}

Handler FMULX_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpMulX);
}

Handler FMULX_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kFpMulX);
}

Handler FMAX_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpMax);
}

Handler FMIN_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpMin);
}

Handler FMAXNM_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpMaxNum);
}

Handler FMINNM_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpMinNum);
}

Handler FABD_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpAbsDiff);
}

Handler FABD_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kFpAbsDiff);
}

Handler FRECPS_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kRecipStep);
}

Handler FRECPS_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kRecipStep);
}

Handler FRSQRTS_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kRSqrtStep);
}

Handler FRSQRTS_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kRSqrtStep);
}

Handler FCMEQ_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kEqual);
}

Handler FCMEQ_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kEqual);
}

Handler FCMGE_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kGreaterEqual);
}

Handler FCMGE_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kGreaterEqual);
}

Handler FCMGT_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kGreater);
}

Handler FCMGT_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kGreater);
}

Handler FACGE_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kAbsGreaterEqual);
}

Handler FACGE_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kAbsGreaterEqual);
}

Handler FACGT_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kAbsGreater);
}

Handler FACGT_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kAbsGreater);
}

Handler FADDP_vector(std::uint32_t word, Insn& insn)
{
    return pairwise<FpVector>(word, insn, kFpAdd);
}

Handler FMAXP_vector(std::uint32_t word, Insn& insn)
{
    return pairwise<FpVector>(word, insn, kFpMax);
}

Handler FMINP_vector(std::uint32_t word, Insn& insn)
{
    return pairwise<FpVector>(word, insn, kFpMin);
}

Handler FMAXNMP_vector(std::uint32_t word, Insn& insn)
{
    return pairwise<FpVector>(word, insn, kFpMaxNum);
}

Handler FMINNMP_vector(std::uint32_t word, Insn& insn)
{
    return pairwise<FpVector>(word, insn, kFpMinNum);
}

}  // namespace gh::cpu
