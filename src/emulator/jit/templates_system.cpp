// SPDX-License-Identifier: BSD-3-Clause
// Hints, barriers and the system registers that kernels use at every turn (DDI 0487 C4.1.94).
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

bool write_register(Emitter& e, const Item& item)
{
    const std::size_t offset = plain_register(e, id_of(item.word));
    if (offset == 0)
        return false;
    e.mov(e.state(offset, 8), e.read(cpu::source(cpu::field5(item.word, 0)), x86::rax));
    return true;
}

bool write_pstate(Emitter& e, const Item& item)
{
    const auto field = bits(item.word, 16, 3) << 3 | bits(item.word, 5, 3);
    if (field != 036 || e.el0())  // DAIFSet
        return false;
    e.spoil_flags(item);
    e.or_(e.state(GH_STATE(daif), 4), Imm(bits(item.word, 8, 4) << 6));
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::HINT, {hint, kMayFault}},
    {cpu::DMB, {data_barrier, kPlain}},
    {cpu::MRS, {read_register, kMayFault}},
    {cpu::MSR_reg, {write_register, kMayFault}},
    {cpu::MSR_imm, {write_pstate, kMayFault}},
};

}  // namespace

std::span<const TemplateRow> system_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
