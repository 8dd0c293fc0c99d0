// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD three same and scalar three same, floating point (DDI 0487, C4.1).
#include "emulator/cpu/simd_lanes.h"
#include "emulator/cpu/simd_operations.h"

namespace gh::cpu {

namespace {

constexpr auto kFpAbsDiff = [](auto a, auto b, FpEnv& env) { return FPAbs(FPSub(a, b, env)); };
constexpr auto kFpRecipStep = [](auto a, auto b, FpEnv& env) {
    return FPRecipStepFused(a, b, env);
};
constexpr auto kFpRSqrtStep = [](auto a, auto b, FpEnv& env) {
    return FPRSqrtStepFused(a, b, env);
};
constexpr auto kFpEqual = [](auto a, auto b, FpEnv& env) {
    return FPCompareEQ(a, b, env) ? -1 : 0;
};
constexpr auto kFpGreaterEqual = [](auto a, auto b, FpEnv& env) {
    return FPCompareGE(a, b, env) ? -1 : 0;
};
constexpr auto kFpGreater = [](auto a, auto b, FpEnv& env) {
    return FPCompareGT(a, b, env) ? -1 : 0;
};
constexpr auto kFpAbsGreaterEqual = [](auto a, auto b, FpEnv& env) {
    return FPCompareGE(FPAbs(a), FPAbs(b), env) ? -1 : 0;
};
constexpr auto kFpAbsGreater = [](auto a, auto b, FpEnv& env) {
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
    return binary<FpVector>(word, insn, kFpRecipStep);
}

Handler FRECPS_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kFpRecipStep);
}

Handler FRSQRTS_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpRSqrtStep);
}

Handler FRSQRTS_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kFpRSqrtStep);
}

Handler FCMEQ_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpEqual);
}

Handler FCMEQ_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kFpEqual);
}

Handler FCMGE_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpGreaterEqual);
}

Handler FCMGE_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kFpGreaterEqual);
}

Handler FCMGT_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpGreater);
}

Handler FCMGT_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kFpGreater);
}

Handler FACGE_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpAbsGreaterEqual);
}

Handler FACGE_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kFpAbsGreaterEqual);
}

Handler FACGT_vector(std::uint32_t word, Insn& insn)
{
    return binary<FpVector>(word, insn, kFpAbsGreater);
}

Handler FACGT_scalar(std::uint32_t word, Insn& insn)
{
    return binary<FpScalar>(word, insn, kFpAbsGreater);
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
