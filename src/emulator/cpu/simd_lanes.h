// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/softfloat.h"
#include "emulator/cpu/state.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace gh::cpu {

// A V register as lanes, and integer types for what lanes become.

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

}  // namespace gh::cpu
