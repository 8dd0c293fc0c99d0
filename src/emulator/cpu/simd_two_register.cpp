// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD and scalar two-register miscellaneous, integers (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"

namespace gh::cpu {

namespace {

template <class T>
using Unsigned = std::make_unsigned_t<T>;

/// Lanes in reverse order within every container of this many bytes.
template <unsigned Container>
constexpr auto reversing()
{
    return []<class T, unsigned N>(Arrangement<T, N>) {
        return handler([](State& state, const Insn& insn) {
            const auto n = lanes_of<T>(state.v[insn.rn]);
            Lanes<T> result{};
            for (unsigned i = 0; i < N; ++i)
                result[i] = n[i ^ (Container / sizeof(T) - 1)];
            state.v[insn.rd] = vreg_of<T>(result);
        });
    };
}

template <unsigned Container, class Shape>
Handler reverse(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return Shape::pick(word, reversing<Container>());
}

/// Sums of neighbours in lanes twice as wide, added to the old ones or not.
template <bool Accumulate, class Shape>
Handler add_pairs_long(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return Shape::pick(word, []<class T, unsigned N>(Arrangement<T, N>) {
        return handler([](State& state, const Insn& in) {
            using W = Wider<T>;
            const auto d = lanes_of<W>(state.v[in.rd]);
            const auto n = lanes_of<T>(state.v[in.rn]);
            Lanes<W> result{};
            for (unsigned i = 0; i < N / 2; ++i)
                result[i] =
                    static_cast<W>(roomy(Accumulate ? d[i] : W{0}) + n[2 * i] + n[2 * i + 1]);
            state.v[in.rd] = vreg_of<W>(result);
        });
    });
}

template <class Shape, class Op>
Handler narrow(std::uint32_t word, Insn& insn, Op op)
{
    set_operands(word, insn);
    return Shape::pick(word, narrowing<NoSecond>(op));
}

constexpr auto kAbs = [](auto a) { return a < 0 ? -roomy(a) : roomy(a); };
constexpr auto kNeg = [](auto a) { return -roomy(a); };
constexpr auto kSaturatingAbs = [](auto a, FpEnv& env) {
    return saturate<decltype(a)>(kAbs(a), env);
};
constexpr auto kSaturatingNeg = [](auto a, FpEnv& env) {
    return saturate<decltype(a)>(-roomy(a), env);
};
constexpr auto kGreaterZero = [](auto a) { return a > 0 ? -1 : 0; };
constexpr auto kGreaterEqualZero = [](auto a) { return a >= 0 ? -1 : 0; };
constexpr auto kEqualZero = [](auto a) { return a == 0 ? -1 : 0; };
constexpr auto kLessEqualZero = [](auto a) { return a <= 0 ? -1 : 0; };
constexpr auto kLessZero = [](auto a) { return a < 0 ? -1 : 0; };

/// Signed d + unsigned a, and the other way round.
constexpr auto kAddUnsigned = [](auto d, auto a, FpEnv& env) {
    return saturate<decltype(d)>(roomy(d) + roomy(static_cast<Unsigned<decltype(a)>>(a)), env);
};
constexpr auto kAddSigned = [](auto d, auto a, FpEnv& env) {
    return saturate<decltype(d)>(roomy(d) + roomy(static_cast<std::make_signed_t<decltype(a)>>(a)),
                                 env);
};

constexpr auto kLeadingSigns = [](auto a) {
    return std::countl_zero(static_cast<Unsigned<decltype(a)>>(a < 0 ? ~a : a)) - 1;
};
constexpr auto kLeadingZeros = [](auto a) { return std::countl_zero(a); };
constexpr auto kCountOnes = [](auto a) {  // in parallel, which vectorizes
    a = static_cast<decltype(a)>(a - (a >> 1 & 0x55));
    a = static_cast<decltype(a)>((a & 0x33) + (a >> 2 & 0x33));
    return (a + (a >> 4)) & 0x0f;
};
constexpr auto kReverseBits = [](auto a) {
    unsigned result = a;
    result = (result & 0x55) << 1 | (result >> 1 & 0x55);
    result = (result & 0x33) << 2 | (result >> 2 & 0x33);
    return (result & 0x0f) << 4 | result >> 4;
};

constexpr auto kCut = [](auto a) { return a; };
template <Sign To>
constexpr auto kSaturatingCut = [](auto a, FpEnv& env) {
    return saturate<Signed<Narrower<std::make_signed_t<decltype(a)>>, To>>(a, env);
};

}  // namespace

Handler REV64_vector(std::uint32_t word, Insn& insn)
{
    return reverse<8, UnsignedBHS>(word, insn);
}

Handler REV32_vector(std::uint32_t word, Insn& insn)
{
    return reverse<4, UnsignedBH>(word, insn);
}

Handler REV16_vector(std::uint32_t word, Insn& insn)
{
    return reverse<2, UnsignedB>(word, insn);
}

Handler SADDLP(std::uint32_t word, Insn& insn)
{
    return add_pairs_long<false, SignedBHS>(word, insn);
}

Handler UADDLP(std::uint32_t word, Insn& insn)
{
    return add_pairs_long<false, UnsignedBHS>(word, insn);
}

Handler SADALP(std::uint32_t word, Insn& insn)
{
    return add_pairs_long<true, SignedBHS>(word, insn);
}

Handler UADALP(std::uint32_t word, Insn& insn)
{
    return add_pairs_long<true, UnsignedBHS>(word, insn);
}

Handler SUQADD_vector(std::uint32_t word, Insn& insn)
{
    return unary<SignedBHSD>(word, insn, kAddUnsigned);
}

Handler SUQADD_scalar(std::uint32_t word, Insn& insn)
{
    return unary<ScalarSignedBHSD>(word, insn, kAddUnsigned);
}

Handler USQADD_vector(std::uint32_t word, Insn& insn)
{
    return unary<UnsignedBHSD>(word, insn, kAddSigned);
}

Handler USQADD_scalar(std::uint32_t word, Insn& insn)
{
    return unary<ScalarUnsignedBHSD>(word, insn, kAddSigned);
}

Handler CLS_vector(std::uint32_t word, Insn& insn)
{
    return unary<SignedBHS>(word, insn, kLeadingSigns);
}

Handler CLZ_vector(std::uint32_t word, Insn& insn)
{
    return unary<UnsignedBHS>(word, insn, kLeadingZeros);
}

Handler CNT_vector(std::uint32_t word, Insn& insn)
{
    return unary<UnsignedB>(word, insn, kCountOnes);
}

Handler NOT_vector(std::uint32_t word, Insn& insn)
{
    return unary<UnsignedB>(word, insn, [](auto a) { return ~a; });
}

Handler SQABS_vector(std::uint32_t word, Insn& insn)
{
    return unary<SignedBHSD>(word, insn, kSaturatingAbs);
}

Handler SQABS_scalar(std::uint32_t word, Insn& insn)
{
    return unary<ScalarSignedBHSD>(word, insn, kSaturatingAbs);
}

Handler SQNEG_vector(std::uint32_t word, Insn& insn)
{
    return unary<SignedBHSD>(word, insn, kSaturatingNeg);
}

Handler SQNEG_scalar(std::uint32_t word, Insn& insn)
{
    return unary<ScalarSignedBHSD>(word, insn, kSaturatingNeg);
}

Handler ABS_vector(std::uint32_t word, Insn& insn)
{
    return unary<SignedBHSD>(word, insn, kAbs);
}

Handler ABS_scalar(std::uint32_t word, Insn& insn)
{
    return unary<ScalarSignedD>(word, insn, kAbs);
}

Handler NEG_vector(std::uint32_t word, Insn& insn)
{
    return unary<SignedBHSD>(word, insn, kNeg);
}

Handler NEG_scalar(std::uint32_t word, Insn& insn)
{
    return unary<ScalarSignedD>(word, insn, kNeg);
}

Handler CMGT_vector_zero(std::uint32_t word, Insn& insn)
{
    return unary<SignedBHSD>(word, insn, kGreaterZero);
}

Handler CMGT_scalar_zero(std::uint32_t word, Insn& insn)
{
    return unary<ScalarSignedD>(word, insn, kGreaterZero);
}

Handler CMGE_vector_zero(std::uint32_t word, Insn& insn)
{
    return unary<SignedBHSD>(word, insn, kGreaterEqualZero);
}

Handler CMGE_scalar_zero(std::uint32_t word, Insn& insn)
{
    return unary<ScalarSignedD>(word, insn, kGreaterEqualZero);
}

Handler CMEQ_vector_zero(std::uint32_t word, Insn& insn)
{
    return unary<SignedBHSD>(word, insn, kEqualZero);
}

Handler CMEQ_scalar_zero(std::uint32_t word, Insn& insn)
{
    return unary<ScalarSignedD>(word, insn, kEqualZero);
}

Handler CMLE_vector_zero(std::uint32_t word, Insn& insn)
{
    return unary<SignedBHSD>(word, insn, kLessEqualZero);
}

Handler CMLE_scalar_zero(std::uint32_t word, Insn& insn)
{
    return unary<ScalarSignedD>(word, insn, kLessEqualZero);
}

Handler CMLT_vector_zero(std::uint32_t word, Insn& insn)
{
    return unary<SignedBHSD>(word, insn, kLessZero);
}

Handler CMLT_scalar_zero(std::uint32_t word, Insn& insn)
{
    return unary<ScalarSignedD>(word, insn, kLessZero);
}

Handler XTN(std::uint32_t word, Insn& insn)
{
    return narrow<UnsignedBHS>(word, insn, kCut);
}

Handler SQXTN_vector(std::uint32_t word, Insn& insn)
{
    return narrow<SignedBHS>(word, insn, kSaturatingCut<Sign::Signed>);
}

Handler SQXTN_scalar(std::uint32_t word, Insn& insn)
{
    return narrow<ScalarSignedBHS>(word, insn, kSaturatingCut<Sign::Signed>);
}

Handler UQXTN_vector(std::uint32_t word, Insn& insn)
{
    return narrow<UnsignedBHS>(word, insn, kSaturatingCut<Sign::Unsigned>);
}

Handler UQXTN_scalar(std::uint32_t word, Insn& insn)
{
    return narrow<ScalarUnsignedBHS>(word, insn, kSaturatingCut<Sign::Unsigned>);
}

Handler SQXTUN_vector(std::uint32_t word, Insn& insn)
{
    return narrow<SignedBHS>(word, insn, kSaturatingCut<Sign::Unsigned>);
}

Handler SQXTUN_scalar(std::uint32_t word, Insn& insn)
{
    return narrow<ScalarSignedBHS>(word, insn, kSaturatingCut<Sign::Unsigned>);
}

Handler RBIT_vector(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return UnsignedB::of_size(0, bit(word, 30), lanewise<NoSecond>(kReverseBits));
}

Handler SHLL(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return UnsignedBHS::pick(word, lengthening<NoSecond>([](auto a) {
                                 return static_cast<std::uint64_t>(a) << kLaneBits<decltype(a)> / 2;
                             }));
}

}  // namespace gh::cpu
