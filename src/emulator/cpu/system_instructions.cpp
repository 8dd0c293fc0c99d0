// SPDX-License-Identifier: BSD-3-Clause
// Hints, barriers, system registers and the SYS space (DDI 0487 C4.1.94).
#include "emulator/cpu/decode.h"
#include "emulator/cpu/operands.h"

#include <atomic>

namespace gh::cpu {
namespace {

const Insn* nothing(Cpu&, const Insn* insn) noexcept
{
    return insn + 1;
}

const Insn* clear_exclusive(Cpu& cpu, const Insn* insn) noexcept
{
    cpu.exclusive().clear();
    return insn + 1;
}

const Insn* full_barrier(Cpu&, const Insn* insn) noexcept
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return insn + 1;
}

/// DMB ISHLD: loads stay in order by themselves on hosts like x86.
const Insn* load_barrier(Cpu&, const Insn* insn) noexcept
{
    std::atomic_thread_fence(std::memory_order_acquire);
    return insn + 1;
}

const Insn* store_barrier(Cpu&, const Insn* insn) noexcept
{
    std::atomic_thread_fence(std::memory_order_release);
    return insn + 1;
}

const Insn* synchronization_barrier(Cpu& cpu, const Insn* insn) noexcept
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
    cpu.wait_for_maintenance();
    return insn + 1;
}

/// Everything that a context synchronization must show is shown when it happens; but the code that
/// follows may have changed.
const Insn* instruction_barrier(Cpu& cpu, const Insn* insn) noexcept
{
    cpu.wait_for_maintenance();
    return cpu.go_on_after(insn);
}

const Insn* wait_event(Cpu& cpu, const Insn* insn) noexcept
{
    return cpu.wait_for_event(insn);
}

/// EL0 may wait if SCTLR_EL1.nTWI, nTWE allow it.
template <bool kEvent>
const Insn* wait(Cpu& cpu, const Insn* insn) noexcept
{
    constexpr unsigned kPermission = kEvent ? 18 : 16;
    if (cpu.state().el == 0 && !bit(cpu.state().sctlr_el1, kPermission))
        return cpu.synchronous(insn, ExceptionClass::TrappedWf, 0x1e0'0000 | (kEvent ? 1 : 0));
    return kEvent ? wait_event(cpu, insn) : cpu.wait_for_interrupt(insn);
}

const Insn* send_event(Cpu& cpu, const Insn* insn) noexcept
{
    cpu.send_event();
    return insn + 1;
}

const Insn* invert_carry(Cpu& cpu, const Insn* insn) noexcept
{
    cpu.state().nzcv ^= kC;
    return insn + 1;
}

/// MSR (immediate) of what EL0 may not touch.
template <void (*kSet)(Cpu&, unsigned)>
const Insn* set_pstate_field(Cpu& cpu, const Insn* insn) noexcept
{
    if (cpu.state().el == 0)
        return cpu.undefined(insn);
    kSet(cpu, insn->imm);
    return cpu.resume_after(insn);
}

void set_sp_sel(Cpu& cpu, unsigned value)
{
    cpu.set_sp_sel(value & 1);
}
void set_pan(Cpu& cpu, unsigned value)
{
    cpu.set_pan((value & 1) != 0);
}

const Insn* set_dit(Cpu& cpu, const Insn* insn) noexcept
{
    cpu.state().dit = (insn->imm & 1) != 0;
    return insn + 1;
}

const Insn* set_ssbs(Cpu& cpu, const Insn* insn) noexcept
{
    cpu.state().ssbs = (insn->imm & 1) != 0;
    return insn + 1;
}

bool daif_allowed(const Cpu&, const State& state)
{
    return state.el == 1 || bit(state.sctlr_el1, 9);  // UMA
}

constexpr std::uint16_t kDAIF = sysreg(3, 3, 4, 2, 1);

template <bool kSetBits>
const Insn* change_daif(Cpu& cpu, const Insn* insn) noexcept
{
    State& state = cpu.state();
    if (!daif_allowed(cpu, state))
        return cpu.trap_system(insn, kDAIF, false);
    const std::uint32_t mask = (insn->imm & 15) << 6;
    cpu.set_daif(kSetBits ? state.daif | mask : state.daif & ~mask);
    return cpu.wants_attention() ? cpu.resume_after(insn) : insn + 1;
}

/// imm is the sysreg() id.
const Insn* read_register(Cpu& cpu, const Insn* insn) noexcept
{
    std::uint64_t value = cpu.state().x[insn->rd];
    if (!cpu.read_sysreg(insn, static_cast<std::uint16_t>(insn->imm), value))
        return nullptr;
    cpu.state().x[insn->rd] = value;
    return insn + 1;
}

const Insn* write_register(Cpu& cpu, const Insn* insn) noexcept
{
    const std::uint64_t value = cpu.state().x[insn->rn];
    if (!cpu.write_sysreg(insn, static_cast<std::uint16_t>(insn->imm), value))
        return nullptr;
    return cpu.resume_after(insn);
}

/// The registers that kernels read or write at every turn, without the long way.
template <std::uint64_t State::*kMember>
const Insn* read_plain(Cpu& cpu, const Insn* insn) noexcept
{
    if (cpu.state().el == 0)
        return read_register(cpu, insn);
    cpu.state().x[insn->rd] = cpu.state().*kMember;
    return insn + 1;
}

template <std::uint64_t State::*kMember>
const Insn* write_plain(Cpu& cpu, const Insn* insn) noexcept
{
    if (cpu.state().el == 0)
        return write_register(cpu, insn);
    cpu.state().*kMember = cpu.state().x[insn->rn];
    return insn + 1;
}

const Insn* read_sp_el0(Cpu& cpu, const Insn* insn) noexcept
{
    if (cpu.state().el == 0 || cpu.state().sp_sel == 0)
        return read_register(cpu, insn);
    cpu.state().x[insn->rd] = cpu.state().sp_el0;
    return insn + 1;
}

const Insn* read_tpidr_el0(Cpu& cpu, const Insn* insn) noexcept
{
    cpu.state().x[insn->rd] = cpu.state().tpidr_el0;
    return insn + 1;
}

Handler fast_read(std::uint16_t id)
{
    switch (id) {
    case sysreg(3, 0, 4, 1, 0): return read_sp_el0;
    case sysreg(3, 0, 13, 0, 4): return read_plain<&State::tpidr_el1>;
    case sysreg(3, 3, 13, 0, 2): return read_tpidr_el0;
    case sysreg(3, 0, 4, 0, 0): return read_plain<&State::spsr_el1>;
    case sysreg(3, 0, 4, 0, 1): return read_plain<&State::elr_el1>;
    case sysreg(3, 0, 5, 2, 0): return read_plain<&State::esr_el1>;
    case sysreg(3, 0, 6, 0, 0): return read_plain<&State::far_el1>;
    default: return read_register;
    }
}

Handler fast_write(std::uint16_t id)
{
    switch (id) {
    case sysreg(3, 0, 13, 0, 4): return write_plain<&State::tpidr_el1>;
    case sysreg(3, 0, 4, 0, 0): return write_plain<&State::spsr_el1>;
    case sysreg(3, 0, 4, 0, 1): return write_plain<&State::elr_el1>;
    default: return write_register;
    }
}

/// word[20:5] with op0 whole: what sysreg() makes.
std::uint16_t sysreg_of(std::uint32_t word)
{
    return static_cast<std::uint16_t>(bits(word, 5, 16));
}

const Insn* system(Cpu& cpu, const Insn* insn) noexcept
{
    return cpu.system_operation(insn, static_cast<std::uint16_t>(insn->imm),
                                cpu.state().x[insn->rn]);
}

const Insn* undefined_at_any_level(Cpu& cpu, const Insn* insn) noexcept
{
    return cpu.undefined(insn);
}

}  // namespace

