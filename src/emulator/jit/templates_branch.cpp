// SPDX-License-Identifier: BSD-3-Clause
// Branches (DDI 0487 C4.1.94).
#include "emulator/cpu/operands.h"
#include "emulator/jit/emitter.h"
#include "emulator/jit/templates.h"

namespace gh::jit {
namespace {

using cpu::is_wide;
namespace Inst = x86::Inst;

std::uint64_t target_of(const Item& item, unsigned low, unsigned width)
{
    return item.va + (sign_extend(bits(item.word, low, width), width) << 2);
}

/// The two ways of a conditional branch, when EFLAGS say by `taken` which.
void branch_if(Emitter& e, const Item& item, x86::CondCode taken, std::uint64_t target)
{
    if (item.continues_taken) {
        e.emit(Inst::jccFromCond(x86::negateCond(taken)), e.side_exit(item, item.va + 4));
        return;
    }
    e.emit(Inst::jccFromCond(taken), e.side_exit(item, target));
    if (!item.continues)
        e.leave(item, item.va + 4);
}

bool branch(Emitter& e, const Item& item)
{
    if (!item.continues)
        e.leave(item, target_of(item, 0, 26));
    return true;
}

void link_register(Emitter& e, const Item& item)
{
    e.constant(x86::rax, item.va + 4);
    e.write(30, x86::rax);
}

bool branch_link(Emitter& e, const Item& item)
{
    e.keep_flags();
    link_register(e, item);
    e.call_guest(item, target_of(item, 0, 26));
    return true;
}

bool branch_condition(Emitter& e, const Item& item)
{
    const unsigned condition = item.word & 15;
    const std::uint64_t target = target_of(item, 5, 19);
    if (condition >= 14) {
        e.leave(item, target);
        return true;
    }
    branch_if(e, item, e.condition(condition), target);
    return true;
}

bool compare_and_branch(Emitter& e, const Item& item)
{
    e.spoil_flags(item);
    const bool wide = is_wide(item.word);
    const unsigned rt = cpu::source(cpu::field5(item.word, 0));
    if (const x86::Gp value = Emitter::home(rt); value.isValid())
        e.test(sized(value, wide), sized(value, wide));
    else if (rt == cpu::kZero)
        e.cmp(x86::eax, x86::eax);
    else
        e.cmp(Emitter::slot(rt, wide), 0);
    branch_if(e, item, bit(item.word, 24) ? x86::CondCode::kNE : x86::CondCode::kE,
              target_of(item, 5, 19));
    return true;
}

bool test_and_branch(Emitter& e, const Item& item)
{
    e.spoil_flags(item);
    const unsigned rt = cpu::source(cpu::field5(item.word, 0));
    const auto number = static_cast<unsigned>(bits(item.word, 31, 1) << 5 | bits(item.word, 19, 5));
    const bool taken_if_set = bit(item.word, 24);
    const std::uint64_t target = target_of(item, 5, 14);
    if (number < 32) {
        e.test(e.read(rt, x86::rax, false), Imm(static_cast<std::int32_t>(1u << number)));
        branch_if(e, item, taken_if_set ? x86::CondCode::kNE : x86::CondCode::kE, target);
    } else {
        e.bt(e.read(rt, x86::rax), number);
        branch_if(e, item, taken_if_set ? x86::CondCode::kC : x86::CondCode::kNC, target);
    }
    return true;
}

bool branch_register(Emitter& e, const Item& item)
{
    e.keep_flags();
    e.load(x86::rax, cpu::rn_of(item.word));
    e.leave_to_rax();
    return true;
}

bool branch_link_register(Emitter& e, const Item& item)
{
    e.keep_flags();
    e.load(x86::rcx, cpu::rn_of(item.word));
    link_register(e, item);
    e.mov(x86::rax, x86::rcx);
    e.call_guest_at_rax(item);
    return true;
}

bool function_return(Emitter& e, const Item& item)
{
    e.keep_flags();
    e.load(x86::rax, cpu::rn_of(item.word));
    e.return_to_rax();
    return true;
}

/// What the barrier makes visible may be new code, also this: look again behind it.
bool instruction_barrier(Emitter& e, const Item& item)
{
    e.call_handler(item);
    e.constant(x86::rax, item.va + 4);
    e.leave_to_rax();
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::B, {branch, kEnds}},
    {cpu::BL, {branch_link, kEnds}},
    {cpu::B_cond, {branch_condition, {.reads = true, .ends = true}}},
    {cpu::CBZ, {compare_and_branch, kEnds}},
    {cpu::CBNZ, {compare_and_branch, kEnds}},
    {cpu::TBZ, {test_and_branch, kEnds}},
    {cpu::TBNZ, {test_and_branch, kEnds}},
    {cpu::BR, {branch_register, kEnds}},
    {cpu::BLR, {branch_link_register, kEnds}},
    {cpu::RET, {function_return, kEnds}},
    {cpu::ISB, {instruction_barrier, kEnds}},
};

}  // namespace

std::span<const TemplateRow> branch_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
