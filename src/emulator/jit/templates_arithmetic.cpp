// SPDX-License-Identifier: BSD-3-Clause
// Addition, logic, conditionals, multiplication (DDI 0487 C4.1.94, C4.1.95).
#include "emulator/cpu/bitmask.h"
#include "emulator/cpu/operands.h"
#include "emulator/jit/emitter.h"
#include "emulator/jit/templates.h"

#include <limits>

namespace gh::jit {
namespace {

using cpu::field5;
using cpu::is_wide;
namespace Inst = x86::Inst;

bool fits(std::uint64_t value)
{
    return static_cast<std::uint64_t>(static_cast<std::int32_t>(value)) == value;
}

Imm imm32(std::uint64_t value)
{
    return {static_cast<std::int32_t>(value)};
}

/// The second operand of an instruction: a guest register as it is, or a value made in rcx.
struct Operand {
    bool in_rcx = false;
    unsigned guest = cpu::kZero;
};

Operand shifted_register(Emitter& e, std::uint32_t word, bool wide)
{
    const auto amount = static_cast<unsigned>(bits(word, 10, 6));
    const unsigned guest = cpu::rm_of(word);
    if (amount == 0 || guest == cpu::kZero)
        return {false, guest};
    static constexpr asmjit::InstId kShifts[]{Inst::kIdShl, Inst::kIdShr, Inst::kIdSar,
                                              Inst::kIdRor};
    e.load(x86::rcx, guest, wide);
    e.emit(kShifts[bits(word, 22, 2)], sized(x86::rcx, wide), Imm(amount));
    return {true, 0};
}

Operand extended_register(Emitter& e, std::uint32_t word)
{
    const unsigned guest = cpu::rm_of(word);
    const auto option = bits(word, 13, 3);
    const auto shift = static_cast<unsigned>(bits(word, 10, 3));
    if (guest == cpu::kZero || (option == 3 && shift == 0) || (option == 7 && shift == 0))
        return {false, guest};
    e.load(x86::rcx, guest);
    switch (option) {
    case 0: e.movzx(x86::ecx, x86::cl); break;
    case 1: e.movzx(x86::ecx, x86::cx); break;
    case 2: e.mov(x86::ecx, x86::ecx); break;
    case 4: e.movsx(x86::rcx, x86::cl); break;
    case 5: e.movsx(x86::rcx, x86::cx); break;
    case 6: e.movsxd(x86::rcx, x86::ecx); break;
    default: break;
    }
    if (shift != 0)
        e.shl(x86::rcx, shift);
    return {true, 0};
}

void apply(Emitter& e, asmjit::InstId id, const x86::Gp& to, Operand operand, bool wide)
{
    if (operand.in_rcx)
        e.emit(id, sized(to, wide), sized(x86::rcx, wide));
    else
        e.with(id, to, operand.guest, wide);
}

/// rd = rn `id` operand. Where rd's home is read as the operand, the sum is made in rax.
void binary(Emitter& e, asmjit::InstId id, unsigned rd, unsigned rn, Operand operand, bool wide)
{
    const bool clash = !operand.in_rcx && operand.guest == rd && rn != rd;
    const x86::Gp to = clash ? sized(x86::rax, wide) : Emitter::target(rd, x86::rax, wide);
    e.start(to, rn, wide);
    apply(e, id, to, operand, wide);
    e.write(rd, to);
}

// ---- Addition and subtraction

constexpr bool subtracts(std::uint32_t word)
{
    return bit(word, 30);
}

unsigned rd_or_sp(std::uint32_t word)
{
    return field5(word, 0);
}

bool add_sub_imm(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const auto imm = static_cast<std::int32_t>(bits(word, 10, 12) << (bit(word, 22) ? 12 : 0));
    const unsigned rd = rd_or_sp(word);
    const unsigned rn = field5(word, 5);
    // LEA spares the flags.
    const x86::Gp from = e.read(rn, x86::rax);
    const x86::Gp to = Emitter::target(rd, x86::rax, wide);
    e.lea(to, x86::ptr(from, subtracts(word) ? -imm : imm));
    if (rd != cpu::kSp || rn != cpu::kSp || imm % 16 != 0)
        e.write(rd, to);  // else SP stays as aligned as it was
    return true;
}

bool adds_subs_imm(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const auto imm = static_cast<std::int32_t>(bits(word, 10, 12) << (bit(word, 22) ? 12 : 0));
    const unsigned rd = cpu::rd_of(word);
    const unsigned rn = field5(word, 5);
    e.spoil_flags(item);
    if (rd == cpu::kSink && subtracts(word)) {
        e.cmp(e.read(rn, x86::rcx, wide), imm);
    } else {
        const x86::Gp to = Emitter::target(rd, x86::rcx, wide);
        e.start(to, rn, wide);
        e.emit(subtracts(word) ? Inst::kIdSub : Inst::kIdAdd, to, Imm(imm));
        e.write(rd, to);
    }
    e.flags_made(subtracts(word) ? Carry::Inverted : Carry::Direct);
    return true;
}

void add_sub(Emitter& e, std::uint32_t word, unsigned rd, unsigned rn, Operand operand)
{
    const bool wide = is_wide(word);
    binary(e, subtracts(word) ? Inst::kIdSub : Inst::kIdAdd, rd, rn, operand, wide);
}

void adds_subs(Emitter& e, std::uint32_t word, unsigned rn, Operand operand)
{
    const bool wide = is_wide(word);
    const unsigned rd = cpu::rd_of(word);
    if (rd == cpu::kSink && subtracts(word)) {
        x86::Gp from = e.read(rn, x86::rax, wide);
        apply(e, Inst::kIdCmp, from, operand, wide);
    } else {
        add_sub(e, word, rd, rn, operand);
    }
    e.flags_made(subtracts(word) ? Carry::Inverted : Carry::Direct);
}

bool add_sub_shift(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const auto amount = static_cast<unsigned>(bits(word, 10, 6));
    const unsigned rd = cpu::rd_of(word);
    const unsigned rn = cpu::rn_of(word);
    const unsigned rm = cpu::rm_of(word);
    if (!subtracts(word) && bits(word, 22, 2) == 0 && amount <= 3 && rn != cpu::kZero &&
        rm != cpu::kZero) {
        const x86::Gp base = e.read(rn, x86::rax);
        const x86::Gp index = e.read(rm, x86::rcx);
        const x86::Gp to = Emitter::target(rd, x86::rax, wide);
        e.lea(to, x86::ptr(base, index, amount));
        e.write(rd, to);
        return true;
    }
    e.spoil_flags(item);
    add_sub(e, word, rd, rn, shifted_register(e, word, wide));
    return true;
}

bool adds_subs_shift(Emitter& e, const Item& item)
{
    e.spoil_flags(item);
    adds_subs(e, item.word, cpu::rn_of(item.word),
              shifted_register(e, item.word, is_wide(item.word)));
    return true;
}

bool add_sub_ext(Emitter& e, const Item& item)
{
    e.spoil_flags(item);
    add_sub(e, item.word, rd_or_sp(item.word), field5(item.word, 5),
            extended_register(e, item.word));
    return true;
}

bool adds_subs_ext(Emitter& e, const Item& item)
{
    e.spoil_flags(item);
    adds_subs(e, item.word, field5(item.word, 5), extended_register(e, item.word));
    return true;
}

/// ADC and SBC: x86 adds and subtracts the carry as Arm does, its borrow the other way round.
template <bool kSets>
bool add_with_carry(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    if (!kSets)
        e.keep_flags();
    e.want_flags(subtracts(word) ? Carry::Inverted : Carry::Direct);
    const unsigned rd = cpu::rd_of(word);
    const x86::Gp to = sized(x86::rcx, wide);
    e.load(to, cpu::rn_of(word), wide);
    e.with(subtracts(word) ? Inst::kIdSbb : Inst::kIdAdc, to, cpu::rm_of(word), wide);
    e.write(rd, to);
    if (kSets)
        e.flags_made(subtracts(word) ? Carry::Inverted : Carry::Direct);
    else
        e.spoil_flags(item);
    return true;
}

// ---- Logic

/// and, orr, eor, ands by opc.
constexpr asmjit::InstId kLogic[]{Inst::kIdAnd, Inst::kIdOr, Inst::kIdXor, Inst::kIdAnd};

template <bool kSets>
bool logic_imm(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    std::uint64_t mask = cpu::bitmask_at(static_cast<std::uint32_t>(bits(word, 10, 13)));
    const unsigned rd = kSets ? cpu::rd_of(word) : field5(word, 0);
    const unsigned rn = cpu::rn_of(word);
    const auto opc = bits(word, 29, 2);
    if (!wide)
        mask = sign_extend(mask, 32);
    if (opc == 1 && rn == cpu::kZero) {  // MOV (bitmask immediate)
        const x86::Gp to = Emitter::target(rd, x86::rax, wide);
        e.constant(to, wide ? mask : bits(mask, 0, 32));
        e.write(rd, to);
        return true;
    }
    e.spoil_flags(item);
    const bool only_flags = kSets && rd == cpu::kSink;
    if (only_flags && fits(mask)) {
        e.test(e.read(rn, x86::rcx, wide), imm32(mask));
    } else {
        const x86::Gp to = Emitter::target(rd, x86::rcx, wide);
        if (!fits(mask))
            e.mov(x86::rax, mask);
        e.start(to, rn, wide);
        if (fits(mask))
            e.emit(kLogic[opc], to, imm32(mask));
        else
            e.emit(kLogic[opc], to, x86::rax);
        e.write(rd, to);
    }
    if (kSets)
        e.flags_made(Carry::Direct);
    return true;
}

template <bool kSets>
bool logic_shift(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const bool inverts = bit(word, 21);
    const unsigned rd = cpu::rd_of(word);
    const unsigned rn = cpu::rn_of(word);
    const auto opc = bits(word, 29, 2);
    const bool plain = bits(word, 10, 6) == 0;
    if (opc == 1 && !inverts && plain && rn == cpu::kZero) {  // MOV (register)
        const x86::Gp to = Emitter::target(rd, x86::rax, wide);
        e.load(to, cpu::rm_of(word), wide);
        e.write(rd, to);
        return true;
    }
    e.spoil_flags(item);
    Operand operand = shifted_register(e, word, wide);
    if (inverts) {
        if (!operand.in_rcx)
            e.load(x86::rcx, operand.guest, wide);
        e.not_(sized(x86::rcx, wide));
        operand = {true, 0};
    }
    if (opc == 1 && rn == cpu::kZero) {  // MVN, MOV with a shift
        if (operand.in_rcx)
            e.write(rd, sized(x86::rcx, wide));
        else
            binary(e, Inst::kIdOr, rd, rn, operand, wide);
    } else if (kSets && rd == cpu::kSink && !operand.in_rcx && operand.guest == rn &&
               rn != cpu::kZero) {
        const x86::Gp from = e.read(rn, x86::rcx, wide);
        e.test(from, from);
    } else {
        binary(e, kLogic[opc], rd, rn, operand, wide);
    }
    if (kSets)
        e.flags_made(Carry::Direct);
    return true;
}

// ---- Conditionals

/// The value that CSEL's kin take when the condition fails, from rm, in rcx.
void other_value(Emitter& e, const Item& item, bool wide)
{
    const bool inverts = bit(item.word, 30);
    const bool increments = bit(item.word, 10);
    e.load(x86::rcx, cpu::rm_of(item.word), wide);
    const x86::Gp value = sized(x86::rcx, wide);
    // NOT and LEA spare the flags; NEG does not.
    if (inverts)
        e.not_(value);
    if (increments)
        e.lea(value, x86::ptr(x86::rcx, 1));
}

bool conditional_select(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const auto condition = static_cast<unsigned>(bits(word, 12, 4));
    const unsigned rd = cpu::rd_of(word);
    if (condition >= 14) {
        const x86::Gp to = Emitter::target(rd, x86::rax, wide);
        e.load(to, cpu::rn_of(word), wide);
        e.write(rd, to);
        return true;
    }
    const x86::CondCode holds = e.condition(condition);
    other_value(e, item, wide);
    const unsigned rn = cpu::rn_of(word);
    const x86::Gp from = e.read(rn, x86::rax, wide);
    e.emit(Inst::cmovccFromCond(holds), sized(x86::rcx, wide), from);
    e.write(rd, sized(x86::rcx, wide));
    return true;
}

bool conditional_compare(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const auto condition = static_cast<unsigned>(bits(word, 12, 4));
    const bool compares = bit(word, 30);  // CCMP, not CCMN
    const Label otherwise = e.newLabel();
    const Label done = e.newLabel();
    if (condition < 14) {
        const x86::CondCode holds = e.condition(condition);
        e.emit(Inst::jccFromCond(x86::negateCond(holds)), otherwise);
    }
    const unsigned rn = cpu::rn_of(word);
    const auto id = compares ? Inst::kIdCmp : Inst::kIdAdd;
    x86::Gp from = sized(x86::rcx, wide);
    if (compares)
        from = e.read(rn, x86::rcx, wide);
    else
        e.load(from, rn, wide);
    if (bit(word, 11))
        e.emit(id, from, Imm(bits(word, 16, 5)));
    else
        e.with(id, from, cpu::rm_of(word), wide);
    if (!compares)
        e.cmc();
    if (condition < 14) {
        e.jmp(done);
        e.bind(otherwise);
        e.set_flags(word & 15);
        e.bind(done);
    }
    e.flags_made(Carry::Inverted);
    return true;
}

// ---- Constants and addresses

bool move_wide(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const bool inverts = !bit(word, 30);
    std::uint64_t value = bits(word, 5, 16) << (bits(word, 21, 2) * 16);
    if (inverts)
        value = ~value;
    if (!wide)
        value = bits(value, 0, 32);
    const unsigned rd = cpu::rd_of(word);
    const x86::Gp to = Emitter::target(rd, x86::rax);
    e.constant(to, value);
    e.write(rd, to);
    return true;
}

bool move_keep(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const unsigned rd = cpu::rd_of(word);
    const auto up = static_cast<unsigned>(bits(word, 21, 2) * 16);
    const std::uint64_t mask = std::uint64_t{0xffff} << up;
    const std::uint64_t value = bits(word, 5, 16) << up;
    if (rd == cpu::kSink)
        return true;
    e.spoil_flags(item);
    const x86::Gp to = Emitter::target(rd, x86::rax, wide);
    e.load(to, rd, wide);
    if (up == 0) {
        e.mov(to.r16(), value);
        if (!wide)
            e.mov(to.r32(), to.r32());
    } else if (wide) {
        e.mov(x86::rcx, ~mask);
        e.and_(to, x86::rcx);
        e.mov(x86::rcx, value);
        e.or_(to, x86::rcx);
    } else {
        e.and_(to, imm32(~mask));
        e.or_(to, imm32(sign_extend(value, 32)));
    }
    e.write(rd, to);
    return true;
}

template <bool kPage>
bool address(Emitter& e, const Item& item)
{
    const std::uint64_t offset =
        sign_extend(bits(item.word, 5, 19) << 2 | bits(item.word, 29, 2), 21);
    const std::uint64_t value = kPage ? (item.va & ~0xfffull) + (offset << 12) : item.va + offset;
    const unsigned rd = cpu::rd_of(item.word);
    const x86::Gp to = Emitter::target(rd, x86::rax);
    e.constant(to, value);
    e.write(rd, to);
    return true;
}

// ---- Multiplication

bool multiply_add(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    const bool subtract = bit(word, 15);
    const unsigned ra = cpu::ra_of(word);
    const unsigned rd = cpu::rd_of(word);
    e.spoil_flags(item);
    const x86::Gp product = sized(x86::rcx, wide);
    e.load(product, cpu::rn_of(word), wide);
    if (const unsigned rm = cpu::rm_of(word); rm == cpu::kZero)
        e.mov(x86::ecx, 0);
    else
        e.with(Inst::kIdImul, product, rm, wide);
    if (subtract && ra == cpu::kZero) {
        e.neg(product);
        e.write(rd, product);
    } else if (subtract) {
        e.load(x86::rax, ra, wide);
        e.sub(sized(x86::rax, wide), product);
        e.write(rd, sized(x86::rax, wide));
    } else {
        if (ra != cpu::kZero)
            e.with(Inst::kIdAdd, product, ra, wide);
        e.write(rd, product);
    }
    return true;
}

template <bool kSigned>
bool multiply_add_long(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool subtract = bit(word, 15);
    const unsigned ra = cpu::ra_of(word);
    const unsigned rd = cpu::rd_of(word);
    e.spoil_flags(item);
    e.load(x86::rcx, cpu::rn_of(word), false);
    e.load(x86::rax, cpu::rm_of(word), false);
    if (kSigned) {
        e.movsxd(x86::rcx, x86::ecx);
        e.movsxd(x86::rax, x86::eax);
    }
    e.imul(x86::rcx, x86::rax);
    if (subtract)
        e.neg(x86::rcx);
    if (ra != cpu::kZero)
        e.with(Inst::kIdAdd, x86::rcx, ra, true);
    e.write(rd, x86::rcx);
    return true;
}

template <bool kSigned>
bool multiply_high(Emitter& e, const Item& item)
{
    e.spoil_flags(item);
    e.load(x86::rax, cpu::rn_of(item.word));
    e.load(x86::rcx, cpu::rm_of(item.word));
    if (kSigned)
        e.imul(x86::rdx, x86::rax, x86::rcx);
    else
        e.mul(x86::rdx, x86::rax, x86::rcx);
    e.write(cpu::rd_of(item.word), x86::rdx);
    return true;
}

/// Division by zero gives zero; the one signed quotient that overflows gives its dividend.
template <bool kSigned>
bool divide(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_wide(word);
    e.spoil_flags(item);
    const Label done = e.newLabel();
    const x86::Gp a = sized(x86::rax, wide);
    const x86::Gp divisor = sized(x86::rcx, wide);
    const x86::Gp d = sized(x86::rdx, wide);
    const Label zero = e.newLabel();
    e.load(x86::rcx, cpu::rm_of(word), wide);
    e.load(x86::rax, cpu::rn_of(word), wide);
    e.test(divisor, divisor);
    e.je(zero);
    if (kSigned) {
        const Label ordinary = e.newLabel();
        e.cmp(divisor, -1);
        e.jne(ordinary);
        e.neg(a);
        e.jmp(done);
        e.bind(ordinary);
        wide ? e.cqo(x86::rdx, x86::rax) : e.cdq(x86::edx, x86::eax);
        e.idiv(d, a, divisor);
    } else {
        e.xor_(x86::edx, x86::edx);
        e.div(d, a, divisor);
    }
    e.jmp(done);
    e.bind(zero);
    e.mov(x86::eax, 0);
    e.bind(done);
    e.write(cpu::rd_of(word), a);
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::ADD_imm, {add_sub_imm, kPlain}},
    {cpu::SUB_imm, {add_sub_imm, kPlain}},
    {cpu::ADDS_imm, {adds_subs_imm, kSetsFlags}},
    {cpu::SUBS_imm, {adds_subs_imm, kSetsFlags}},
    {cpu::ADD_shift, {add_sub_shift, kPlain}},
    {cpu::SUB_shift, {add_sub_shift, kPlain}},
    {cpu::ADDS_shift, {adds_subs_shift, kSetsFlags}},
    {cpu::SUBS_shift, {adds_subs_shift, kSetsFlags}},
    {cpu::ADD_ext, {add_sub_ext, kPlain}},
    {cpu::SUB_ext, {add_sub_ext, kPlain}},
    {cpu::ADDS_ext, {adds_subs_ext, kSetsFlags}},
    {cpu::SUBS_ext, {adds_subs_ext, kSetsFlags}},
    {cpu::ADC, {add_with_carry<false>, kReadsFlags}},
    {cpu::SBC, {add_with_carry<false>, kReadsFlags}},
    {cpu::ADCS, {add_with_carry<true>, kBoth}},
    {cpu::SBCS, {add_with_carry<true>, kBoth}},
    {cpu::AND_imm, {logic_imm<false>, kPlain}},
    {cpu::ORR_imm, {logic_imm<false>, kPlain}},
    {cpu::EOR_imm, {logic_imm<false>, kPlain}},
    {cpu::ANDS_imm, {logic_imm<true>, kSetsFlags}},
    {cpu::AND_shift, {logic_shift<false>, kPlain}},
    {cpu::BIC_shift, {logic_shift<false>, kPlain}},
    {cpu::ORR_shift, {logic_shift<false>, kPlain}},
    {cpu::ORN_shift, {logic_shift<false>, kPlain}},
    {cpu::EOR_shift, {logic_shift<false>, kPlain}},
    {cpu::EON_shift, {logic_shift<false>, kPlain}},
    {cpu::ANDS_shift, {logic_shift<true>, kSetsFlags}},
    {cpu::BICS_shift, {logic_shift<true>, kSetsFlags}},
    {cpu::CSEL, {conditional_select, kReadsFlags}},
    {cpu::CSINC, {conditional_select, kReadsFlags}},
    {cpu::CSINV, {conditional_select, kReadsFlags}},
    {cpu::CSNEG, {conditional_select, kReadsFlags}},
    {cpu::CCMN_reg, {conditional_compare, kBoth}},
    {cpu::CCMN_imm, {conditional_compare, kBoth}},
    {cpu::CCMP_reg, {conditional_compare, kBoth}},
    {cpu::CCMP_imm, {conditional_compare, kBoth}},
    {cpu::MOVN, {move_wide, kPlain}},
    {cpu::MOVZ, {move_wide, kPlain}},
    {cpu::MOVK, {move_keep, kPlain}},
    {cpu::ADR, {address<false>, kPlain}},
    {cpu::ADRP, {address<true>, kPlain}},
    {cpu::MADD, {multiply_add, kPlain}},
    {cpu::MSUB, {multiply_add, kPlain}},
    {cpu::SMADDL, {multiply_add_long<true>, kPlain}},
    {cpu::SMSUBL, {multiply_add_long<true>, kPlain}},
    {cpu::UMADDL, {multiply_add_long<false>, kPlain}},
    {cpu::UMSUBL, {multiply_add_long<false>, kPlain}},
    {cpu::SMULH, {multiply_high<true>, kPlain}},
    {cpu::UMULH, {multiply_high<false>, kPlain}},
    {cpu::UDIV, {divide<false>, kPlain}},
    {cpu::SDIV, {divide<true>, kPlain}},
};

}  // namespace

std::span<const TemplateRow> arithmetic_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
