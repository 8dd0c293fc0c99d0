// SPDX-License-Identifier: BSD-3-Clause
// Loads and stores of SIMD and floating-point registers (DDI 0487 C4.1.96). None of these forms has
// a syndrome; what the TLB does not have goes to the handler.
#include "emulator/cpu/operands.h"
#include "emulator/jit/addressing.h"
#include "emulator/jit/emitter.h"
#include "emulator/jit/interleave.h"
#include "emulator/jit/templates.h"

namespace gh::jit {
namespace {

using cpu::field5;

x86::Mem sized_memory(const x86::Mem& at, unsigned size)
{
    x86::Mem memory = at;
    memory.setSize(size);
    return memory;
}

/// Registers shorter than 16 bytes clear the rest. Spoils rcx.
void load_from(Emitter& e, const x86::Mem& from, unsigned v, unsigned size)
{
    const x86::Mem memory = sized_memory(from, size);
    switch (size) {
    case 1:
    case 2:
        e.movzx(x86::ecx, memory);
        e.vmovd(x86::xmm0, x86::ecx);
        break;
    case 4: e.vmovd(x86::xmm0, memory); break;
    case 8: e.vmovq(x86::xmm0, memory); break;
    default: e.vmovdqu(x86::xmm0, memory); break;
    }
    e.write_vector(v, x86::xmm0);
}

void store_to(Emitter& e, const x86::Mem& to, unsigned v, unsigned size)
{
    const x86::Mem memory = sized_memory(to, size);
    const x86::Xmm value = e.read_vector(v);
    switch (size) {
    case 1: e.vpextrb(memory, value, 0); break;
    case 2: e.vpextrw(memory, value, 0); break;
    case 4: e.vmovd(memory, value); break;
    case 8: e.vmovq(memory, value); break;
    default: e.vmovdqu(memory, value); break;
    }
}

void transfer(Emitter& e, const x86::Mem& memory, unsigned v, unsigned size, bool load)
{
    if (load)
        load_from(e, memory, v, size);
    else
        store_to(e, memory, v, size);
}

bool is_load(std::uint32_t word)
{
    return bit(word, 22);
}

/// log2 of the bytes of one register: opc[1] stands before size.
unsigned scale_of(std::uint32_t word)
{
    return static_cast<unsigned>(bits(word, 23, 1) << 2 | bits(word, 30, 2));
}

/// `count` registers of `size` bytes from rt and rt2 at base + offset.
bool at_offset(Emitter& e, const Item& item, std::int32_t offset, Mode mode, unsigned size,
               bool is_pair)
{
    const std::uint32_t word = item.word;
    const unsigned base = field5(word, 5);
    e.spoil_flags(item);
    e.check_stack(item, base);
    const x86::Gp address = base_plus(e, base, mode == Mode::Post ? 0 : offset);
    e.check(item, address, is_pair ? 2 * size : size, !is_load(word));
    const x86::Mem memory = x86::ptr(x86::rdx, address);
    transfer(e, memory, field5(word, 0), size, is_load(word));
    if (is_pair)
        transfer(e, memory.cloneAdjusted(size), field5(word, 10), size, is_load(word));
    if (mode != Mode::Offset)
        add_to_base(e, base, offset);
    e.slow_path_returns_here();
    return true;
}

template <Mode kMode>
bool single_imm9(Emitter& e, const Item& item)
{
    return at_offset(e, item, imm9(item.word), kMode, 1u << scale_of(item.word), false);
}

bool single_imm12(Emitter& e, const Item& item)
{
    const unsigned scale = scale_of(item.word);
    return at_offset(e, item, static_cast<std::int32_t>(bits(item.word, 10, 12) << scale),
                     Mode::Offset, 1u << scale, false);
}

bool single_register(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned scale = scale_of(word);
    e.spoil_flags(item);
    e.check_stack(item, field5(word, 5));
    base_plus_register(e, word, bit(word, 12) ? scale : 0);
    e.check(item, x86::rax, 1u << scale, !is_load(word));
    transfer(e, x86::ptr(x86::rdx, x86::rax), field5(word, 0), 1u << scale, is_load(word));
    e.slow_path_returns_here();
    return true;
}

template <Mode kMode>
bool pair(Emitter& e, const Item& item)
{
    const auto scale = 2 + static_cast<unsigned>(bits(item.word, 30, 2));
    const auto offset = static_cast<std::int32_t>(sign_extend(bits(item.word, 15, 7), 7) << scale);
    return at_offset(e, item, offset, kMode, 1u << scale, true);
}

bool load_literal(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = 4u << bits(word, 30, 2);
    e.spoil_flags(item);
    e.constant(x86::rax, item.va + (sign_extend(bits(word, 5, 19), 19) << 2));
    e.check(item, x86::rax, size, false);
    load_from(e, x86::ptr(x86::rdx, x86::rax), field5(word, 0), size);
    e.slow_path_returns_here();
    return true;
}

/// Post-index by a register, or by `transferred` bytes where its field is 31.
void structure_write_back(Emitter& e, std::uint32_t word, unsigned transferred)
{
    if (!bit(word, 23))
        return;
    const unsigned base = field5(word, 5);
    const unsigned rm = field5(word, 16);
    if (rm == 31) {
        add_to_base(e, base, static_cast<std::int32_t>(transferred));
        return;
    }
    e.load(x86::rcx, base);
    e.add(x86::rcx, e.read(rm, x86::rax));
    e.write(base, x86::rcx);
}

/// LD1 to LD4, ST1 to ST4 (multiple structures).
struct Structures {
    unsigned registers;
    bool interleaved;
};

Structures structures_of(std::uint32_t word)
{
    switch (bits(word, 12, 4)) {
    case 0b0000: return {4, true};
    case 0b0100: return {3, true};
    case 0b1000: return {2, true};
    case 0b0010: return {4, false};
    case 0b0110: return {3, false};
    case 0b1010: return {2, false};
    default: return {1, false};
    }
}

bool multiple(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const auto [count, interleaved] = structures_of(word);
    const unsigned size = bit(word, 30) ? 16 : 8;
    const unsigned base = field5(word, 5);
    e.spoil_flags(item);
    e.check_stack(item, base);
    const x86::Gp address = base_plus(e, base, 0);
    e.check(item, address, count * size, !is_load(word));
    const x86::Mem memory = x86::ptr(x86::rdx, address);
    if (interleaved) {
        const Interleaved structures{memory, field5(word, 0), count, size,
                                     static_cast<unsigned>(bits(word, 10, 2))};
        (is_load(word) ? load_interleaved : store_interleaved)(e, structures);
    } else {
        for (unsigned i = 0; i < count; ++i)
            transfer(e, memory.cloneAdjusted(std::int64_t{i} * size), (field5(word, 0) + i) % 32,
                     size, is_load(word));
    }
    structure_write_back(e, word, count * size);
    e.slow_path_returns_here();
    return true;
}

/// One element of LD1 or ST1, and LD1R.
struct Element {
    unsigned log2_size;
    unsigned index;
    bool replicates;
};

Element element_of(std::uint32_t word)
{
    const auto index = static_cast<unsigned>(bits(word, 30, 1) << 3 | bits(word, 10, 3));
    const auto opcode = static_cast<unsigned>(bits(word, 14, 2));
    if (opcode == 3)
        return {static_cast<unsigned>(bits(word, 10, 2)), 0, true};
    const unsigned log2_size = opcode == 2 && bit(word, 10) ? 3 : opcode;
    return {log2_size, index >> log2_size, false};
}

void replicate(Emitter& e, const x86::Mem& from, unsigned log2_size)
{
    switch (log2_size) {
    case 0: e.vpbroadcastb(x86::xmm0, from); break;
    case 1: e.vpbroadcastw(x86::xmm0, from); break;
    case 2: e.vpbroadcastd(x86::xmm0, from); break;
    default: e.vpbroadcastq(x86::xmm0, from); break;
    }
}

void insert(Emitter& e, const x86::Mem& from, unsigned v, const Element& element)
{
    const x86::Xmm old = e.read_vector(v);
    switch (element.log2_size) {
    case 0: e.vpinsrb(x86::xmm0, old, from, element.index); break;
    case 1: e.vpinsrw(x86::xmm0, old, from, element.index); break;
    case 2: e.vpinsrd(x86::xmm0, old, from, element.index); break;
    default: e.vpinsrq(x86::xmm0, old, from, element.index); break;
    }
}

void extract(Emitter& e, const x86::Mem& to, unsigned v, const Element& element)
{
    const x86::Xmm value = e.read_vector(v);
    switch (element.log2_size) {
    case 0: e.vpextrb(to, value, element.index); break;
    case 1: e.vpextrw(to, value, element.index); break;
    case 2: e.vpextrd(to, value, element.index); break;
    default: e.vpextrq(to, value, element.index); break;
    }
}

bool single_structure(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    if (bit(word, 13) || bit(word, 21))
        return false;  // LD2 to LD4
    const Element element = element_of(word);
    const unsigned size = 1u << element.log2_size;
    const unsigned base = field5(word, 5);
    const unsigned v = field5(word, 0);
    e.spoil_flags(item);
    e.check_stack(item, base);
    const x86::Gp address = base_plus(e, base, 0);
    e.check(item, address, size, !is_load(word));
    const x86::Mem memory = x86::ptr(x86::rdx, address, 0, 0, size);
    if (!is_load(word)) {
        extract(e, memory, v, element);
    } else {
        if (element.replicates)
            replicate(e, memory, element.log2_size);
        else
            insert(e, memory, v, element);
        e.write_vector(v, x86::xmm0, element.replicates && !bit(word, 30) ? 8 : 16);
    }
    structure_write_back(e, word, size);
    e.slow_path_returns_here();
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::LDR_simd_imm, {single_imm12, kMayFault}},
    {cpu::STR_simd_imm, {single_imm12, kMayFault}},
    {cpu::LDUR_simd, {single_imm9<Mode::Offset>, kMayFault}},
    {cpu::STUR_simd, {single_imm9<Mode::Offset>, kMayFault}},
    {cpu::LDR_simd_post, {single_imm9<Mode::Post>, kMayFault}},
    {cpu::STR_simd_post, {single_imm9<Mode::Post>, kMayFault}},
    {cpu::LDR_simd_pre, {single_imm9<Mode::Pre>, kMayFault}},
    {cpu::STR_simd_pre, {single_imm9<Mode::Pre>, kMayFault}},
    {cpu::LDR_simd_register, {single_register, kMayFault}},
    {cpu::STR_simd_register, {single_register, kMayFault}},
    {cpu::LDP_simd, {pair<Mode::Offset>, kMayFault}},
    {cpu::STP_simd, {pair<Mode::Offset>, kMayFault}},
    {cpu::LDNP_simd, {pair<Mode::Offset>, kMayFault}},
    {cpu::STNP_simd, {pair<Mode::Offset>, kMayFault}},
    {cpu::LDP_simd_post, {pair<Mode::Post>, kMayFault}},
    {cpu::STP_simd_post, {pair<Mode::Post>, kMayFault}},
    {cpu::LDP_simd_pre, {pair<Mode::Pre>, kMayFault}},
    {cpu::STP_simd_pre, {pair<Mode::Pre>, kMayFault}},
    {cpu::LDR_simd_literal, {load_literal, kMayFault}},
    {cpu::LD_multiple, {multiple, kMayFault}},
    {cpu::ST_multiple, {multiple, kMayFault}},
    {cpu::LD_multiple_post, {multiple, kMayFault}},
    {cpu::ST_multiple_post, {multiple, kMayFault}},
    {cpu::LD_single, {single_structure, kMayFault}},
    {cpu::ST_single, {single_structure, kMayFault}},
    {cpu::LD_single_post, {single_structure, kMayFault}},
    {cpu::ST_single_post, {single_structure, kMayFault}},
};

}  // namespace

std::span<const TemplateRow> simd_memory_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
