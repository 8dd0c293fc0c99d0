// SPDX-License-Identifier: BSD-3-Clause
// Taking exceptions to EL1 and returning from them (DDI 0487 D1.3), and PSTATE.
#include "base/bits.h"
#include "emulator/cpu/cpu.h"

namespace gh::cpu {
namespace {

constexpr std::uint32_t kAllMasked = kDaifD | kDaifA | kDaifI | kDaifF;
constexpr std::uint64_t kIl32 = 1ull << 25;  // ESR_EL1.IL: a 32-bit instruction

}  // namespace

void Cpu::set_el(unsigned el, unsigned sp_sel) noexcept
{
    const bool was_el1_stack = state_.el == 1 && state_.sp_sel == 1;
    const bool is_el1_stack = el == 1 && sp_sel == 1;
    if (was_el1_stack != is_el1_stack) {
        (was_el1_stack ? state_.sp_el1 : state_.sp_el0) = state_.x[kSp];
        state_.x[kSp] = is_el1_stack ? state_.sp_el1 : state_.sp_el0;
    }
    state_.el = static_cast<std::uint8_t>(el);
    state_.sp_sel = static_cast<std::uint8_t>(sp_sel);
    update_context();
}

void Cpu::update_context() noexcept
{
    tlb_ = state_.el == 0 ? &user_tlb_ : &kernel_tlb_;
    const auto fpen = bits(state_.cpacr_el1, 20, 2);
    const bool fp_traps = fpen == 0 || fpen == 2 || (fpen == 1 && state_.el == 0);
    context_ = static_cast<std::uint16_t>((state_.el == 0 ? kContextEl0 : 0) |
                                          (fp_traps ? kContextFpTraps : 0));
    if (bit(state_.mdscr_el1, 0) || step_ != Step::Inactive) [[unlikely]]
        update_step();
    if (outside_step_ != OutsideStep::None) [[unlikely]] {
        context_ |= kContextSingle;
        attention_.fetch_or(kAttendStep, std::memory_order_relaxed);
    }
}

void Cpu::set_sp_sel(unsigned sp_sel) noexcept
{
    set_el(state_.el, sp_sel);
}

void Cpu::set_pan(bool pan) noexcept
{
    if (pan && !state_.pan)
        return_borrowed();
    state_.pan = pan;
}

void Cpu::mask_interrupts(std::uint32_t daif) noexcept
{
    state_.daif = daif & kAllMasked;
    if ((daif & kDaifI) == 0 && irq())
        attention_.fetch_or(kAttendIrq, std::memory_order_relaxed);
}

void Cpu::set_daif(std::uint32_t daif) noexcept
{
    mask_interrupts(daif);
    // PSTATE.D masks debug exceptions of EL1.
    if (bit(state_.mdscr_el1, 0)) [[unlikely]]
        update_context();
}

std::uint64_t Cpu::pstate() const noexcept
{
    const std::uint64_t mode = state_.el == 0 ? 0 : 4u | state_.sp_sel;
    return state_.nzcv | std::uint64_t{state_.dit} << 24 | std::uint64_t{state_.pan} << 22 |
           std::uint64_t{state_.ss} << 21 | std::uint64_t{state_.il} << 20 |
           std::uint64_t{state_.ssbs} << 12 | state_.daif | mode;
}

void Cpu::set_pstate(std::uint64_t spsr) noexcept
{
    state_.nzcv = static_cast<std::uint32_t>(spsr) & 0xf000'0000;
    state_.dit = bit(spsr, 24);
    state_.ssbs = bit(spsr, 12);
    set_pan(bit(spsr, 22));
    mask_interrupts(static_cast<std::uint32_t>(spsr));
}

void Cpu::take(std::uint64_t return_to, unsigned vector) noexcept
{
    state_.spsr_el1 = pstate();
    state_.elr_el1 = return_to;
    const unsigned from = state_.el == 0 ? 0x400 : state_.sp_sel == 1 ? 0x200 : 0;
    state_.daif = kAllMasked;
    state_.il = false;
    state_.ss = false;
    state_.ssbs = bit(state_.sctlr_el1, 44);
    if (!bit(state_.sctlr_el1, 23))  // SPAN
        set_pan(true);
    set_el(1, 1);
    state_.pc = align_down(state_.vbar_el1, 0x800) + from + vector;
    ++fruitless_exceptions_;
}

void Cpu::take_synchronous(std::uint64_t return_to, ExceptionClass ec, std::uint32_t iss) noexcept
{
    ++counters_.exceptions.at(static_cast<unsigned>(ec) & 63);
    state_.esr_el1 = static_cast<std::uint64_t>(ec) << 26 | kIl32 | iss;
    take(return_to, 0);
}

const Insn* Cpu::synchronous(const Insn* insn, ExceptionClass ec, std::uint32_t iss) noexcept
{
    take_synchronous(address_of(insn), ec, iss);
    return nullptr;
}

const Insn* Cpu::undefined(const Insn* insn) noexcept
{
    return synchronous(insn, ExceptionClass::Unknown, 0);
}

const Insn* Cpu::supervisor_call(const Insn* insn) noexcept
{
    state_.ss = false;  // the exception is what this instruction does: the step is done
    take_synchronous(address_of(insn) + 4, ExceptionClass::Svc64, insn->imm);
    return jump(state_.pc);
}

bool Cpu::sp_misaligned(const Insn* insn) noexcept
{
    // SCTLR_EL1.SA checks at EL1, SA0 at EL0.
    if (!bit(state_.sctlr_el1, state_.el == 0 ? 4 : 3))
        return true;
    take_synchronous(address_of(insn), ExceptionClass::SpAlignment, 0);
    return false;
}

const Insn* Cpu::exception_return(const Insn* insn) noexcept
{
    if (state_.el == 0)
        return undefined(insn);
    exclusive_.clear();
    event_.store(true, std::memory_order_relaxed);
    const std::uint64_t spsr = state_.spsr_el1;
    const auto mode = bits(spsr, 0, 5);
    const bool legal = mode == 0 || mode == 4 || mode == 5;
    const unsigned el = mode == 0 ? 0 : 1;
    // A step begins where debug exceptions are on and were not before (DebugExceptionReturnSS).
    state_.ss = bit(spsr, 21) && !debug_.steps(1, state_.daif) &&
                debug_.steps(el, static_cast<std::uint32_t>(spsr));
    set_pstate(spsr);
    set_el(el, legal ? static_cast<unsigned>(mode & 1) : state_.sp_sel);
    state_.il = !legal || bit(spsr, 20);
    state_.pc = branch_address(state_.elr_el1);
    return state_.il ? nullptr : jump(state_.pc);
}

void Cpu::take_irq() noexcept
{
    ++counters_.interrupts;
    take(state_.pc, 0x80);
}

bool Cpu::take_pending_state() noexcept
{
    if (state_.il) {
        take_synchronous(state_.pc, ExceptionClass::IllegalState, 0);
        return true;
    }
    return false;
}

}  // namespace gh::cpu
