// SPDX-License-Identifier: BSD-3-Clause
// Branches and exception generation (DDI 0487 C4.1.94).
#include "emulator/cpu/decode.h"
#include "emulator/cpu/operands.h"

namespace gh::cpu {
namespace {

/// Goes to a target known when translating (imm is relative to the instruction): through a link
/// within the page, by a look-up across pages.
const Insn* go(Cpu& cpu, const Insn* insn, unsigned which, std::uint64_t offset)
{
    const std::uint64_t pc = cpu.address_of(insn);
    const std::uint64_t target = pc + offset;
    return (pc ^ target) < kPageSize ? cpu.follow(which, target) : cpu.jump(target);
}

const Insn* branch_if(Cpu& cpu, const Insn* insn, bool taken)
{
    return taken ? go(cpu, insn, 0, signed_value(insn)) : go(cpu, insn, 1, 4);
}

const Insn* branch(Cpu& cpu, const Insn* insn) noexcept
{
    return go(cpu, insn, 0, signed_value(insn));
}

const Insn* branch_link(Cpu& cpu, const Insn* insn) noexcept
{
    cpu.state().x[30] = cpu.address_of(insn) + 4;
    return go(cpu, insn, 0, signed_value(insn));
}

/// One handler a condition: the mask is a constant of the code.
template <unsigned kCondition>
const Insn* branch_condition(Cpu& cpu, const Insn* insn) noexcept
{
    return branch_if(cpu, insn, holds(cpu, condition_mask(kCondition)));
}

template <class T, bool kZeroTakes>
const Insn* compare_and_branch(Cpu& cpu, const Insn* insn) noexcept
{
    return branch_if(cpu, insn, (reg<T>(cpu, insn->rn) == 0) == kZeroTakes);
}

template <bool kZeroTakes>
const Insn* test_and_branch(Cpu& cpu, const Insn* insn) noexcept
{
    return branch_if(cpu, insn, bit(cpu.state().x[insn->rn], insn->ra) != kZeroTakes);
}

const Insn* branch_register(Cpu& cpu, const Insn* insn) noexcept
{
    return cpu.jump(cpu.branch_address(cpu.state().x[insn->rn]));
}

const Insn* branch_link_register(Cpu& cpu, const Insn* insn) noexcept
{
    const std::uint64_t target = cpu.state().x[insn->rn];
    cpu.state().x[30] = cpu.address_of(insn) + 4;
    return cpu.jump(cpu.branch_address(target));
}

template <bool kZeroTakes>
Handler translate_compare(std::uint32_t word, Insn& insn)
{
    insn.rn = source(field5(word, 0));
    insn.imm = signed_imm(word, 5, 19) << 2;
    return is_wide(word) ? compare_and_branch<std::uint64_t, kZeroTakes>
                         : compare_and_branch<std::uint32_t, kZeroTakes>;
}

void fill_test(std::uint32_t word, Insn& insn)
{
    insn.rn = source(field5(word, 0));
    insn.ra = static_cast<std::uint8_t>(bits(word, 31, 1) << 5 | bits(word, 19, 5));
    insn.imm = signed_imm(word, 5, 14) << 2;
}

const Insn* breakpoint(Cpu& cpu, const Insn* insn) noexcept
{
    return cpu.synchronous(insn, ExceptionClass::Brk64, insn->imm);
}

}  // namespace

Handler B(std::uint32_t word, Insn& insn)
{
    insn.imm = signed_imm(word, 0, 26) << 2;
    return branch;
}

Handler BL(std::uint32_t word, Insn& insn)
{
    insn.imm = signed_imm(word, 0, 26) << 2;
    return branch_link;
}

Handler B_cond(std::uint32_t word, Insn& insn)
{
    static constexpr Handler kHandlers[]{
        branch_condition<0>,  branch_condition<1>,  branch_condition<2>,  branch_condition<3>,
        branch_condition<4>,  branch_condition<5>,  branch_condition<6>,  branch_condition<7>,
        branch_condition<8>,  branch_condition<9>,  branch_condition<10>, branch_condition<11>,
        branch_condition<12>, branch_condition<13>, branch_condition<14>, branch_condition<15>};
    insn.imm = signed_imm(word, 5, 19) << 2;
    return kHandlers[word & 15];
}

Handler CBZ(std::uint32_t word, Insn& insn)
{
    return translate_compare<true>(word, insn);
}
Handler CBNZ(std::uint32_t word, Insn& insn)
{
    return translate_compare<false>(word, insn);
}

Handler TBZ(std::uint32_t word, Insn& insn)
{
    fill_test(word, insn);
    return test_and_branch<true>;
}

Handler TBNZ(std::uint32_t word, Insn& insn)
{
    fill_test(word, insn);
    return test_and_branch<false>;
}

Handler BR(std::uint32_t word, Insn& insn)
{
    insn.rn = rn_of(word);
    return branch_register;
}

Handler BLR(std::uint32_t word, Insn& insn)
{
    insn.rn = rn_of(word);
    return branch_link_register;
}

Handler RET(std::uint32_t word, Insn& insn)
{
    insn.rn = rn_of(word);
    return branch_register;
}

Handler ERET(std::uint32_t, Insn&)
{
    return [](Cpu& cpu, const Insn* insn) noexcept { return cpu.exception_return(insn); };
}

Handler SVC(std::uint32_t word, Insn& insn)
{
    insn.imm = static_cast<std::uint32_t>(bits(word, 5, 16));
    return [](Cpu& cpu, const Insn* i) noexcept { return cpu.supervisor_call(i); };
}

Handler HVC(std::uint32_t word, Insn& insn)
{
    insn.imm = static_cast<std::uint32_t>(bits(word, 5, 16));
    return [](Cpu& cpu, const Insn* i) noexcept { return cpu.hypervisor_call(i, false); };
}

Handler SMC(std::uint32_t word, Insn& insn)
{
    insn.imm = static_cast<std::uint32_t>(bits(word, 5, 16));
    return [](Cpu& cpu, const Insn* i) noexcept { return cpu.hypervisor_call(i, true); };
}

Handler BRK(std::uint32_t word, Insn& insn)
{
    insn.imm = static_cast<std::uint32_t>(bits(word, 5, 16));
    return breakpoint;
}

}  // namespace gh::cpu
