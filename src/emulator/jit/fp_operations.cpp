// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/jit/fp_operations.h"

#include "emulator/cpu/softfloat.h"

namespace gh::jit {

using x86::xmm0;
using x86::xmm1;
using x86::xmm3;

void check_environment(Emitter& e, const Label& slow, Env env)
{
    // The upper half of FPCR and the lower of FPSR, in one word.
    static_assert(GH_STATE(fpsr) == GH_STATE(fpcr) + 4);
    constexpr std::uint32_t kFlushes = cpu::kFpcrFz >> 16;
    constexpr std::uint32_t kRounding = cpu::kFpcrRMode >> 16;
    constexpr std::uint32_t kInexact = cpu::kFpsrIxc << 16;
    const x86::Mem both = e.state(GH_STATE(fpcr) + 2, 4);
    if (env == Env::Flushes) {
        e.test(both, kFlushes);
        e.jne(slow);
        return;
    }
    e.mov(x86::eax, both);
    e.and_(x86::eax, kInexact | kFlushes | (env == Env::Rounds ? kRounding : 0));
    e.cmp(x86::eax, kInexact);
    e.jne(slow);
}

Label begin_fp(Emitter& e, const Item& item, Env env, Emitter::Slow how,
               std::initializer_list<unsigned> sources)
{
    e.spoil_flags(item);
    for (const unsigned source : sources)
        e.read_vector(source);
    const Label slow = e.slow_path(item, how);
    check_environment(e, slow, env);
    return slow;
}

void check_scalar(Emitter& e, const Label& slow, bool wide, Result kind)
{
    // Sign, exponent and some fraction: the upper halfword.
    const unsigned exponent = wide ? 0x7ff0 : 0x7f80;
    const unsigned one = wide ? 0x10 : 0x80;
    e.vpextrw(x86::eax, xmm0, wide ? 3 : 1);
    e.and_(x86::eax, exponent);
    if (kind == Result::Finite) {
        e.cmp(x86::eax, exponent);
        e.je(slow);
    } else {
        e.sub(x86::eax, 2 * one);
        e.cmp(x86::eax, exponent - 2 * one);
        e.jae(slow);
    }
}

namespace {

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

}  // namespace

void check_vector(Emitter& e, const Label& slow, bool wide, bool full, Result kind)
{
    const unsigned size = wide ? 3 : 2;
    const std::uint64_t infinity = wide ? 0x7ff0ull << 48 : 0x7f80'0000;
    const std::uint64_t smallest = wide ? 0x0020ull << 48 : 0x0100'0000;
    const std::uint64_t sign = std::uint64_t{1} << (wide ? 63 : 31);
    e.vpand(xmm1, xmm0, all_but_signs(e, wide));
    if (kind == Result::Finite) {
        e.emit(kGreater.at(size), xmm1, xmm1, lanes_literal(e, infinity - 1, size));
    } else {
        // Shifted so that the ordinary ones come first in signed order.
        e.emit(kSub.at(size), xmm1, xmm1, lanes_literal(e, smallest ^ sign, size));
        e.emit(kGreater.at(size), xmm1, xmm1,
               lanes_literal(e, (infinity - smallest - 1) ^ sign, size));
    }
    leave_if_any(e, slow, xmm1, wide, full);
}

void check_numbers(Emitter& e, const Label& slow, bool wide, bool full, const x86::Xmm& a,
                   const x86::Xmm& b)
{
    constexpr unsigned kUnordered = 3;
    e.emit(wide ? Inst::kIdVcmppd : Inst::kIdVcmpps, xmm3, a, b, Imm(kUnordered));
    leave_if_any(e, slow, xmm3, wide, full);
}

}  // namespace gh::jit
