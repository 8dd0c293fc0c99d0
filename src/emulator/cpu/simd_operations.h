// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/simd_handlers.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace gh::cpu {

// What several families of integer SIMD instructions do to a lane. The lanes' type says whether it
// is signed and how wide; products of unsigned short lanes must not be left to int.

inline constexpr auto kAdd = [](auto a, auto b) { return roomy(a) + roomy(b); };
inline constexpr auto kSub = [](auto a, auto b) { return roomy(a) - roomy(b); };
inline constexpr auto kMax = [](auto a, auto b) { return std::max(a, b); };
inline constexpr auto kMin = [](auto a, auto b) { return std::min(a, b); };
inline constexpr auto kAbsDiff = [](auto a, auto b) {
    return a > b ? roomy(a) - roomy(b) : roomy(b) - roomy(a);
};
inline constexpr auto kAbsDiffAcc = [](auto d, auto a, auto b) {
    return roomy(d) + kAbsDiff(a, b);
};
/// Cut to a lane the product does not depend on the sign.
template <class T>
constexpr std::uint64_t product_bits(T a, T b)
{
    return static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b);
}
inline constexpr auto kMul = [](auto a, auto b) { return product_bits(a, b); };
inline constexpr auto kMulAdd = [](auto d, auto a, auto b) {
    return static_cast<std::uint64_t>(d) + product_bits(a, b);
};
inline constexpr auto kMulSub = [](auto d, auto a, auto b) {
    return static_cast<std::uint64_t>(d) - product_bits(a, b);
};

/// value / 2^count, rounded to nearest or down; count >= 1 and at most one more than the lane's
/// bits.
template <class Value>
constexpr Value shift_right(Value value, unsigned count, bool rounding)
{
    return (value + (rounding ? Value{1} << (count - 1) : 0)) >> count;
}

// Doubling multiplications. 2ab >> bits is ab >> (bits - 1), which needs no wider type.

template <class T>
T doubling_high_half(std::int64_t accumulator, T a, T b, bool rounding, FpEnv& env)
{
    constexpr unsigned kShift = kLaneBits<T> - 1;
    const std::int64_t sum = (accumulator << kShift) + std::int64_t{a} * b;
    return saturate<T>(shift_right(sum, kShift, rounding), env);
}

inline constexpr auto kDoublingMulHigh = [](auto a, auto b, FpEnv& env) {
    return doubling_high_half(0, a, b, false, env);
};
inline constexpr auto kRoundingDoublingMulHigh = [](auto a, auto b, FpEnv& env) {
    return doubling_high_half(0, a, b, true, env);
};
inline constexpr auto kRoundingDoublingMulAddHigh = [](auto d, auto a, auto b, FpEnv& env) {
    return doubling_high_half(d, a, b, true, env);
};
// -ab of a product that does not overflow: negating a factor of 2^31 is safe in 64 bits.
inline constexpr auto kRoundingDoublingMulSubHigh = [](auto d, auto a, auto b, FpEnv& env) {
    using T = decltype(d);
    constexpr unsigned kShift = kLaneBits<T> - 1;
    const std::int64_t sum = (std::int64_t{d} << kShift) - std::int64_t{a} * b;
    return saturate<T>(shift_right(sum, kShift, true), env);
};

/// Of lanes already widened: 2ab, which overflows for one pair of factors only.
template <class T>
T doubling_product(T a, T b, FpEnv& env)
{
    return saturate<T>(roomy(a) * roomy(b) * 2, env);
}
inline constexpr auto kDoublingMul = [](auto a, auto b, FpEnv& env) {
    return doubling_product(a, b, env);
};
inline constexpr auto kDoublingMulAdd = [](auto d, auto a, auto b, FpEnv& env) {
    return saturate<decltype(d)>(roomy(d) + roomy(doubling_product(a, b, env)), env);
};
inline constexpr auto kDoublingMulSub = [](auto d, auto a, auto b, FpEnv& env) {
    return saturate<decltype(d)>(roomy(d) - roomy(doubling_product(a, b, env)), env);
};

/// Carry-less product of two bytes.
constexpr std::uint16_t polynomial_product(std::uint8_t a, std::uint8_t b)
{
    unsigned product = 0;
    for (unsigned i = 0; i < 8; ++i)
        product ^= (b >> i & 1u) != 0 ? unsigned{a} << i : 0;
    return static_cast<std::uint16_t>(product);
}

// Floating point.

inline constexpr auto kFpAdd = [](auto a, auto b, FpEnv& env) { return FPAdd(a, b, env); };
inline constexpr auto kFpSub = [](auto a, auto b, FpEnv& env) { return FPSub(a, b, env); };
inline constexpr auto kFpDiv = [](auto a, auto b, FpEnv& env) { return FPDiv(a, b, env); };
inline constexpr auto kFpMax = [](auto a, auto b, FpEnv& env) { return FPMax(a, b, env); };
inline constexpr auto kFpMin = [](auto a, auto b, FpEnv& env) { return FPMin(a, b, env); };
inline constexpr auto kFpMaxNum = [](auto a, auto b, FpEnv& env) { return FPMaxNum(a, b, env); };
inline constexpr auto kFpMinNum = [](auto a, auto b, FpEnv& env) { return FPMinNum(a, b, env); };
inline constexpr auto kFpMul = [](auto a, auto b, FpEnv& env) { return FPMul(a, b, env); };
inline constexpr auto kFpMulX = [](auto a, auto b, FpEnv& env) { return FPMulX(a, b, env); };
inline constexpr auto kFpMulAdd = [](auto d, auto a, auto b, FpEnv& env) {
    return FPMulAdd(d, a, b, env);
};
inline constexpr auto kFpMulSub = [](auto d, auto a, auto b, FpEnv& env) {
    return FPMulAdd(d, FPNeg(a), b, env);
};

template <FPRounding Rounding>
inline constexpr auto kRoundInt =
    [](auto a, FpEnv& env) { return FPRoundInt(a, Rounding, false, env); };
inline constexpr auto kRoundIntCurrent = [](auto a, FpEnv& env) {
    return FPRoundInt(a, env.rounding(), false, env);
};
inline constexpr auto kRoundIntExact = [](auto a, FpEnv& env) {
    return FPRoundInt(a, env.rounding(), true, env);
};
}  // namespace gh::cpu
