// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/bits.h"
#include "emulator/cpu/insn.h"

#include <cstdint>
#include <type_traits>

namespace gh::cpu {

constexpr std::uint8_t field(std::uint32_t word, unsigned low, unsigned width)
{
    return static_cast<std::uint8_t>(bits(word, low, width));
}

// Shapes: which lanes an encoding has. A shape offers pick(word, make), which returns
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

}  // namespace gh::cpu
