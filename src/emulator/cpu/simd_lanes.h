// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/bits.h"
#include "emulator/cpu/cpu.h"
#include "emulator/cpu/decode.h"
#include "emulator/cpu/insn.h"
#include "emulator/cpu/operands.h"
#include "emulator/cpu/softfloat_host.h"
#include "emulator/cpu/state.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
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

static_assert(std::endian::native == std::endian::little, "lanes are laid out as in Vreg::d");

__extension__ using i128 = __int128;

template <class T>
using Lanes = std::array<T, 16 / sizeof(T)>;

template <class T>
Lanes<T> lanes_of(const Vreg& v)
{
    return std::bit_cast<Lanes<T>>(v);
}
template <class T>
Vreg vreg_of(const Lanes<T>& lanes)
{
    return std::bit_cast<Vreg>(lanes);
}

namespace detail {
template <unsigned Bytes, bool IsSigned>
struct Int;
template <>
struct Int<1, true> {
    using type = std::int8_t;
};
template <>
struct Int<2, true> {
    using type = std::int16_t;
};
template <>
struct Int<4, true> {
    using type = std::int32_t;
};
template <>
struct Int<8, true> {
    using type = std::int64_t;
};
template <>
struct Int<1, false> {
    using type = std::uint8_t;
};
template <>
struct Int<2, false> {
    using type = std::uint16_t;
};
template <>
struct Int<4, false> {
    using type = std::uint32_t;
};
template <>
struct Int<8, false> {
    using type = std::uint64_t;
};
}  // namespace detail

template <class T>
using Wider = typename detail::Int<2 * sizeof(T), std::is_signed_v<T>>::type;
template <class T>
using Narrower = typename detail::Int<sizeof(T) / 2, std::is_signed_v<T>>::type;

/// A type that holds sums, products by two and shifts of lanes without loss.
template <class T>
using Roomy = std::conditional_t<sizeof(T) == 8, i128, std::int64_t>;
template <class T>
constexpr Roomy<T> roomy(T value)
{
    return value;
}

template <class T>
inline constexpr unsigned kLaneBits = 8 * sizeof(T);

/// The end of T's range; FPSR.QC.
template <class T>
T saturated(bool low, FpEnv& env)
{
    env.raise(kFpsrQc);
    return low ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
}

/// The nearest T; FPSR.QC if that is not `value`.
template <class T, class Value>
T saturate(Value value, FpEnv& env)
{
    const Value low = std::numeric_limits<T>::min();
    const Value high = std::numeric_limits<T>::max();
    if (value >= low && value <= high) [[likely]]
        return static_cast<T>(value);
    return saturated<T>(value < low, env);
}

// ---- Operands and handlers

constexpr std::uint8_t field(std::uint32_t word, unsigned low, unsigned width)
{
    return static_cast<std::uint8_t>(bits(word, low, width));
}

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

// ---- Shapes: which lanes an encoding has. A shape offers pick(word, make), which returns
// make(Arrangement<T, N>{}) for the word's lanes, or nullptr if they are reserved.

/// N lanes of T; the rest of the destination becomes zero.
template <class T, unsigned N>
struct Arrangement {
    using Lane = T;
    static constexpr unsigned kCount = N;
};

enum class Sign { Unsigned, Signed };

template <class T, Sign S>
using Signed = std::conditional_t<S == Sign::Signed, T, std::make_unsigned_t<T>>;

/// Allowed lanes, as a sum of their bytes.
inline constexpr unsigned kB = 1, kH = 2, kS = 4, kD = 8;

namespace detail {

template <class T, unsigned Sizes, class Make>
Handler vector_of(bool full, Make make)
{
    if constexpr ((Sizes & sizeof(T)) == 0)
        return nullptr;
    else if constexpr (sizeof(T) == 8)
        return full ? make(Arrangement<T, 2>{}) : nullptr;
    else
        return full ? make(Arrangement<T, 16 / sizeof(T)>{})
                    : make(Arrangement<T, 8 / sizeof(T)>{});
}

template <class T, unsigned Sizes, class Make>
Handler scalar_of(Make make)
{
    if constexpr ((Sizes & sizeof(T)) == 0)
        return nullptr;
    else
        return make(Arrangement<T, 1>{});
}

}  // namespace detail

