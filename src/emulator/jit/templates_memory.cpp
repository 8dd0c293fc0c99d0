// SPDX-License-Identifier: BSD-3-Clause
// Loads and stores of general registers (DDI 0487 C4.1.96). What the TLB does not have goes to the
// instruction's handler, which does all of it.
#include "emulator/cpu/operands.h"
#include "emulator/jit/addressing.h"
#include "emulator/jit/emitter.h"
#include "emulator/jit/templates.h"

namespace gh::jit {
namespace {

using cpu::field5;

/// size << 2 | opc of the single-register forms.
struct Kind {
    unsigned size;  // bytes
    bool load;
    bool is_signed;
    bool wide;  // of what a signed load makes
};

/// False: a prefetch.
bool kind_of(std::uint32_t word, Kind& kind)
{
    const auto size = static_cast<unsigned>(bits(word, 30, 2));
    const auto opc = bits(word, 22, 2);
    kind = {1u << size, opc != 0, opc >= 2, opc == 2};
    return !(size == 3 && opc == 2);
}

unsigned transfer_register(std::uint32_t word, bool load, unsigned low = 0)
{
    const auto field = field5(word, low);
    return load ? cpu::destination(field) : cpu::source(field);
}

void load_from(Emitter& e, const x86::Mem& from, unsigned rt, const Kind& kind)
{
    x86::Mem memory = from;
    memory.setSize(kind.size);
    const x86::Gp to = Emitter::target(rt, x86::rcx, kind.wide || kind.size == 8);
    if (kind.is_signed && kind.size == 4)
        e.movsxd(to, memory);
    else if (kind.is_signed)
        e.movsx(to, memory);
    else if (kind.size < 4)
        e.movzx(to.r32(), memory);
    else
        e.mov(to, memory);
    e.write(rt, to);
}

void store_to(Emitter& e, const x86::Mem& to, unsigned rt, unsigned size)
{
    x86::Mem memory = to;
    memory.setSize(size);
    if (rt == cpu::kZero) {
        e.mov(memory, 0);
        return;
    }
    const x86::Gp value = e.read(rt, x86::rcx);
    switch (size) {
    case 1: e.mov(memory, value.r8()); break;
    case 2: e.mov(memory, value.r16()); break;
    case 4: e.mov(memory, value.r32()); break;
    default: e.mov(memory, value.r64()); break;
    }
}

void transfer(Emitter& e, const x86::Mem& memory, unsigned rt, const Kind& kind)
{
    if (kind.load)
        load_from(e, memory, rt, kind);
    else
        store_to(e, memory, rt, kind.size);
}

bool single(Emitter& e, const Item& item, std::int32_t offset, Mode mode)
{
    Kind kind{};
    if (!kind_of(item.word, kind))
        return true;
    const unsigned base = field5(item.word, 5);
    e.spoil_flags(item);
    e.check_stack(item, base);
    const x86::Gp address = base_plus(e, base, mode == Mode::Post ? 0 : offset);
    e.check(item, address, kind.size, !kind.load, mode == Mode::Unprivileged);
    const unsigned rt = transfer_register(item.word, kind.load);
    const x86::Mem memory = x86::ptr(x86::rdx, address);
    if (mode == Mode::Offset || mode == Mode::Unprivileged) {
        transfer(e, memory, rt, kind);
    } else {
        // The base moves first unless it is what is stored; a load into it wins.
        if (kind.load) {
            e.lea(x86::rax, memory);
            add_to_base(e, base, offset);
            transfer(e, x86::ptr(x86::rax), rt, kind);
        } else {
            transfer(e, memory, rt, kind);
            add_to_base(e, base, offset);
        }
    }
    e.slow_path_returns_here();
    return true;
}

template <Mode kMode>
bool single_imm9(Emitter& e, const Item& item)
{
    return single(e, item, imm9(item.word), kMode);
}

bool single_imm12(Emitter& e, const Item& item)
{
    return single(e, item,
                  static_cast<std::int32_t>(bits(item.word, 10, 12) << bits(item.word, 30, 2)),
                  Mode::Offset);
}

bool single_register(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    Kind kind{};
    if (!kind_of(word, kind))
        return true;
    const unsigned base = field5(word, 5);
    const auto shift = static_cast<unsigned>(bit(word, 12) ? bits(word, 30, 2) : 0);
    e.spoil_flags(item);
    e.check_stack(item, base);
    base_plus_register(e, word, shift);
    e.check(item, x86::rax, kind.size, !kind.load);
    transfer(e, x86::ptr(x86::rdx, x86::rax), transfer_register(word, kind.load), kind);
    e.slow_path_returns_here();
    return true;
}

template <Mode kMode>
bool pair(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool load = bit(word, 22);
    const auto opc = bits(word, 30, 2);
    const Kind kind{opc == 2 ? 8u : 4u, load, opc == 1, opc != 0};
    const auto size = static_cast<std::int32_t>(kind.size);
    const auto offset =
        static_cast<std::int32_t>(sign_extend(bits(word, 15, 7), 7) << (kind.size == 8 ? 3 : 2));
    const unsigned base = field5(word, 5);
    e.spoil_flags(item);
    e.check_stack(item, base);
    const x86::Gp address = base_plus(e, base, kMode == Mode::Post ? 0 : offset);
    e.check(item, address, 2 * kind.size, !load);
    const unsigned first = transfer_register(word, load);
    const unsigned second = transfer_register(word, load, 10);
    e.lea(x86::rax, x86::ptr(x86::rdx, address));
    if (kMode != Mode::Offset && load)
        add_to_base(e, base, offset);
    transfer(e, x86::ptr(x86::rax), first, kind);
    transfer(e, x86::ptr(x86::rax, size), second, kind);
    if (kMode != Mode::Offset && !load)
        add_to_base(e, base, offset);
    e.slow_path_returns_here();
    return true;
}

bool load_literal(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const auto opc = bits(word, 30, 2);
    if (opc == 3)
        return true;  // PRFM
    const Kind kind{opc == 1 ? 8u : 4u, true, opc == 2, opc != 0};
    e.spoil_flags(item);
    e.constant(x86::rax, item.va + (sign_extend(bits(word, 5, 19), 19) << 2));
    e.check(item, x86::rax, kind.size, false);
    load_from(e, x86::ptr(x86::rdx, x86::rax), cpu::rd_of(word), kind);
    e.slow_path_returns_here();
    return true;
}

/// LDAR, LDAPR, STLR: x86 orders loads and stores as they ask, but for a store before a load.
template <bool kLoad>
bool ordered(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const Kind kind{1u << bits(word, 30, 2), kLoad, false, bits(word, 30, 2) == 3};
    const unsigned base = field5(word, 5);
    e.spoil_flags(item);
    e.check_stack(item, base);
    const x86::Gp address = base_plus(e, base, 0);
    e.check_alignment(item, address, kind.size);
    e.check(item, address, kind.size, !kLoad);
    transfer(e, x86::ptr(x86::rdx, address), transfer_register(word, kLoad), kind);
    if (!kLoad)
        e.full_barrier();
    e.slow_path_returns_here();
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::LDR_imm, {single_imm12, kMayFault}},
    {cpu::LDR_unscaled, {single_imm9<Mode::Offset>, kMayFault}},
    {cpu::LDR_post, {single_imm9<Mode::Post>, kMayFault}},
    {cpu::LDR_pre, {single_imm9<Mode::Pre>, kMayFault}},
    {cpu::LDR_unpriv, {single_imm9<Mode::Unprivileged>, kMayFault}},
    {cpu::LDR_reg, {single_register, kMayFault}},
    {cpu::LDP_offset, {pair<Mode::Offset>, kMayFault}},
    {cpu::LDP_nontemp, {pair<Mode::Offset>, kMayFault}},
    {cpu::LDP_post, {pair<Mode::Post>, kMayFault}},
    {cpu::LDP_pre, {pair<Mode::Pre>, kMayFault}},
    {cpu::LDR_lit, {load_literal, kMayFault}},
    {cpu::LDAR, {ordered<true>, kMayFault}},
    {cpu::STLR, {ordered<false>, kMayFault}},
    {cpu::LDAPR, {ordered<true>, kMayFault}},
};

}  // namespace

std::span<const TemplateRow> memory_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
