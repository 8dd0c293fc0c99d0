// SPDX-License-Identifier: BSD-3-Clause
// Hints, barriers and the system registers that kernels use at every turn (DDI 0487 C4.1.94).
#include "emulator/cpu/identification.h"
#include "emulator/cpu/operands.h"
#include "emulator/cpu/platform.h"
#include "emulator/jit/emitter.h"
#include "emulator/jit/templates.h"

namespace gh::jit {
namespace {

bool hint(Emitter&, const Item& item)
{
    const auto number = bits(item.word, 5, 7);
    return number < 2 || number > 5;  // WFE, WFI, SEV, SEVL do something
}

bool data_barrier(Emitter& e, const Item& item)
{
    const auto kind = bits(item.word, 8, 2);
    if (kind == 1 || kind == 2)
        return true;  // loads after loads, stores after stores: x86 keeps them so
    e.spoil_flags(item);
    e.full_barrier();
    return true;
}

/// Where a register that reads as plain state lies; 0: it does not, at this exception level.
std::size_t plain_register(const Emitter& e, std::uint16_t id)
{
    using cpu::sysreg;
    if (id == sysreg(3, 3, 13, 0, 2))
        return GH_STATE(tpidr_el0);
    if (e.el0())
        return 0;
    switch (id) {
    case sysreg(3, 0, 13, 0, 4): return GH_STATE(tpidr_el1);
    case sysreg(3, 0, 4, 0, 0): return GH_STATE(spsr_el1);
    case sysreg(3, 0, 4, 0, 1): return GH_STATE(elr_el1);
    default: return 0;
    }
}

std::uint16_t id_of(std::uint32_t word)
{
    return static_cast<std::uint16_t>(bits(word, 5, 16));
}

void read_field(Emitter& e, unsigned rd, std::size_t offset)
{
    const x86::Gp to = Emitter::target(rd, x86::rax);
    e.mov(to, e.state(offset, 8));
    e.write(rd, to);
}

bool read_register(Emitter& e, const Item& item)
{
    using cpu::sysreg;
    const std::uint16_t id = id_of(item.word);
    const unsigned rd = cpu::rd_of(item.word);
    std::size_t offset = plain_register(e, id);
    if (!e.el0() && id == sysreg(3, 0, 5, 2, 0))
        offset = GH_STATE(esr_el1);
    if (!e.el0() && id == sysreg(3, 0, 6, 0, 0))
        offset = GH_STATE(far_el1);
    if (offset != 0) {
        read_field(e, rd, offset);
        return true;
    }
    if (!e.el0() && id == sysreg(3, 3, 4, 2, 1)) {  // DAIF
        const x86::Gp to = Emitter::target(rd, x86::rax);
        e.mov(to.r32(), e.state(GH_STATE(daif), 4));
        e.write(rd, to);
        return true;
    }
    if (!e.el0() && id == sysreg(3, 0, 4, 1, 0)) {  // SP_EL0, unless it is the stack pointer now
        e.spoil_flags(item);
        e.check_nonzero(item, e.state(GH_STATE(sp_sel), 1));
        read_field(e, rd, GH_STATE(sp_el0));
        e.slow_path_returns_here();
        return true;
    }
    return false;
}

/// MSR DAIF, which ends most critical sections of a kernel.
void write_daif(Emitter& e, const Item& item)
{
    constexpr std::uint32_t kAll = cpu::kDaifD | cpu::kDaifA | cpu::kDaifI | cpu::kDaifF;
    e.spoil_flags(item);
    const x86::Gp value = e.read(cpu::source(cpu::field5(item.word, 0)), x86::rax, false);
    const Label masked = e.newLabel();
    e.test(value, Imm(static_cast<std::int32_t>(cpu::kDaifI)));
    e.jne(masked);
    e.check_zero(item, e.irq());
    e.bind(masked);
    e.mov(x86::ecx, value);
    e.and_(x86::ecx, Imm(static_cast<std::int32_t>(kAll)));
    e.mov(e.state(GH_STATE(daif), 4), x86::ecx);
    e.slow_path_returns_here();
}

bool write_register(Emitter& e, const Item& item)
{
    const std::size_t offset = plain_register(e, id_of(item.word));
    if (!e.el0() && id_of(item.word) == cpu::sysreg(3, 3, 4, 2, 1)) {
        write_daif(e, item);
        return true;
    }
    if (offset == 0)
        return false;
    e.mov(e.state(offset, 8), e.read(cpu::source(cpu::field5(item.word, 0)), x86::rax));
    return true;
}

/// DAIFSet and DAIFClr. With interrupts allowed again the handler sees to one that waits.
bool write_pstate(Emitter& e, const Item& item)
{
    const auto field = bits(item.word, 16, 3) << 3 | bits(item.word, 5, 3);
    const auto mask = static_cast<std::int32_t>(bits(item.word, 8, 4) << 6);
    if ((field != 036 && field != 037) || e.el0())
        return false;
    e.spoil_flags(item);
    if (field == 036) {
        e.or_(e.state(GH_STATE(daif), 4), mask);
        return true;
    }
    if ((mask & static_cast<std::int32_t>(cpu::kDaifI)) != 0)
        e.check_zero(item, e.irq());
    e.and_(e.state(GH_STATE(daif), 4), ~mask);
    e.slow_path_returns_here();
    return true;
}

/// DC ZVA: 64 bytes of zeros. EL0 needs SCTLR_EL1.DZE, which the handler looks at.
bool system_operation(Emitter& e, const Item& item)
{
    if (id_of(item.word) != cpu::sysreg(1, 3, 7, 4, 1) || e.el0())
        return false;
    static_assert(cpu::kDCZID_EL0 == 4);
    e.spoil_flags(item);
    e.load(x86::rax, cpu::source(cpu::field5(item.word, 0)));
    e.and_(x86::rax, -64);
    e.check(item, x86::rax, 1, true);
    e.vpxor(x86::xmm0, x86::xmm0, x86::xmm0);
    for (int offset = 0; offset < 64; offset += 16)
        e.vmovdqu(x86::ptr(x86::rdx, x86::rax, 0, offset), x86::xmm0);
    e.slow_path_returns_here();
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::HINT, {hint, kMayFault}},
    {cpu::DMB, {data_barrier, kPlain}},
    {cpu::MRS, {read_register, kMayFault}},
    {cpu::MSR_reg, {write_register, kMayFault}},
    {cpu::MSR_imm, {write_pstate, kMayFault}},
    {cpu::SYS, {system_operation, kMayFault}},
};

}  // namespace

std::span<const TemplateRow> system_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