/// size in bits 23:22 and Q in bit 30.
template <Sign S, unsigned Sizes>
struct Vector {
    template <class Make>
    static Handler of_size(unsigned size, bool q, Make make)
    {
        switch (size) {
        case 0: return detail::vector_of<Signed<std::int8_t, S>, Sizes>(q, make);
        case 1: return detail::vector_of<Signed<std::int16_t, S>, Sizes>(q, make);
        case 2: return detail::vector_of<Signed<std::int32_t, S>, Sizes>(q, make);
        default: return detail::vector_of<Signed<std::int64_t, S>, Sizes>(q, make);
        }
    }
    template <class Make>
    static Handler pick(std::uint32_t word, Make make)
    {
        return of_size(field(word, 22, 2), bit(word, 30), make);
    }
};

/// size in bits 23:22, one lane.
template <Sign S, unsigned Sizes>
struct Scalar {
    template <class Make>
    static Handler of_size(unsigned size, bool, Make make)
    {
        switch (size) {
        case 0: return detail::scalar_of<Signed<std::int8_t, S>, Sizes>(make);
        case 1: return detail::scalar_of<Signed<std::int16_t, S>, Sizes>(make);
        case 2: return detail::scalar_of<Signed<std::int32_t, S>, Sizes>(make);
        default: return detail::scalar_of<Signed<std::int64_t, S>, Sizes>(make);
        }
    }
    template <class Make>
    static Handler pick(std::uint32_t word, Make make)
    {
        return of_size(field(word, 22, 2), false, make);
    }
};

/// Floating point: sz in bit 22, bit 23 belongs to the opcode.
struct FpVector : Vector<Sign::Unsigned, kS | kD> {
    template <class Make>
    static Handler pick(std::uint32_t word, Make make)
    {
        return of_size(2 + field(word, 22, 1), bit(word, 30), make);
    }
};
struct FpScalar : Scalar<Sign::Unsigned, kS | kD> {
    template <class Make>
    static Handler pick(std::uint32_t word, Make make)
    {
        return of_size(2 + field(word, 22, 1), false, make);
    }
};

/// Floating point outside SIMD: type in bits 23:22; half precision would be FEAT_FP16.
struct FpType : FpScalar {
    template <class Make>
    static Handler pick(std::uint32_t word, Make make)
    {
        return bit(word, 23) ? nullptr : FpScalar::pick(word, make);
    }
};

using SignedB = Vector<Sign::Signed, kB>;
using SignedBHS = Vector<Sign::Signed, kB | kH | kS>;
using SignedBHSD = Vector<Sign::Signed, kB | kH | kS | kD>;
using SignedHS = Vector<Sign::Signed, kH | kS>;
using UnsignedB = Vector<Sign::Unsigned, kB>;
using UnsignedBH = Vector<Sign::Unsigned, kB | kH>;
using UnsignedBHS = Vector<Sign::Unsigned, kB | kH | kS>;
using UnsignedBHSD = Vector<Sign::Unsigned, kB | kH | kS | kD>;
using UnsignedHS = Vector<Sign::Unsigned, kH | kS>;
using UnsignedS = Vector<Sign::Unsigned, kS>;

using ScalarSignedHS = Scalar<Sign::Signed, kH | kS>;
using ScalarSignedD = Scalar<Sign::Signed, kD>;
using ScalarSignedBHS = Scalar<Sign::Signed, kB | kH | kS>;
using ScalarSignedBHSD = Scalar<Sign::Signed, kB | kH | kS | kD>;
using ScalarUnsignedD = Scalar<Sign::Unsigned, kD>;
using ScalarUnsignedBHS = Scalar<Sign::Unsigned, kB | kH | kS>;
using ScalarUnsignedBHSD = Scalar<Sign::Unsigned, kB | kH | kS | kD>;

// ---- What the instructions do with their lanes

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
