// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD three different and scalar three different (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"
#include "emulator/cpu/simd_operations.h"

namespace gh::cpu {

namespace {

/// rd = op of both sources widened.
template <class Shape, class Op>
Handler longer(std::uint32_t word, Insn& insn, Op op)
{
    set_operands(word, insn);
    return Shape::pick(word, lengthening<FromRegister>(op));
}

/// rd = op of rn, which is wide already, and rm widened.
template <class Shape, class Op>
Handler wider(std::uint32_t word, Insn& insn, Op)
{
    set_operands(word, insn);
    return Shape::pick(word, []<class T, unsigned N>(Arrangement<T, N>) {
        return handler([](State& state, const Insn& in) {
            using W = Wider<T>;
            using Half = HalfRegister<T, N>;
            const auto n = lanes_of<W>(state.v[in.rn]);
            const auto m = lanes_of<T>(state.v[in.rm]);
            Lanes<W> result{};
            for (unsigned i = 0; i < Half::kCount; ++i)
                result[i] = static_cast<W>(Op{}(n[i], W{m[Half::kFirst + i]}));
            state.v[in.rd] = vreg_of<W>(result);
        });
    });
}

/// rd = the high halves of op.
template <class Shape, class Op>
Handler high_half(std::uint32_t word, Insn& insn, Op op)
{
    set_operands(word, insn);
    return Shape::pick(word, narrowing<FromRegister>(op));
}

constexpr auto kAddHigh = [](auto a, auto b) { return (a + b) >> kLaneBits<decltype(a)> / 2; };
constexpr auto kSubHigh = [](auto a, auto b) { return (a - b) >> kLaneBits<decltype(a)> / 2; };
template <class W>
inline constexpr W kHalf = W{1} << (kLaneBits<W> / 2 - 1);
constexpr auto kRoundingAddHigh = [](auto a, auto b) {
    return (a + b + kHalf<decltype(a)>) >> kLaneBits<decltype(a)> / 2;
};
constexpr auto kRoundingSubHigh = [](auto a, auto b) {
    return (a - b + kHalf<decltype(a)>) >> kLaneBits<decltype(a)> / 2;
};

}  // namespace

Handler SADDL(std::uint32_t word, Insn& insn)
{
    return longer<SignedBHS>(word, insn, kAdd);
}

Handler UADDL(std::uint32_t word, Insn& insn)
{
    return longer<UnsignedBHS>(word, insn, kAdd);
}

Handler SADDW(std::uint32_t word, Insn& insn)
{
    return wider<SignedBHS>(word, insn, kAdd);
}

Handler UADDW(std::uint32_t word, Insn& insn)
{
    return wider<UnsignedBHS>(word, insn, kAdd);
}

Handler SSUBL(std::uint32_t word, Insn& insn)
{
    return longer<SignedBHS>(word, insn, kSub);
}

Handler USUBL(std::uint32_t word, Insn& insn)
{
    return longer<UnsignedBHS>(word, insn, kSub);
}

Handler SSUBW(std::uint32_t word, Insn& insn)
{
    return wider<SignedBHS>(word, insn, kSub);
}

Handler USUBW(std::uint32_t word, Insn& insn)
{
    return wider<UnsignedBHS>(word, insn, kSub);
}

Handler ADDHN(std::uint32_t word, Insn& insn)
{
    return high_half<UnsignedBHS>(word, insn, kAddHigh);
}

Handler RADDHN(std::uint32_t word, Insn& insn)
{
    return high_half<UnsignedBHS>(word, insn, kRoundingAddHigh);
}

Handler SUBHN(std::uint32_t word, Insn& insn)
{
    return high_half<UnsignedBHS>(word, insn, kSubHigh);
}

Handler RSUBHN(std::uint32_t word, Insn& insn)
{
    return high_half<UnsignedBHS>(word, insn, kRoundingSubHigh);
}

Handler SABAL(std::uint32_t word, Insn& insn)
{
    return longer<SignedBHS>(word, insn, kAbsDiffAcc);
}

Handler UABAL(std::uint32_t word, Insn& insn)
{
    return longer<UnsignedBHS>(word, insn, kAbsDiffAcc);
}

Handler SABDL(std::uint32_t word, Insn& insn)
{
    return longer<SignedBHS>(word, insn, kAbsDiff);
}

Handler UABDL(std::uint32_t word, Insn& insn)
{
    return longer<UnsignedBHS>(word, insn, kAbsDiff);
}

Handler SMLAL(std::uint32_t word, Insn& insn)
{
    return longer<SignedBHS>(word, insn, kMulAdd);
}

Handler UMLAL(std::uint32_t word, Insn& insn)
{
    return longer<UnsignedBHS>(word, insn, kMulAdd);
}

Handler SMLSL(std::uint32_t word, Insn& insn)
{
    return longer<SignedBHS>(word, insn, kMulSub);
}

Handler UMLSL(std::uint32_t word, Insn& insn)
{
    return longer<UnsignedBHS>(word, insn, kMulSub);
}

Handler SMULL_vector(std::uint32_t word, Insn& insn)
{
    return longer<SignedBHS>(word, insn, kMul);
}

Handler UMULL_vector(std::uint32_t word, Insn& insn)
{
    return longer<UnsignedBHS>(word, insn, kMul);
}

Handler SQDMLAL(std::uint32_t word, Insn& insn)
{
    return longer<SignedHS>(word, insn, kDoublingMulAdd);
}

Handler SQDMLAL_scalar(std::uint32_t word, Insn& insn)
{
    return longer<ScalarSignedHS>(word, insn, kDoublingMulAdd);
}

Handler SQDMLSL(std::uint32_t word, Insn& insn)
{
    return longer<SignedHS>(word, insn, kDoublingMulSub);
}

Handler SQDMLSL_scalar(std::uint32_t word, Insn& insn)
{
    return longer<ScalarSignedHS>(word, insn, kDoublingMulSub);
}

Handler SQDMULL(std::uint32_t word, Insn& insn)
{
    return longer<SignedHS>(word, insn, kDoublingMul);
}

Handler SQDMULL_scalar(std::uint32_t word, Insn& insn)
{
    return longer<ScalarSignedHS>(word, insn, kDoublingMul);
}

Handler PMULL_8(std::uint32_t word, Insn& insn)
{
    return longer<UnsignedB>(word, insn, [](auto a, auto b) {
        return polynomial_product(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b));
    });
}

}  // namespace gh::cpu
