// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"
#include "emulator/cpu/decode.h"
#include "emulator/cpu/insn.h"
#include "emulator/cpu/operands.h"
#include "emulator/cpu/simd_lanes.h"
#include "emulator/cpu/simd_shapes.h"
#include "emulator/cpu/softfloat_host.h"

#include <cstdint>
#include <type_traits>

namespace gh::cpu {

// How a SIMD instruction is made from what it does to one lane. An instruction is a row of
// encodings/simd.inc and a sentence such as
//
//     return binary<SignedBHS>(word, insn, [](auto a, auto b) { return std::max(a, b); });
//
// where the shape says which lanes the encoding allows and where it says so, and the lambda takes
// lanes of these types. A lambda may ask for the old destination lane first and for the FpEnv
// (FPCR, FPSR) last. Its result is cut to the destination's lane. Every shape and lambda gives
// handlers of its own, so nothing is decoded again at run time.

/// The register fields where nearly all encodings have them; imm is the word.
inline void set_operands(std::uint32_t word, Insn& insn)
{
    insn.rd = field(word, 0, 5);
    insn.rn = field(word, 5, 5);
    insn.ra = field(word, 10, 5);
    insn.rm = field(word, 16, 5);
    insn.imm = word;
}

/// The handler that runs F{}(State&, const Insn&), which cannot fail.
template <class F>
Handler handler(F)
{
    return [](Cpu& cpu, const Insn* insn) noexcept -> const Insn* {
        F{}(cpu.state(), *insn);
        return insn + 1;
    };
}

inline FpEnv fp_env(State& state)
{
    return {state.fpcr, state.fpsr};
}

/// Op of the sources, with the old destination lane and the FpEnv if Op takes them.
template <class Op, class D, class... Sources>
constexpr auto apply(D d, FpEnv& env, Sources... sources)
{
    if constexpr (std::is_invocable_v<Op, Sources...>)
        return Op{}(sources...);
    else if constexpr (std::is_invocable_v<Op, D, Sources...>)
        return Op{}(d, sources...);
    else if constexpr (std::is_invocable_v<Op, Sources..., FpEnv&>)
        return Op{}(sources..., env);
    else
        return Op{}(d, sources..., env);
}

/// Where second sources come from: lane i is of<T>(state, insn)[i].
template <class T>
struct Splat {
    T value;
    constexpr T operator[](unsigned) const { return value; }
};
struct None {};
struct NoSecond {
    template <class T>
    static Splat<None> of(const State&, const Insn&)
    {
        return {};
    }
};
struct FromRegister {
    template <class T>
    static Lanes<T> of(const State& state, const Insn& insn)
    {
        return lanes_of<T>(state.v[insn.rm]);
    }
};
struct FromElement {  // rm[ra]
    template <class T>
    static Splat<T> of(const State& state, const Insn& insn)
    {
        return {lanes_of<T>(state.v[insn.rm])[insn.ra]};
    }
};
struct FromImmediate {
    template <class T>
    static Splat<std::uint32_t> of(const State&, const Insn& insn)
    {
        return {insn.imm};
    }
};

/// Op of one source after all.
template <class Op, class D, class Source>
constexpr auto apply(D d, FpEnv& env, Source source, None)
{
    return apply<Op>(d, env, source);
}

/// Makes handlers of rd[i] = op(rn[i], second[i]).
template <class Second, class Op>
constexpr auto lanewise(Op)
{
    return []<class T, unsigned N>(Arrangement<T, N>) {
        return handler([](State& state, const Insn& insn) {
            FpEnv env = fp_env(state);
            const auto d = lanes_of<T>(state.v[insn.rd]);
            const auto n = lanes_of<T>(state.v[insn.rn]);
            const auto second = Second::template of<T>(state, insn);
            Lanes<T> result{};
            for (unsigned i = 0; i < N; ++i)
                result[i] = static_cast<T>(apply<Op>(d[i], env, n[i], second[i]));
            state.v[insn.rd] = vreg_of<T>(result);
        });
    };
}

/// rd[i] = op(rn[i])
template <class Shape, class Op>
Handler unary(std::uint32_t word, Insn& insn, Op op)
{
    set_operands(word, insn);
    return Shape::pick(word, lanewise<NoSecond>(op));
}

/// rd[i] = op(rn[i], rm[i])
template <class Shape, class Op>
Handler binary(std::uint32_t word, Insn& insn, Op op)
{
    set_operands(word, insn);
    return Shape::pick(word, lanewise<FromRegister>(op));
}

/// Makes handlers of rd[i] = op(pair i of rm:rn).
template <class Op>
constexpr auto pairs(Op)
{
    return []<class T, unsigned N>(Arrangement<T, N>) {
        return handler([](State& state, const Insn& insn) {
            FpEnv env = fp_env(state);
            const auto n = lanes_of<T>(state.v[insn.rn]);
            const auto m = lanes_of<T>(state.v[insn.rm]);
            Lanes<T> result{};
            for (unsigned i = 0; i < N; ++i) {
                const auto& source = 2 * i < N ? n : m;
                const unsigned first = 2 * i % N;
                result[i] = static_cast<T>(apply<Op>(T{}, env, source[first], source[first + 1]));
            }
            state.v[insn.rd] = vreg_of<T>(result);
        });
    };
}

template <class Shape, class Op>
Handler pairwise(std::uint32_t word, Insn& insn, Op op)
{
    set_operands(word, insn);
    return Shape::pick(word, pairs(op));
}

/// For instructions whose other half of lanes is as wide again: the arrangement names the narrow
/// lanes T, of which half a register takes part, with Q the upper half.
template <class T, unsigned N>
struct HalfRegister {
    static constexpr unsigned kCount = N == 1 ? 1 : 8 / sizeof(T);
    static constexpr bool kUpper = N == 16 / sizeof(T);
    static constexpr unsigned kFirst = kUpper ? kCount : 0;
};

template <class W, class T>
constexpr auto widened(T value)
{
    if constexpr (std::is_same_v<T, None>)
        return value;
    else
        return static_cast<W>(value);
}

/// Makes handlers of rd[i] = op(rn[i], second[i]) where rd's lanes are twice as wide as the
/// sources': Op sees all widened.
template <class Second, class Op>
constexpr auto lengthening(Op)
{
    return []<class T, unsigned N>(Arrangement<T, N>) {
        return handler([](State& state, const Insn& insn) {
            using W = Wider<T>;
            using Half = HalfRegister<T, N>;
            FpEnv env = fp_env(state);
            const auto d = lanes_of<W>(state.v[insn.rd]);
            const auto n = lanes_of<T>(state.v[insn.rn]);
            const auto second = Second::template of<T>(state, insn);
            Lanes<W> result{};
            for (unsigned i = 0; i < Half::kCount; ++i) {
                const unsigned from = Half::kFirst + i;
                result[i] =
                    static_cast<W>(apply<Op>(d[i], env, W{n[from]}, widened<W>(second[from])));
            }
            state.v[insn.rd] = vreg_of<W>(result);
        });
    };
}

/// Makes handlers of rd[i] = op(rn[i], second[i]) where rd's lanes are half as wide as the
/// sources', which have the arrangement's sign. Without Q the upper half becomes zero, with Q the
/// lower stays.
template <class Second, class Op>
constexpr auto narrowing(Op)
{
    return []<class T, unsigned N>(Arrangement<T, N>) {
        return handler([](State& state, const Insn& insn) {
            using W = Wider<T>;
            using Half = HalfRegister<T, N>;
            FpEnv env = fp_env(state);
            const auto n = lanes_of<W>(state.v[insn.rn]);
            const auto second = Second::template of<W>(state, insn);
            Lanes<T> result{};
            if constexpr (Half::kUpper)
                result = lanes_of<T>(state.v[insn.rd]);
            for (unsigned i = 0; i < Half::kCount; ++i)
                result[Half::kFirst + i] = static_cast<T>(apply<Op>(T{}, env, n[i], second[i]));
            state.v[insn.rd] = vreg_of<T>(result);
        });
    };
}

}  // namespace gh::cpu
