// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD modified immediate (DDI 0487, C4.1; AdvSIMDExpandImm).
#include "emulator/cpu/fp_immediate.h"
#include "emulator/cpu/simd_handlers.h"

namespace gh::cpu {
namespace {

std::uint32_t imm8(std::uint32_t word)
{
    return static_cast<std::uint32_t>(field(word, 16, 3)) << 5 | field(word, 5, 5);
}

/// In 32 bits: shifted left by cmode[2:1] bytes, moving zeros in, or ones (cmode 110x: by one or
/// two bytes); or in both halfwords; or in all bytes.
std::uint32_t shifted_32(std::uint32_t word)
{
    return imm8(word) << 8 * field(word, 13, 2);
}
std::uint32_t shifted_ones(std::uint32_t word)
{
    const unsigned shift = bit(word, 12) ? 16 : 8;
    return imm8(word) << shift | ((1u << shift) - 1);
}
std::uint32_t shifted_16(std::uint32_t word)
{
    return (imm8(word) << 8 * field(word, 13, 1)) * 0x0001'0001u;
}
std::uint32_t in_all_bytes(std::uint32_t word)
{
    return imm8(word) * 0x0101'0101u;
}

/// rd[i] = op(rd[i], pattern) in 32-bit lanes.
template <class Op>
Handler with_pattern(std::uint32_t word, Insn& insn, std::uint32_t pattern, Op)
{
    set_operands(word, insn);
    insn.imm = pattern;
    return UnsignedS::of_size(2, bit(word, 30), lanewise<FromImmediate>([](auto d, auto, auto imm) {
                                  return Op{}(d, imm);
                              }));
}

Handler move(std::uint32_t word, Insn& insn, std::uint32_t pattern)
{
    return with_pattern(word, insn, pattern, [](auto, auto imm) { return imm; });
}
Handler set_bits(std::uint32_t word, Insn& insn, std::uint32_t pattern)
{
    return with_pattern(word, insn, pattern, [](auto d, auto imm) { return d | imm; });
}
Handler clear_bits(std::uint32_t word, Insn& insn, std::uint32_t pattern)
{
    return with_pattern(word, insn, pattern, [](auto d, auto imm) { return d & ~imm; });
}

/// Every bit of imm8 makes a byte of ones or zeros.
std::uint64_t byte_mask(std::uint32_t imm)
{
    std::uint64_t mask = 0;
    for (unsigned i = 0; i < 8; ++i)
        mask |= (imm >> i & 1u) != 0 ? 0xffull << 8 * i : 0;
    return mask;
}

}  // namespace

Handler MOVI_32(std::uint32_t word, Insn& insn)
{
    return move(word, insn, shifted_32(word));
}

Handler MVNI_32(std::uint32_t word, Insn& insn)
{
    return move(word, insn, ~shifted_32(word));
}

Handler ORR_vector_imm_32(std::uint32_t word, Insn& insn)
{
    return set_bits(word, insn, shifted_32(word));
}

Handler BIC_vector_imm_32(std::uint32_t word, Insn& insn)
{
    return clear_bits(word, insn, shifted_32(word));
}

Handler MOVI_16(std::uint32_t word, Insn& insn)
{
    return move(word, insn, shifted_16(word));
}

Handler MVNI_16(std::uint32_t word, Insn& insn)
{
    return move(word, insn, ~shifted_16(word));
}

Handler ORR_vector_imm_16(std::uint32_t word, Insn& insn)
{
    return set_bits(word, insn, shifted_16(word));
}

Handler BIC_vector_imm_16(std::uint32_t word, Insn& insn)
{
    return clear_bits(word, insn, shifted_16(word));
}

Handler MOVI_msl(std::uint32_t word, Insn& insn)
{
    return move(word, insn, shifted_ones(word));
}

Handler MVNI_msl(std::uint32_t word, Insn& insn)
{
    return move(word, insn, ~shifted_ones(word));
}

Handler MOVI_8(std::uint32_t word, Insn& insn)
{
    return move(word, insn, in_all_bytes(word));
}

Handler FMOV_vector_imm_single(std::uint32_t word, Insn& insn)
{
    return move(word, insn, VFPExpandImm<std::uint32_t>(imm8(word)));
}

Handler MOVI_64(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.imm = imm8(word);
    if (bit(word, 30))
        return handler([](State& state, const Insn& in) {
            const std::uint64_t mask = byte_mask(in.imm);
            state.v[in.rd] = {{mask, mask}};
        });
    return handler([](State& state, const Insn& in) { state.v[in.rd] = {{byte_mask(in.imm), 0}}; });
}

Handler FMOV_vector_imm_double(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.imm = imm8(word);
    return handler([](State& state, const Insn& in) {
        const auto number = VFPExpandImm<std::uint64_t>(in.imm);
        state.v[in.rd] = {{number, number}};
    });
}

}  // namespace gh::cpu
