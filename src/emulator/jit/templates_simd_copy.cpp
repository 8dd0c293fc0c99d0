// SPDX-License-Identifier: BSD-3-Clause
// Moves into, out of and between V registers, and their immediates (DDI 0487 C4.1.97).
#include "emulator/cpu/fp_immediate.h"
#include "emulator/cpu/operands.h"
#include "emulator/jit/emitter.h"
#include "emulator/jit/templates.h"

#include <bit>

namespace gh::jit {
namespace {

using cpu::field5;

unsigned vector_size(std::uint32_t word)
{
    return bit(word, 30) ? 16 : 8;
}

/// imm5: the lowest one says the lane's width, what is above it its index.
struct Lane {
    explicit Lane(std::uint32_t word)
        : log2_size(static_cast<unsigned>(std::countr_zero(bits(word, 16, 5)))),
          index(static_cast<unsigned>(bits(word, 16, 5)) >> (log2_size + 1))
    {
    }
    unsigned log2_size;
    unsigned index;
};

x86::Mem lane_of(Emitter& e, unsigned v, unsigned log2_size, unsigned index)
{
    return e.vector_lane(v, 1u << log2_size, index << log2_size);
}

template <class From>
void broadcast(Emitter& e, const From& from, unsigned log2_size)
{
    switch (log2_size) {
    case 0: e.vpbroadcastb(x86::xmm0, from); break;
    case 1: e.vpbroadcastw(x86::xmm0, from); break;
    case 2: e.vpbroadcastd(x86::xmm0, from); break;
    default: e.vpbroadcastq(x86::xmm0, from); break;
    }
}

/// xmm0 = `v` with lane `lane` from `from`, a general register of 4 or 8 bytes, or memory.
template <class From>
void insert(Emitter& e, unsigned v, const Lane& lane, const From& from)
{
    const x86::Xmm old = e.read_vector(v);
    switch (lane.log2_size) {
    case 0: e.vpinsrb(x86::xmm0, old, from, lane.index); break;
    case 1: e.vpinsrw(x86::xmm0, old, from, lane.index); break;
    case 2: e.vpinsrd(x86::xmm0, old, from, lane.index); break;
    default: e.vpinsrq(x86::xmm0, old, from, lane.index); break;
    }
}

// ---- Advanced SIMD copy

bool duplicate_element(Emitter& e, const Item& item)
{
    const Lane lane(item.word);
    broadcast(e, lane_of(e, field5(item.word, 5), lane.log2_size, lane.index), lane.log2_size);
    e.write_vector(field5(item.word, 0), x86::xmm0, vector_size(item.word));
    return true;
}

bool duplicate_general(Emitter& e, const Item& item)
{
    const Lane lane(item.word);
    const x86::Gp from = e.read(cpu::rn_of(item.word), x86::rcx);
    if (lane.log2_size == 3)
        e.vmovq(x86::xmm0, from);
    else
        e.vmovd(x86::xmm0, from.r32());
    broadcast(e, x86::xmm0, lane.log2_size);
    e.write_vector(field5(item.word, 0), x86::xmm0, vector_size(item.word));
    return true;
}

bool duplicate_scalar(Emitter& e, const Item& item)
{
    const Lane lane(item.word);
    const x86::Mem from = lane_of(e, field5(item.word, 5), lane.log2_size, lane.index);
    switch (lane.log2_size) {
    case 0:
    case 1:
        e.movzx(x86::ecx, from);
        e.vmovd(x86::xmm0, x86::ecx);
        break;
    case 2: e.vmovd(x86::xmm0, from); break;
    default: e.vmovq(x86::xmm0, from); break;
    }
    e.write_vector(field5(item.word, 0), x86::xmm0);
    return true;
}

bool insert_general(Emitter& e, const Item& item)
{
    const Lane lane(item.word);
    const x86::Gp from = e.read(cpu::rn_of(item.word), x86::rcx);
    insert(e, field5(item.word, 0), lane, lane.log2_size == 3 ? from : x86::Gp(from.r32()));
    e.write_vector(field5(item.word, 0), x86::xmm0);
    return true;
}

bool insert_element(Emitter& e, const Item& item)
{
    const Lane lane(item.word);
    const auto source = static_cast<unsigned>(bits(item.word, 11, 4)) >> lane.log2_size;
    insert(e, field5(item.word, 0), lane, lane_of(e, field5(item.word, 5), lane.log2_size, source));
    e.write_vector(field5(item.word, 0), x86::xmm0);
    return true;
}

void load_lane(Emitter& e, unsigned rd, const x86::Mem& from, bool is_signed, bool wide)
{
    const x86::Gp to = Emitter::target(rd, x86::rcx, wide);
    if (from.size() == 8 || (from.size() == 4 && !is_signed))
        e.mov(from.size() == 8 ? to : x86::Gp(to.r32()), from);
    else if (from.size() == 4)
        e.movsxd(to, from);
    else if (is_signed)
        e.movsx(to, from);
    else
        e.movzx(to.r32(), from);
    e.write(rd, to);
}

template <bool kSigned>
bool move_lane_out(Emitter& e, const Item& item)
{
    const Lane lane(item.word);
    load_lane(e, cpu::rd_of(item.word),
              lane_of(e, field5(item.word, 5), lane.log2_size, lane.index), kSigned,
              bit(item.word, 30));
    return true;
}

// ---- FMOV between the register files. Bit 19 means the upper half of a Q register.

bool move_to_general(Emitter& e, const Item& item)
{
    const bool wide = cpu::is_wide(item.word);
    load_lane(e, cpu::rd_of(item.word),
              lane_of(e, field5(item.word, 5), wide ? 3 : 2, bit(item.word, 19) ? 1 : 0), false,
              wide);
    return true;
}

bool move_from_general(Emitter& e, const Item& item)
{
    const bool wide = cpu::is_wide(item.word);
    const unsigned rd = field5(item.word, 0);
    const x86::Gp from = e.read(cpu::rn_of(item.word), x86::rcx, wide);
    if (bit(item.word, 19))
        e.vpinsrq(x86::xmm0, e.read_vector(rd), from, 1);
    else if (wide)
        e.vmovq(x86::xmm0, from);
    else
        e.vmovd(x86::xmm0, from);
    e.write_vector(rd, x86::xmm0);
    return true;
}

// ---- Immediates

void load_constant(Emitter& e, unsigned rd, std::uint64_t low, std::uint64_t high)
{
    if ((low | high) == 0)
        e.vpxor(x86::xmm0, x86::xmm0, x86::xmm0);
    else if ((low & high) == ~std::uint64_t{0})
        e.vpcmpeqd(x86::xmm0, x86::xmm0, x86::xmm0);
    else
        e.vmovdqa(x86::xmm0, e.literal(low, high));
    e.write_vector(rd, x86::xmm0);
}

/// The handler's pattern of 32 bits, twice.
std::uint64_t pattern_of(const Item& item)
{
    return item.insn->imm * 0x1'0000'0001ull;
}

bool move_pattern(Emitter& e, const Item& item)
{
    const std::uint64_t pattern = pattern_of(item);
    load_constant(e, field5(item.word, 0), pattern, bit(item.word, 30) ? pattern : 0);
    return true;
}

template <bool kSets>
bool change_by_pattern(Emitter& e, const Item& item)
{
    const unsigned rd = field5(item.word, 0);
    const std::uint64_t pattern = kSets ? pattern_of(item) : ~pattern_of(item);
    const x86::Xmm old = e.read_vector(rd);
    const x86::Mem mask = e.literal(pattern, pattern);
    if (kSets)
        e.vpor(x86::xmm0, old, mask);
    else
        e.vpand(x86::xmm0, old, mask);
    e.write_vector(rd, x86::xmm0, vector_size(item.word));
    return true;
}

/// MOVI of 64 bits: every bit of imm8 makes a byte.
bool move_byte_mask(Emitter& e, const Item& item)
{
    std::uint64_t mask = 0;
    for (unsigned i = 0; i < 8; ++i)
        mask |= bit(item.insn->imm, i) ? 0xffull << 8 * i : 0;
    load_constant(e, field5(item.word, 0), mask, bit(item.word, 30) ? mask : 0);
    return true;
}

bool move_double(Emitter& e, const Item& item)
{
    const auto value = cpu::VFPExpandImm<std::uint64_t>(item.insn->imm);
    load_constant(e, field5(item.word, 0), value, value);
    return true;
}

bool move_scalar_immediate(Emitter& e, const Item& item)
{
    const std::uint32_t imm8 = item.insn->imm;
    load_constant(e, field5(item.word, 0),
                  bit(item.word, 22) ? cpu::VFPExpandImm<std::uint64_t>(imm8)
                                     : cpu::VFPExpandImm<std::uint32_t>(imm8),
                  0);
    return true;
}

bool move_scalar(Emitter& e, const Item& item)
{
    const unsigned size = bit(item.word, 22) ? 8 : 4;
    const x86::Mem from = e.vector_lane(field5(item.word, 5), size, 0);
    if (size == 8)
        e.vmovq(x86::xmm0, from);
    else
        e.vmovd(x86::xmm0, from);
    e.write_vector(field5(item.word, 0), x86::xmm0);
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::DUP_element_scalar, {duplicate_scalar, kPlain}},
    {cpu::DUP_element, {duplicate_element, kPlain}},
    {cpu::DUP_general, {duplicate_general, kPlain}},
    {cpu::SMOV, {move_lane_out<true>, kPlain}},
    {cpu::UMOV, {move_lane_out<false>, kPlain}},
    {cpu::INS_general, {insert_general, kPlain}},
    {cpu::INS_element, {insert_element, kPlain}},
    {cpu::FMOV_to_general, {move_to_general, kPlain}},
    {cpu::FMOV_from_general, {move_from_general, kPlain}},
    {cpu::FMOV_register, {move_scalar, kPlain}},
    {cpu::FMOV_imm, {move_scalar_immediate, kPlain}},
    {cpu::MOVI_32, {move_pattern, kPlain}},
    {cpu::MOVI_16, {move_pattern, kPlain}},
    {cpu::MOVI_msl, {move_pattern, kPlain}},
    {cpu::MOVI_8, {move_pattern, kPlain}},
    {cpu::MOVI_64, {move_byte_mask, kPlain}},
    {cpu::MVNI_32, {move_pattern, kPlain}},
    {cpu::MVNI_16, {move_pattern, kPlain}},
    {cpu::MVNI_msl, {move_pattern, kPlain}},
    {cpu::ORR_vector_imm_32, {change_by_pattern<true>, kPlain}},
    {cpu::ORR_vector_imm_16, {change_by_pattern<true>, kPlain}},
    {cpu::BIC_vector_imm_32, {change_by_pattern<false>, kPlain}},
    {cpu::BIC_vector_imm_16, {change_by_pattern<false>, kPlain}},
    {cpu::FMOV_vector_imm_single, {move_pattern, kPlain}},
    {cpu::FMOV_vector_imm_double, {move_double, kPlain}},
};

}  // namespace

std::span<const TemplateRow> simd_copy_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