Handler HINT(std::uint32_t word, Insn&)
{
    switch (bits(word, 5, 7)) {
    case 2: return wait<true>;
    case 3: return wait<false>;
    case 4:
    case 5: return send_event;
    default: return nothing;  // NOP, YIELD, and hints for what is not there (BTI, PAC, ESB, ...)
    }
}

Handler CLREX(std::uint32_t, Insn&)
{
    return clear_exclusive;
}

Handler DSB(std::uint32_t, Insn&)
{
    return synchronization_barrier;
}

Handler DMB(std::uint32_t word, Insn&)
{
    switch (bits(word, 8, 2)) {
    case 1: return load_barrier;
    case 2: return store_barrier;
    default: return full_barrier;
    }
}

Handler ISB(std::uint32_t, Insn&)
{
    return instruction_barrier;
}

Handler SB(std::uint32_t, Insn&)
{
    return nothing;
}

Handler MSR_imm(std::uint32_t word, Insn& insn)
{
    insn.imm = static_cast<std::uint32_t>(bits(word, 8, 4));
    switch (bits(word, 16, 3) << 3 | bits(word, 5, 3)) {
    case 0'00: return insn.imm == 0 ? invert_carry : nullptr;  // CFINV
    case 0'04: return set_pstate_field<set_pan>;
    case 0'05: return set_pstate_field<set_sp_sel>;
    case 0'31: return set_ssbs;
    case 0'32: return set_dit;
    case 0'36: return change_daif<true>;
    case 0'37: return change_daif<false>;
    default: return nullptr;
    }
}

Handler MSR_reg(std::uint32_t word, Insn& insn)
{
    insn.rn = source(field5(word, 0));
    insn.rd = field5(word, 0);  // for the syndrome of a trap
    insn.imm = sysreg_of(word);
    return fast_write(sysreg_of(word));
}

Handler MRS(std::uint32_t word, Insn& insn)
{
    insn.rd = rd_of(word);
    insn.imm = sysreg_of(word);
    return fast_read(sysreg_of(word));
}

Handler SYS(std::uint32_t word, Insn& insn)
{
    insn.rn = source(field5(word, 0));
    insn.rd = field5(word, 0);
    insn.imm = sysreg_of(word);
    return system;
}

Handler SYSL(std::uint32_t, Insn&)
{
    return undefined_at_any_level;
}

}  // namespace gh::cpu
