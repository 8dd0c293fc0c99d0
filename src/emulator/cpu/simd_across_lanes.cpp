// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD across lanes and scalar pairwise (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"
#include "emulator/cpu/simd_operations.h"

namespace gh::cpu {

namespace {

/// The manual's Reduce(): halves first, which matters for NaNs.
template <class Op, class T, unsigned N>
T reduce(const T* lanes, FpEnv& env)
{
    if constexpr (N == 1)
        return lanes[0];
    else
        return static_cast<T>(apply<Op>(T{}, env, reduce<Op, T, N / 2>(lanes, env),
                                        reduce<Op, T, N / 2>(lanes + N / 2, env)));
}

/// All lanes by op into one of type Result<T>.
template <template <class> class Result, class Op>
constexpr auto reducing(Op)
{
    return []<class T, unsigned N>(Arrangement<T, N>) {
        return handler([](State& state, const Insn& insn) {
            using R = Result<T>;
            FpEnv env = fp_env(state);
            const auto n = lanes_of<T>(state.v[insn.rn]);
            std::array<R, N> wide{};
            for (unsigned i = 0; i < N; ++i)
                wide[i] = n[i];
            state.v[insn.rd] = vreg_of<R>({reduce<Op, R, N>(wide.data(), env)});
        });
    };
}

template <class T>
using Same = T;

/// Two 32-bit lanes do not count as a vector here.
bool is_reserved(std::uint32_t word)
{
    return field(word, 22, 2) == 2 && !bit(word, 30);
}

template <class Shape, class Op>
Handler across(std::uint32_t word, Insn& insn, Op op)
{
    set_operands(word, insn);
    return is_reserved(word) ? nullptr : Shape::pick(word, reducing<Same>(op));
}

template <class Shape, class Op>
Handler across_long(std::uint32_t word, Insn& insn, Op op)
{
    set_operands(word, insn);
    return is_reserved(word) ? nullptr : Shape::pick(word, reducing<Wider>(op));
}

/// Four single-precision lanes.
template <class Op>
Handler fp_across(std::uint32_t word, Insn& insn, Op op)
{
    set_operands(word, insn);
    return bit(word, 30) ? reducing<Same>(op)(Arrangement<std::uint32_t, 4>{}) : nullptr;
}

/// Both lanes of the lower half, or of the whole register if they are of 64 bits.
template <class Op>
Handler fp_pair(std::uint32_t word, Insn& insn, Op op)
{
    set_operands(word, insn);
    return bit(word, 22) ? reducing<Same>(op)(Arrangement<std::uint64_t, 2>{})
                         : reducing<Same>(op)(Arrangement<std::uint32_t, 2>{});
}

}  // namespace

Handler SADDLV(std::uint32_t word, Insn& insn)
{
    return across_long<SignedBHS>(word, insn, kAdd);
}

Handler UADDLV(std::uint32_t word, Insn& insn)
{
    return across_long<UnsignedBHS>(word, insn, kAdd);
}

Handler SMAXV(std::uint32_t word, Insn& insn)
{
    return across<SignedBHS>(word, insn, kMax);
}

Handler UMAXV(std::uint32_t word, Insn& insn)
{
    return across<UnsignedBHS>(word, insn, kMax);
}

Handler SMINV(std::uint32_t word, Insn& insn)
{
    return across<SignedBHS>(word, insn, kMin);
}

Handler UMINV(std::uint32_t word, Insn& insn)
{
    return across<UnsignedBHS>(word, insn, kMin);
}

Handler ADDV(std::uint32_t word, Insn& insn)
{
    return across<UnsignedBHS>(word, insn, kAdd);
}

Handler ADDP_scalar(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return field(word, 22, 2) == 3 ? reducing<Same>(kAdd)(Arrangement<std::uint64_t, 2>{})
                                   : nullptr;
}

Handler FMAXV(std::uint32_t word, Insn& insn)
{
    return fp_across(word, insn, kFpMax);
}

Handler FMINV(std::uint32_t word, Insn& insn)
{
    return fp_across(word, insn, kFpMin);
}

Handler FMAXNMV(std::uint32_t word, Insn& insn)
{
    return fp_across(word, insn, kFpMaxNum);
}

Handler FMINNMV(std::uint32_t word, Insn& insn)
{
    return fp_across(word, insn, kFpMinNum);
}

Handler FADDP_scalar(std::uint32_t word, Insn& insn)
{
    return fp_pair(word, insn, kFpAdd);
}

Handler FMAXP_scalar(std::uint32_t word, Insn& insn)
{
    return fp_pair(word, insn, kFpMax);
}

Handler FMINP_scalar(std::uint32_t word, Insn& insn)
{
    return fp_pair(word, insn, kFpMin);
}

Handler FMAXNMP_scalar(std::uint32_t word, Insn& insn)
{
    return fp_pair(word, insn, kFpMaxNum);
}

Handler FMINNMP_scalar(std::uint32_t word, Insn& insn)
{
    return fp_pair(word, insn, kFpMinNum);
}

}  // namespace gh::cpu
