// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/jit/fp_operations.h"

namespace gh::jit {

using x86::xmm0;
using x86::xmm1;
using x86::xmm3;

Label begin_fp(Emitter& e, const Item& item, Emitter::Slow how,
               std::initializer_list<unsigned> sources)
{
    e.spoil_flags(item);
    for (const unsigned source : sources)
        e.read_vector(source);
    return e.need_fp_status(item, how);
}

x86::Xmm read_numbers(Emitter& e, unsigned v, unsigned size, const x86::Xmm& scratch)
{
    const x86::Xmm home = e.read_vector(v);
    if (size == 16)
        return home;
    if (size == 8)
        e.vmovq(scratch, home);
    else
        e.vinsertps(scratch, home, home, 0b1110);
    return scratch;
}

namespace {

/// A literal with the smallest normal number in all lanes.
x86::Mem smallest_normal(Emitter& e, bool wide)
{
    return lanes_literal(e, wide ? 0x0010ull << 48 : 0x0080'0000, wide ? 3 : 2);
}

/// Leaves for the slow path if a lane of `mask` is ones.
void leave_if_any(Emitter& e, const Label& slow, const x86::Xmm& mask, bool wide, bool full)
{
    if (wide)
        e.vmovmskpd(x86::eax, mask);
    else
        e.vmovmskps(x86::eax, mask);
    if (full)
        e.test(x86::eax, x86::eax);
    else
        e.test(x86::eax, 3);
    e.jne(slow);
}

constexpr unsigned kUnordered = 3;  // VCMPPS predicates
constexpr unsigned kEqualOrUnordered = 8;

}  // namespace

void check_scalar(Emitter& e, const Label& slow, bool wide, Result kind)
{
    const asmjit::InstId compare = wide ? Inst::kIdVucomisd : Inst::kIdVucomiss;
    if (kind == Result::Sum) {
        e.emit(compare, xmm0, xmm0);
        e.jp(slow);
        return;
    }
    e.vpand(xmm1, xmm0, all_but_signs(e, wide));
    x86::Mem smallest = smallest_normal(e, wide);
    smallest.setSize(wide ? 8 : 4);
    e.emit(compare, xmm1, smallest);
    e.je(slow);  // equal, or unordered
}

void check_vector(Emitter& e, const Label& slow, bool wide, bool full, Result kind)
{
    const asmjit::InstId compare = wide ? Inst::kIdVcmppd : Inst::kIdVcmpps;
    if (kind == Result::Sum) {
        e.emit(compare, xmm1, xmm0, xmm0, Imm(kUnordered));
    } else {
        e.vpand(xmm1, xmm0, all_but_signs(e, wide));
        e.emit(compare, xmm1, xmm1, smallest_normal(e, wide), Imm(kEqualOrUnordered));
    }
    leave_if_any(e, slow, xmm1, wide, full);
}

void check_numbers(Emitter& e, const Label& slow, bool wide, bool full, const x86::Xmm& a,
                   const x86::Xmm& b)
{
    e.emit(wide ? Inst::kIdVcmppd : Inst::kIdVcmpps, xmm3, a, b, Imm(kUnordered));
    leave_if_any(e, slow, xmm3, wide, full);
}

}  // namespace gh::jit
