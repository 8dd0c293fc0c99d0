// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD vector x indexed element and scalar x indexed element (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"
#include "emulator/cpu/simd_operations.h"

namespace gh::cpu {

namespace {

/// The element is H:L:M of a register below 16 for 16-bit lanes, else H:L or H of any register.
void set_element(std::uint32_t word, unsigned size, Insn& insn)
{
    const unsigned h = field(word, 11, 1);
    const unsigned l = field(word, 21, 1);
    const unsigned m = field(word, 20, 1);
    set_operands(word, insn);
    if (size == 1)
        insn.rm = field(word, 16, 4);
    insn.ra = static_cast<std::uint8_t>(size == 1   ? h << 2 | l << 1 | m
                                        : size == 2 ? h << 1 | l
                                                    : h);
}

template <class Shape, class Op>
Handler by_element(std::uint32_t word, Insn& insn, Op op)
{
    const unsigned size = field(word, 22, 2);
    set_element(word, size, insn);
    return Shape::of_size(size, bit(word, 30), lanewise<FromElement>(op));
}

template <class Shape, class Op>
Handler fp_by_element(std::uint32_t word, Insn& insn, Op op)
{
    const unsigned size = 2 + field(word, 22, 1);
    if (size == 3 && bit(word, 21))
        return nullptr;
    set_element(word, size, insn);
    return Shape::of_size(size, bit(word, 30), lanewise<FromElement>(op));
}

template <class Shape, class Op>
Handler longer_by_element(std::uint32_t word, Insn& insn, Op op)
{
    const unsigned size = field(word, 22, 2);
    set_element(word, size, insn);
    return Shape::of_size(size, bit(word, 30), lengthening<FromElement>(op));
}

}  // namespace

Handler MUL_element(std::uint32_t word, Insn& insn)
{
    return by_element<UnsignedHS>(word, insn, kMul);
}

Handler MLA_element(std::uint32_t word, Insn& insn)
{
    return by_element<UnsignedHS>(word, insn, kMulAdd);
}

Handler MLS_element(std::uint32_t word, Insn& insn)
{
    return by_element<UnsignedHS>(word, insn, kMulSub);
}

Handler SQDMULH_element(std::uint32_t word, Insn& insn)
{
    return by_element<SignedHS>(word, insn, kDoublingMulHigh);
}

Handler SQDMULH_element_scalar(std::uint32_t word, Insn& insn)
{
    return by_element<ScalarSignedHS>(word, insn, kDoublingMulHigh);
}

Handler SQRDMULH_element(std::uint32_t word, Insn& insn)
{
    return by_element<SignedHS>(word, insn, kRoundingDoublingMulHigh);
}

Handler SQRDMULH_element_scalar(std::uint32_t word, Insn& insn)
{
    return by_element<ScalarSignedHS>(word, insn, kRoundingDoublingMulHigh);
}

Handler SQRDMLAH_element(std::uint32_t word, Insn& insn)
{
    return by_element<SignedHS>(word, insn, kRoundingDoublingMulAddHigh);
}

Handler SQRDMLAH_element_scalar(std::uint32_t word, Insn& insn)
{
    return by_element<ScalarSignedHS>(word, insn, kRoundingDoublingMulAddHigh);
}

Handler SQRDMLSH_element(std::uint32_t word, Insn& insn)
{
    return by_element<SignedHS>(word, insn, kRoundingDoublingMulSubHigh);
}

Handler SQRDMLSH_element_scalar(std::uint32_t word, Insn& insn)
{
    return by_element<ScalarSignedHS>(word, insn, kRoundingDoublingMulSubHigh);
}

Handler SMLAL_element(std::uint32_t word, Insn& insn)
{
    return longer_by_element<SignedHS>(word, insn, kMulAdd);
}

Handler UMLAL_element(std::uint32_t word, Insn& insn)
{
    return longer_by_element<UnsignedHS>(word, insn, kMulAdd);
}

Handler SMLSL_element(std::uint32_t word, Insn& insn)
{
    return longer_by_element<SignedHS>(word, insn, kMulSub);
}

Handler UMLSL_element(std::uint32_t word, Insn& insn)
{
    return longer_by_element<UnsignedHS>(word, insn, kMulSub);
}

Handler SMULL_element(std::uint32_t word, Insn& insn)
{
    return longer_by_element<SignedHS>(word, insn, kMul);
}

Handler UMULL_element(std::uint32_t word, Insn& insn)
{
    return longer_by_element<UnsignedHS>(word, insn, kMul);
}

Handler SQDMLAL_element(std::uint32_t word, Insn& insn)
{
    return longer_by_element<SignedHS>(word, insn, kDoublingMulAdd);
}

Handler SQDMLAL_element_scalar(std::uint32_t word, Insn& insn)
{
    return longer_by_element<ScalarSignedHS>(word, insn, kDoublingMulAdd);
}

Handler SQDMLSL_element(std::uint32_t word, Insn& insn)
{
    return longer_by_element<SignedHS>(word, insn, kDoublingMulSub);
}

Handler SQDMLSL_element_scalar(std::uint32_t word, Insn& insn)
{
    return longer_by_element<ScalarSignedHS>(word, insn, kDoublingMulSub);
}

Handler SQDMULL_element(std::uint32_t word, Insn& insn)
{
    return longer_by_element<SignedHS>(word, insn, kDoublingMul);
}

Handler SQDMULL_element_scalar(std::uint32_t word, Insn& insn)
{
    return longer_by_element<ScalarSignedHS>(word, insn, kDoublingMul);
}

Handler FMLA_element(std::uint32_t word, Insn& insn)
{
    return fp_by_element<FpVector>(word, insn, kFpMulAdd);
}

Handler FMLA_element_scalar(std::uint32_t word, Insn& insn)
{
    return fp_by_element<FpScalar>(word, insn, kFpMulAdd);
}

Handler FMLS_element(std::uint32_t word, Insn& insn)
{
    return fp_by_element<FpVector>(word, insn, kFpMulSub);
}

Handler FMLS_element_scalar(std::uint32_t word, Insn& insn)
{
    return fp_by_element<FpScalar>(word, insn, kFpMulSub);
}

Handler FMUL_element(std::uint32_t word, Insn& insn)
{
    return fp_by_element<FpVector>(word, insn, kFpMul);
}

Handler FMUL_element_scalar(std::uint32_t word, Insn& insn)
{
    return fp_by_element<FpScalar>(word, insn, kFpMul);
}

Handler FMULX_element(std::uint32_t word, Insn& insn)
{
    return fp_by_element<FpVector>(word, insn, kFpMulX);
}

Handler FMULX_element_scalar(std::uint32_t word, Insn& insn)
{
    return fp_by_element<FpScalar>(word, insn, kFpMulX);
}

}  // namespace gh::cpu
