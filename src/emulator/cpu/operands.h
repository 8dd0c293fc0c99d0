// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/bits.h"
#include "emulator/cpu/cpu.h"

#include <cstdint>
#include <type_traits>

/// What the translate functions and handlers of the base instructions share.
namespace gh::cpu {

constexpr std::uint8_t field5(std::uint32_t word, unsigned low)
{
    return static_cast<std::uint8_t>((word >> low) & 31);
}

/// Register fields as indices of State::x: 31 is the zero register for a source, dropped for a
/// destination, the stack pointer where the encoding says SP (field5 alone).
constexpr std::uint8_t source(std::uint8_t field)
{
    return field == 31 ? kZero : field;
}
constexpr std::uint8_t destination(std::uint8_t field)
{
    return field == 31 ? kSink : field;
}

constexpr std::uint8_t rd_of(std::uint32_t word)
{
    return destination(field5(word, 0));
}
constexpr std::uint8_t rn_of(std::uint32_t word)
{
    return source(field5(word, 5));
}
constexpr std::uint8_t rm_of(std::uint32_t word)
{
    return source(field5(word, 16));
}
constexpr std::uint8_t ra_of(std::uint32_t word)
{
    return source(field5(word, 10));
}

/// Bit 31 of most encodings: X, not W registers.
constexpr bool is_wide(std::uint32_t word)
{
    return (word >> 31) != 0;
}

constexpr std::uint32_t signed_imm(std::uint32_t word, unsigned low, unsigned width)
{
    return static_cast<std::uint32_t>(sign_extend(bits(word, low, width), width));
}

/// Insn::imm as the signed number it is.
constexpr std::uint64_t signed_value(const Insn* insn)
{
    return sign_extend(insn->imm, 32);
}

template <class T>
T reg(Cpu& cpu, unsigned index)
{
    return static_cast<T>(cpu.state().x[index]);
}

/// W results clear the upper half of the register.
template <class T>
void set_reg(Cpu& cpu, unsigned index, T value)
{
    static_assert(std::is_unsigned_v<T>);
    cpu.state().x[index] = value;
}

template <class T>
inline constexpr unsigned kWidth = sizeof(T) * 8;

template <class T>
std::uint32_t nzcv_of(T result, bool carry, bool overflow)
{
    return static_cast<std::uint32_t>(result >> (kWidth<T> - 1)) << 31 |
           static_cast<std::uint32_t>(result == 0) << 30 | static_cast<std::uint32_t>(carry) << 29 |
           static_cast<std::uint32_t>(overflow) << 28;
}

template <class T>
struct Sum {
    T value;
    std::uint32_t nzcv;
};

/// AddWithCarry() of the Arm ARM.
template <class T>
Sum<T> add_with_carry(T a, T b, bool carry)
{
    using S = std::make_signed_t<T>;
    T sum = 0;
    const bool c1 = __builtin_add_overflow(a, b, &sum);
    const bool c2 = __builtin_add_overflow(sum, static_cast<T>(carry), &sum);
    const bool overflow = static_cast<S>((a ^ sum) & (b ^ sum)) < 0;
    return {sum, nzcv_of(sum, c1 || c2, overflow)};
}

inline constexpr std::uint32_t kN = 1u << 31;
inline constexpr std::uint32_t kZ = 1u << 30;
inline constexpr std::uint32_t kC = 1u << 29;
inline constexpr std::uint32_t kV = 1u << 28;

/// ConditionHolds() of the Arm ARM, as one bit for each value of NZCV.
constexpr std::uint16_t condition_mask(unsigned condition)
{
    std::uint16_t mask = 0;
    for (unsigned nzcv = 0; nzcv < 16; ++nzcv) {
        const bool n = bit(nzcv, 3);
        const bool z = bit(nzcv, 2);
        const bool c = bit(nzcv, 1);
        const bool v = bit(nzcv, 0);
        const bool tests[] = {z, c, n, v, c && !z, n == v, n == v && !z, true};
        const bool holds = tests[condition >> 1] != ((condition & 1) != 0 && condition != 15);
        mask = static_cast<std::uint16_t>(mask | (holds ? 1u << nzcv : 0));
    }
    return mask;
}

/// `mask` is a condition_mask().
inline bool holds(Cpu& cpu, std::uint32_t mask)
{
    return (mask >> (cpu.state().nzcv >> 28) & 1) != 0;
}

}  // namespace gh::cpu
