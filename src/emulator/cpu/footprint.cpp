// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/footprint.h"

#include "base/bits.h"
#include "emulator/cpu/operands.h"

namespace gh::cpu {
namespace {

constexpr std::uint64_t kMostBytes = 64;  // LD4, ST4 of four Q registers; DC ZVA
constexpr std::uint64_t kLargestPair = 32;

bool matches(std::uint32_t word, std::uint32_t mask, std::uint32_t value)
{
    return (word & mask) == value;
}

std::uint64_t base_of(std::uint32_t word, const State& state)
{
    return state.x[field5(word, 5)];
}

Footprint pair(std::uint32_t word, const State& state)
{
    const auto opc = static_cast<unsigned>(bits(word, 30, 2));
    const unsigned scale = bit(word, 26) ? opc + 2 : 2 + opc / 2;
    const bool post = bits(word, 23, 2) == 1;
    const std::uint64_t offset = sign_extend(bits(word, 15, 7), 7) << scale;
    return {.address = base_of(word, state) + (post ? 0 : offset),
            .size = kLargestPair,
            .write = !bit(word, 22)};
}

/// log2 of the bytes of one register: for SIMD, opc[1] says 16.
unsigned scale_of(std::uint32_t word)
{
    const bool quad = bit(word, 26) && bit(word, 23);
    return static_cast<unsigned>(bits(word, 30, 2)) + (quad ? 4 : 0);
}

std::uint64_t index_of(std::uint32_t word, const State& state)
{
    const auto option = bits(word, 13, 3);
    const std::uint64_t value = state.x[rm_of(word)];
    const std::uint64_t extended = option == 2   ? bits(value, 0, 32)
                                   : option == 6 ? sign_extend(value, 32)
                                                 : value;
    return extended << (bit(word, 12) ? scale_of(word) : 0);
}

/// Register, immediate and unprivileged forms, and the atomics of LSE.
Footprint single(std::uint32_t word, const State& state)
{
    const auto opc = bits(word, 22, 2);
    const auto mode = bits(word, 10, 2);
    Footprint result{.address = base_of(word, state),
                     .size = 16,
                     .write = opc == 0 || (opc == 2 && bit(word, 26))};
    if (bit(word, 24)) {
        result.address += bits(word, 10, 12) << scale_of(word);
    } else if (!bit(word, 21)) {
        result.address += mode == 1 ? 0 : sign_extend(bits(word, 12, 9), 9);
        result.unprivileged = mode == 2;
    } else if (mode == 2) {
        result.address += index_of(word, state);
    } else {
        result.write = true;
    }
    return result;
}

}  // namespace

std::optional<Footprint> footprint(std::uint32_t word, std::uint64_t va,
                                   const State& state) noexcept
{
    if (matches(word, 0xffff'ffe0, 0xd50b'7420))  // DC ZVA
        return Footprint{.address = align_down(state.x[source(field5(word, 0))], kMostBytes),
                         .size = kMostBytes,
                         .write = true};
    if (!matches(word, 0x0a00'0000, 0x0800'0000))
        return std::nullopt;
    if (matches(word, 0xbe00'0000, 0x0c00'0000))  // structures
        return Footprint{
            .address = base_of(word, state), .size = kMostBytes, .write = !bit(word, 22)};
    if (matches(word, 0x3f00'0000, 0x0800'0000))  // exclusives, ordered, compare and swap
        return Footprint{.address = base_of(word, state), .size = 16, .write = true};
    if (matches(word, 0x3b00'0000, 0x1800'0000))  // literals
        return Footprint{.address = va + (sign_extend(bits(word, 5, 19), 19) << 2), .size = 16};
    if (matches(word, 0x3a00'0000, 0x2800'0000))
        return pair(word, state);
    if (matches(word, 0x3a00'0000, 0x3800'0000))
        return single(word, state);
    return std::nullopt;
}

}  // namespace gh::cpu
