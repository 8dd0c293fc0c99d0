// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD shift by immediate and scalar shift by immediate (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"
#include "emulator/cpu/simd_operations.h"

namespace gh::cpu {

namespace {

/// immh:immb holds the lanes' width and the shift: a leading one says the width.
struct ShiftImmediate {
    explicit ShiftImmediate(std::uint32_t word) : immh_immb(field(word, 16, 7)) {}

    [[nodiscard]] bool is_reserved() const { return immh_immb < 8; }
    [[nodiscard]] unsigned size() const
    {
        return static_cast<unsigned>(std::bit_width(immh_immb >> 3)) - 1;
    }
    [[nodiscard]] unsigned left() const { return immh_immb - std::bit_floor(immh_immb); }
    [[nodiscard]] unsigned right() const { return 2 * std::bit_floor(immh_immb) - immh_immb; }

    unsigned immh_immb;
};

/// A shift as `make` does it, insn.imm being its count.
template <class Shape, class Make>
Handler by_immediate(std::uint32_t word, Insn& insn, bool left, Make make)
{
    const ShiftImmediate shift(word);
    if (shift.is_reserved())
        return nullptr;
    set_operands(word, insn);
    insn.imm = left ? shift.left() : shift.right();
    return Shape::of_size(shift.size(), bit(word, 30), make);
}

template <class Shape, class Op>
Handler left_shift(std::uint32_t word, Insn& insn, Op op)
{
    return by_immediate<Shape>(word, insn, true, lanewise<FromImmediate>(op));
}
template <class Shape, class Op>
Handler right_shift(std::uint32_t word, Insn& insn, Op op)
{
    return by_immediate<Shape>(word, insn, false, lanewise<FromImmediate>(op));
}
template <class Shape, class Op>
Handler longer(std::uint32_t word, Insn& insn, Op op)
{
    return by_immediate<Shape>(word, insn, true, lengthening<FromImmediate>(op));
}
template <class Shape, class Op>
Handler narrower(std::uint32_t word, Insn& insn, Op op)
{
    return by_immediate<Shape>(word, insn, false, narrowing<FromImmediate>(op));
}

constexpr auto kShift = [](auto a, unsigned shift) { return shift_right(roomy(a), shift, false); };
constexpr auto kRoundingShift = [](auto a, unsigned shift) {
    return shift_right(roomy(a), shift, true);
};
constexpr auto kShiftAdd = [](auto d, auto a, unsigned shift) {
    return roomy(d) + kShift(a, shift);
};
constexpr auto kRoundingShiftAdd = [](auto d, auto a, unsigned shift) {
    return roomy(d) + kRoundingShift(a, shift);
};
constexpr auto kShiftLeft = [](auto a, auto shift) {
    return static_cast<std::uint64_t>(a) << shift;
};
constexpr auto kInsertRight = [](auto d, auto a, unsigned shift) {
    const auto kept = ~(roomy(static_cast<decltype(a)>(~0ull)) >> shift);
    return (roomy(d) & kept) | roomy(a) >> shift;
};
constexpr auto kInsertLeft = [](auto d, auto a, unsigned shift) {
    const auto kept = (1ull << shift) - 1;
    return (d & kept) | kShiftLeft(a, shift);
};
constexpr auto kSaturatingShiftLeft = [](auto a, unsigned shift, FpEnv& env) {
    return saturate<decltype(a)>(roomy(a) << shift, env);
};
constexpr auto kSaturatingShiftLeftUnsigned = [](auto a, unsigned shift, FpEnv& env) {
    return saturate<std::make_unsigned_t<decltype(a)>>(roomy(a) << shift, env);
};

/// Narrowing: the lambda's lane is the wide one. To: the sign of the narrow one.
template <Sign To, bool Rounding>
constexpr auto kSaturatingNarrow = [](auto a, unsigned shift, FpEnv& env) {
    using T = Signed<Narrower<std::make_signed_t<decltype(a)>>, To>;
    return saturate<T>(shift_right(roomy(a), shift, Rounding), env);
};

constexpr auto kSignedToFp = [](auto a, unsigned fraction_bits, FpEnv& env) {
    return FixedToFP<decltype(a)>(static_cast<std::make_signed_t<decltype(a)>>(a), fraction_bits,
                                  env);
};
constexpr auto kUnsignedToFp = [](auto a, unsigned fraction_bits, FpEnv& env) {
    return FixedToFP<decltype(a)>(a, fraction_bits, env);
};
constexpr auto kFpToSigned = [](auto a, unsigned fraction_bits, FpEnv& env) {
    return FPToFixed<std::make_signed_t<decltype(a)>>(a, fraction_bits, FPRounding::Zero, env);
};
constexpr auto kFpToUnsigned = [](auto a, unsigned fraction_bits, FpEnv& env) {
    return FPToFixed<decltype(a)>(a, fraction_bits, FPRounding::Zero, env);
};

}  // namespace

Handler SSHR_vector(std::uint32_t word, Insn& insn)
{
    return right_shift<SignedBHSD>(word, insn, kShift);
}

Handler SSHR_scalar(std::uint32_t word, Insn& insn)
{
    return right_shift<ScalarSignedD>(word, insn, kShift);
}

Handler USHR_vector(std::uint32_t word, Insn& insn)
{
    return right_shift<UnsignedBHSD>(word, insn, kShift);
}

Handler USHR_scalar(std::uint32_t word, Insn& insn)
{
    return right_shift<ScalarUnsignedD>(word, insn, kShift);
}

Handler SRSHR_vector(std::uint32_t word, Insn& insn)
{
    return right_shift<SignedBHSD>(word, insn, kRoundingShift);
}

Handler SRSHR_scalar(std::uint32_t word, Insn& insn)
{
    return right_shift<ScalarSignedD>(word, insn, kRoundingShift);
}

Handler URSHR_vector(std::uint32_t word, Insn& insn)
{
    return right_shift<UnsignedBHSD>(word, insn, kRoundingShift);
}

Handler URSHR_scalar(std::uint32_t word, Insn& insn)
{
    return right_shift<ScalarUnsignedD>(word, insn, kRoundingShift);
}

Handler SSRA_vector(std::uint32_t word, Insn& insn)
{
    return right_shift<SignedBHSD>(word, insn, kShiftAdd);
}

Handler SSRA_scalar(std::uint32_t word, Insn& insn)
{
    return right_shift<ScalarSignedD>(word, insn, kShiftAdd);
}

Handler USRA_vector(std::uint32_t word, Insn& insn)
{
    return right_shift<UnsignedBHSD>(word, insn, kShiftAdd);
}

Handler USRA_scalar(std::uint32_t word, Insn& insn)
{
    return right_shift<ScalarUnsignedD>(word, insn, kShiftAdd);
}

Handler SRSRA_vector(std::uint32_t word, Insn& insn)
{
    return right_shift<SignedBHSD>(word, insn, kRoundingShiftAdd);
}

Handler SRSRA_scalar(std::uint32_t word, Insn& insn)
{
    return right_shift<ScalarSignedD>(word, insn, kRoundingShiftAdd);
}

Handler URSRA_vector(std::uint32_t word, Insn& insn)
{
    return right_shift<UnsignedBHSD>(word, insn, kRoundingShiftAdd);
}

Handler URSRA_scalar(std::uint32_t word, Insn& insn)
{
    return right_shift<ScalarUnsignedD>(word, insn, kRoundingShiftAdd);
}

Handler SRI_vector(std::uint32_t word, Insn& insn)
{
    return right_shift<UnsignedBHSD>(word, insn, kInsertRight);
}

Handler SRI_scalar(std::uint32_t word, Insn& insn)
{
    return right_shift<ScalarUnsignedD>(word, insn, kInsertRight);
}

Handler SLI_vector(std::uint32_t word, Insn& insn)
{
    return left_shift<UnsignedBHSD>(word, insn, kInsertLeft);
}

Handler SLI_scalar(std::uint32_t word, Insn& insn)
{
    return left_shift<ScalarUnsignedD>(word, insn, kInsertLeft);
}

Handler SHL_vector(std::uint32_t word, Insn& insn)
{
    return left_shift<UnsignedBHSD>(word, insn, kShiftLeft);
}

Handler SHL_scalar(std::uint32_t word, Insn& insn)
{
    return left_shift<ScalarUnsignedD>(word, insn, kShiftLeft);
}

Handler SQSHL_vector_imm(std::uint32_t word, Insn& insn)
{
    return left_shift<SignedBHSD>(word, insn, kSaturatingShiftLeft);
}

Handler SQSHL_scalar_imm(std::uint32_t word, Insn& insn)
{
    return left_shift<ScalarSignedBHSD>(word, insn, kSaturatingShiftLeft);
}

Handler UQSHL_vector_imm(std::uint32_t word, Insn& insn)
{
    return left_shift<UnsignedBHSD>(word, insn, kSaturatingShiftLeft);
}

Handler UQSHL_scalar_imm(std::uint32_t word, Insn& insn)
{
    return left_shift<ScalarUnsignedBHSD>(word, insn, kSaturatingShiftLeft);
}

Handler SQSHLU_vector(std::uint32_t word, Insn& insn)
{
    return left_shift<SignedBHSD>(word, insn, kSaturatingShiftLeftUnsigned);
}

Handler SQSHLU_scalar(std::uint32_t word, Insn& insn)
{
    return left_shift<ScalarSignedBHSD>(word, insn, kSaturatingShiftLeftUnsigned);
}

Handler SSHLL(std::uint32_t word, Insn& insn)
{
    return longer<SignedBHS>(word, insn, kShiftLeft);
}

Handler USHLL(std::uint32_t word, Insn& insn)
{
    return longer<UnsignedBHS>(word, insn, kShiftLeft);
}

Handler SHRN(std::uint32_t word, Insn& insn)
{
    return narrower<UnsignedBHS>(word, insn, kShift);
}

Handler RSHRN(std::uint32_t word, Insn& insn)
{
    return narrower<UnsignedBHS>(word, insn, kRoundingShift);
}

Handler SQSHRN_vector(std::uint32_t word, Insn& insn)
{
    return narrower<SignedBHS>(word, insn, kSaturatingNarrow<Sign::Signed, false>);
}

Handler SQSHRN_scalar(std::uint32_t word, Insn& insn)
{
    return narrower<ScalarSignedBHS>(word, insn, kSaturatingNarrow<Sign::Signed, false>);
}

Handler SQRSHRN_vector(std::uint32_t word, Insn& insn)
{
    return narrower<SignedBHS>(word, insn, kSaturatingNarrow<Sign::Signed, true>);
}

Handler SQRSHRN_scalar(std::uint32_t word, Insn& insn)
{
    return narrower<ScalarSignedBHS>(word, insn, kSaturatingNarrow<Sign::Signed, true>);
}

Handler UQSHRN_vector(std::uint32_t word, Insn& insn)
{
    return narrower<UnsignedBHS>(word, insn, kSaturatingNarrow<Sign::Unsigned, false>);
}

Handler UQSHRN_scalar(std::uint32_t word, Insn& insn)
{
    return narrower<ScalarUnsignedBHS>(word, insn, kSaturatingNarrow<Sign::Unsigned, false>);
}

Handler UQRSHRN_vector(std::uint32_t word, Insn& insn)
{
    return narrower<UnsignedBHS>(word, insn, kSaturatingNarrow<Sign::Unsigned, true>);
}

Handler UQRSHRN_scalar(std::uint32_t word, Insn& insn)
{
    return narrower<ScalarUnsignedBHS>(word, insn, kSaturatingNarrow<Sign::Unsigned, true>);
}

Handler SQSHRUN_vector(std::uint32_t word, Insn& insn)
{
    return narrower<SignedBHS>(word, insn, kSaturatingNarrow<Sign::Unsigned, false>);
}

Handler SQSHRUN_scalar(std::uint32_t word, Insn& insn)
{
    return narrower<ScalarSignedBHS>(word, insn, kSaturatingNarrow<Sign::Unsigned, false>);
}

Handler SQRSHRUN_vector(std::uint32_t word, Insn& insn)
{
    return narrower<SignedBHS>(word, insn, kSaturatingNarrow<Sign::Unsigned, true>);
}

Handler SQRSHRUN_scalar(std::uint32_t word, Insn& insn)
{
    return narrower<ScalarSignedBHS>(word, insn, kSaturatingNarrow<Sign::Unsigned, true>);
}

Handler SCVTF_vector_fixed(std::uint32_t word, Insn& insn)
{
    return right_shift<FpVector>(word, insn, kSignedToFp);
}

Handler SCVTF_scalar_fixed(std::uint32_t word, Insn& insn)
{
    return right_shift<FpScalar>(word, insn, kSignedToFp);
}

Handler UCVTF_vector_fixed(std::uint32_t word, Insn& insn)
{
    return right_shift<FpVector>(word, insn, kUnsignedToFp);
}

Handler UCVTF_scalar_fixed(std::uint32_t word, Insn& insn)
{
    return right_shift<FpScalar>(word, insn, kUnsignedToFp);
}

Handler FCVTZS_vector_fixed(std::uint32_t word, Insn& insn)
{
    return right_shift<FpVector>(word, insn, kFpToSigned);
}

Handler FCVTZS_scalar_fixed(std::uint32_t word, Insn& insn)
{
    return right_shift<FpScalar>(word, insn, kFpToSigned);
}

Handler FCVTZU_vector_fixed(std::uint32_t word, Insn& insn)
{
    return right_shift<FpVector>(word, insn, kFpToUnsigned);
}

Handler FCVTZU_scalar_fixed(std::uint32_t word, Insn& insn)
{
    return right_shift<FpScalar>(word, insn, kFpToUnsigned);
}

}  // namespace gh::cpu
