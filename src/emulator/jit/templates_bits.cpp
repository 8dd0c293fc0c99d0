// SPDX-License-Identifier: BSD-3-Clause
// Shifts, bit fields and bit counts (DDI 0487 C4.1.94, C4.1.95).
#include "emulator/cpu/operands.h"
#include "emulator/jit/emitter.h"
#include "emulator/jit/templates.h"

namespace gh::jit {
namespace {

using cpu::is_wide;
namespace Inst = x86::Inst;

/// BMI2 shifts take the amount modulo the width, as Arm does, and spare the flags.
template <asmjit::InstId kId>
bool shift_variable(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const unsigned rd = cpu::rd_of(word);
    const x86::Gp amount = e.read(cpu::rm_of(word), x86::rcx, wide);
    const x86::Gp from = e.read(cpu::rn_of(word), x86::rax, wide);
    const x86::Gp to = Emitter::target(rd, x86::rax, wide);
    e.emit(kId, to, from, amount);
    e.write(rd, to);
    return true;
}

bool rotate_variable(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    e.spoil_flags(item);
    e.load(x86::rcx, cpu::rm_of(word), wide);
    e.load(x86::rax, cpu::rn_of(word), wide);
    e.ror(sized(x86::rax, wide), x86::cl);
    e.write(cpu::rd_of(word), sized(x86::rax, wide));
    return true;
}

/// Bits [high:low] of rn to the bottom of rd.
void extract(Emitter& e, const Item& item, unsigned low, unsigned high, bool is_signed)
{
    const bool wide = is_wide(item.word);
    const unsigned width = wide ? 64 : 32;
    const unsigned rd = cpu::rd_of(item.word);
    const unsigned rn = cpu::rn_of(item.word);
    const x86::Gp to = Emitter::target(rd, x86::rax, wide);
    if (low == 0 && (high == 7 || high == 15 || high == 31) && rn != cpu::kZero) {
        // Extensions are one instruction and spare the flags.
        const x86::Gp from = e.read(rn, x86::rax, wide);
        const x86::Gp part = high == 7    ? x86::Gp(from.r8())
                             : high == 15 ? x86::Gp(from.r16())
                                          : x86::Gp(from.r32());
        if (high == 31 && is_signed && wide)
            e.movsxd(to, part);
        else if (high == 31)
            e.mov(to.r32(), part);
        else if (is_signed)
            e.movsx(to, part);
        else
            e.movzx(to.r32(), part);
        e.write(rd, to);
        return;
    }
    e.spoil_flags(item);
    e.start(to, rn, wide);
    if (high + 1 != width)
        e.shl(to, width - 1 - high);
    const unsigned down = width - 1 - high + low;
    if (down != 0)
        e.emit(is_signed ? Inst::kIdSar : Inst::kIdShr, to, Imm(down));
    e.write(rd, to);
}

/// The low `count` bits of rn to bit `up` of rd, zero or sign around them.
void insert_alone(Emitter& e, const Item& item, unsigned up, unsigned count, bool is_signed)
{
    const bool wide = is_wide(item.word);
    const unsigned width = wide ? 64 : 32;
    const unsigned rd = cpu::rd_of(item.word);
    const x86::Gp to = Emitter::target(rd, x86::rax, wide);
    e.spoil_flags(item);
    e.start(to, cpu::rn_of(item.word), wide);
    e.shl(to, width - count);
    const unsigned down = width - count - up;
    if (down != 0)
        e.emit(is_signed ? Inst::kIdSar : Inst::kIdShr, to, Imm(down));
    e.write(rd, to);
}

template <bool kSigned>
bool bitfield(Emitter& e, const Item& item)
{
    const auto immr = static_cast<unsigned>(bits(item.word, 16, 6));
    const auto imms = static_cast<unsigned>(bits(item.word, 10, 6));
    const unsigned width = is_wide(item.word) ? 64 : 32;
    if (imms >= immr)
        extract(e, item, immr, imms, kSigned);
    else
        insert_alone(e, item, width - immr, imms + 1, kSigned);
    return true;
}

/// BFI, BFXIL: a field of rn into rd, whose other bits stay.
bool bitfield_move(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const unsigned rd = cpu::rd_of(word);
    const auto immr = static_cast<unsigned>(bits(word, 16, 6));
    const auto imms = static_cast<unsigned>(bits(word, 10, 6));
    if (rd == cpu::kSink)
        return true;
    const bool extracts = imms >= immr;
    const unsigned count = extracts ? imms - immr + 1 : imms + 1;
    const unsigned up = extracts ? 0 : (wide ? 64 : 32) - immr;
    const std::uint64_t field = ~std::uint64_t{0} >> (64 - count);
    e.spoil_flags(item);
    const x86::Gp value = sized(x86::rcx, wide);
    const x86::Gp mask = sized(x86::rdx, wide);
    e.load(x86::rcx, cpu::rn_of(word), wide);
    if (extracts && immr != 0)
        e.shr(value, immr);
    e.constant(x86::rdx, field);
    e.and_(value, mask);
    if (up != 0)
        e.shl(value, up);
    e.constant(x86::rdx, wide ? ~(field << up) : bits(~(field << up), 0, 32));
    const x86::Gp to = Emitter::target(rd, x86::rax, wide);
    e.load(to, rd, wide);
    e.and_(to, mask);
    e.or_(to, value);
    e.write(rd, to);
    return true;
}

bool extract_pair(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const auto low = static_cast<unsigned>(bits(word, 10, 6));
    const unsigned rd = cpu::rd_of(word);
    if (cpu::rm_of(word) == cpu::rn_of(word)) {  // ROR (immediate)
        const x86::Gp to = Emitter::target(rd, x86::rax, wide);
        e.rorx(to, e.read(cpu::rn_of(word), x86::rax, wide), low);
        e.write(rd, to);
        return true;
    }
    e.spoil_flags(item);
    e.load(x86::rcx, cpu::rm_of(word), wide);
    if (low != 0) {
        e.load(x86::rax, cpu::rn_of(word), wide);
        e.shrd(sized(x86::rcx, wide), sized(x86::rax, wide), low);
    }
    e.write(rd, sized(x86::rcx, wide));
    return true;
}

bool count_leading_zeros(Emitter& e, const Item& item)
{
    const bool wide = is_wide(item.word);
    e.spoil_flags(item);
    const x86::Gp from = e.read(cpu::rn_of(item.word), x86::rax, wide);
    e.lzcnt(sized(x86::rcx, wide), from);
    e.write(cpu::rd_of(item.word), sized(x86::rcx, wide));
    return true;
}

/// Leading bits equal to the sign, without it: those of the value with its sign folded away.
bool count_leading_sign(Emitter& e, const Item& item)
{
    const bool wide = is_wide(item.word);
    e.spoil_flags(item);
    const x86::Gp value = sized(x86::rcx, wide);
    const x86::Gp sign = sized(x86::rax, wide);
    e.load(x86::rcx, cpu::rn_of(item.word), wide);
    e.mov(sign, value);
    e.sar(sign, wide ? 63 : 31);
    e.xor_(value, sign);
    e.lzcnt(value, value);
    e.dec(value);
    e.write(cpu::rd_of(item.word), value);
    return true;
}

/// REV, REV32, REV16: the bytes within units of 8, 4 or 2.
bool reverse_bytes(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const auto opc = bits(word, 10, 2);  // 1: REV16, 2: REV or REV32, 3: REV
    e.load(x86::rcx, cpu::rn_of(word), wide);
    const x86::Gp value = sized(x86::rcx, wide);
    if (opc == 1) {
        e.spoil_flags(item);
        const x86::Gp other = sized(x86::rax, wide);
        e.mov(other, value);
        e.shr(other, 8);
        e.mov(x86::rdx, 0x00ff'00ff'00ff'00ffull);
        e.and_(other, sized(x86::rdx, wide));
        e.and_(value, sized(x86::rdx, wide));
        e.shl(value, 8);
        e.or_(value, other);
    } else {
        e.bswap(value);
        if (wide && opc == 2)
            e.rorx(value, value, 32);
    }
    e.write(cpu::rd_of(word), value);
    return true;
}

bool reverse_bits(Emitter& e, const Item& item)
{
    const bool wide = is_wide(item.word);
    e.spoil_flags(item);
    const x86::Gp value = sized(x86::rcx, wide);
    const x86::Gp other = sized(x86::rax, wide);
    const x86::Gp mask = sized(x86::rdx, wide);
    e.load(x86::rcx, cpu::rn_of(item.word), wide);
    e.bswap(value);
    static constexpr std::uint64_t kMasks[]{0x5555'5555'5555'5555, 0x3333'3333'3333'3333,
                                            0x0f0f'0f0f'0f0f'0f0f};
    for (unsigned step = 0; step < 3; ++step) {
        e.constant(x86::rdx, wide ? kMasks[step] : bits(kMasks[step], 0, 32));
        e.mov(other, value);
        e.shr(other, 1u << step);
        e.and_(other, mask);
        e.and_(value, mask);
        e.shl(value, 1u << step);
        e.or_(value, other);
    }
    e.write(cpu::rd_of(item.word), value);
    return true;
}

/// CRC32C is an instruction of x86; CRC32 has another polynomial.
bool crc32(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    if (!bit(word, 12))
        return false;
    e.load(x86::rax, cpu::rn_of(word), false);
    e.load(x86::rcx, cpu::rm_of(word));
    switch (bits(word, 10, 2)) {
    case 0: e.crc32(x86::eax, x86::cl); break;
    case 1: e.crc32(x86::eax, x86::cx); break;
    case 2: e.crc32(x86::eax, x86::ecx); break;
    default: e.crc32(x86::rax, x86::rcx); break;
    }
    e.write(cpu::rd_of(word), x86::eax);
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::LSLV, {shift_variable<Inst::kIdShlx>, kPlain}},
    {cpu::LSRV, {shift_variable<Inst::kIdShrx>, kPlain}},
    {cpu::ASRV, {shift_variable<Inst::kIdSarx>, kPlain}},
    {cpu::RORV, {rotate_variable, kPlain}},
    {cpu::SBFM, {bitfield<true>, kPlain}},
    {cpu::UBFM, {bitfield<false>, kPlain}},
    {cpu::BFM, {bitfield_move, kPlain}},
    {cpu::EXTR, {extract_pair, kPlain}},
    {cpu::CLZ, {count_leading_zeros, kPlain}},
    {cpu::CLS, {count_leading_sign, kPlain}},
    {cpu::REV16, {reverse_bytes, kPlain}},
    {cpu::REV32, {reverse_bytes, kPlain}},
    {cpu::REV64, {reverse_bytes, kPlain}},
    {cpu::RBIT, {reverse_bits, kPlain}},
    {cpu::CRC32, {crc32, kPlain}},
};

}  // namespace

std::span<const TemplateRow> bit_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
