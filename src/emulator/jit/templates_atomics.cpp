// SPDX-License-Identifier: BSD-3-Clause
// Atomic memory operations of LSE, and exclusives (DDI 0487 C4.1.96). Locked instructions of x86
// order everything, which every ordering suffix allows.
#include "emulator/cpu/exclusive.h"
#include "emulator/cpu/operands.h"
#include "emulator/jit/emitter.h"
#include "emulator/jit/templates.h"

namespace gh::jit {
namespace {

using cpu::field5;
namespace Inst = x86::Inst;

struct Access {
    unsigned size;  // bytes
    unsigned base;
    unsigned rs;  // the operand, or what CAS expects
    unsigned rt;
};

Access access_of(std::uint32_t word)
{
    return {1u << bits(word, 30, 2), field5(word, 5), field5(word, 16), field5(word, 0)};
}

x86::Gp part(const x86::Gp& reg, unsigned size)
{
    switch (size) {
    case 1: return reg.r8();
    case 2: return reg.r16();
    case 4: return reg.r32();
    default: return reg.r64();
    }
}

/// Checks base and alignment, and leaves the host address in rdx.
void find(Emitter& e, const Item& item, const Access& access, bool write)
{
    e.spoil_flags(item);
    e.check_stack(item, access.base);
    const x86::Gp address = e.read(access.base, x86::rax);
    e.check_alignment(item, address, access.size);
    e.check(item, address, access.size, write);
    e.lea(x86::rdx, x86::ptr(x86::rdx, address.r64()));
}

x86::Mem found(unsigned size)
{
    return x86::ptr(x86::rdx, 0, size);
}

/// The old value, which lies in the low part of `reg`, becomes `guest`.
void deliver(Emitter& e, unsigned guest, const x86::Gp& reg, unsigned size)
{
    if (size < 4)
        e.movzx(reg.r32(), part(reg, size));
    e.write(guest, size == 8 ? x86::Gp(reg.r64()) : x86::Gp(reg.r32()));
}

bool add(Emitter& e, const Item& item)
{
    const Access access = access_of(item.word);
    find(e, item, access, true);
    e.load(x86::rcx, cpu::source(static_cast<std::uint8_t>(access.rs)));
    e.lock().xadd(found(access.size), part(x86::rcx, access.size));
    deliver(e, cpu::destination(static_cast<std::uint8_t>(access.rt)), x86::rcx, access.size);
    e.slow_path_returns_here();
    return true;
}

bool swap(Emitter& e, const Item& item)
{
    const Access access = access_of(item.word);
    find(e, item, access, true);
    e.load(x86::rcx, cpu::source(static_cast<std::uint8_t>(access.rs)));
    e.xchg(found(access.size), part(x86::rcx, access.size));
    deliver(e, cpu::destination(static_cast<std::uint8_t>(access.rt)), x86::rcx, access.size);
    e.slow_path_returns_here();
    return true;
}

/// LDCLR, LDEOR, LDSET: one instruction where nobody wants the old value, else a loop.
template <asmjit::InstId kId, bool kInverts>
bool logic(Emitter& e, const Item& item)
{
    const Access access = access_of(item.word);
    find(e, item, access, true);
    const x86::Mem memory = found(access.size);
    if (access.rt == 31) {
        e.load(x86::rcx, cpu::source(static_cast<std::uint8_t>(access.rs)));
        if (kInverts)
            e.not_(x86::rcx);
        e.lock();
        e.emit(kId, memory, part(x86::rcx, access.size));
    } else {
        const Label again = e.newLabel();
        e.mov(part(x86::rax, access.size), memory);
        e.bind(again);
        e.load(x86::rcx, cpu::source(static_cast<std::uint8_t>(access.rs)));
        if (kInverts)
            e.not_(x86::rcx);
        e.emit(kId, x86::rcx, x86::rax);
        e.lock().cmpxchg(memory, part(x86::rcx, access.size), part(x86::rax, access.size));
        e.jne(again);
        deliver(e, access.rt, x86::rax, access.size);
    }
    e.slow_path_returns_here();
    return true;
}

bool compare_and_swap(Emitter& e, const Item& item)
{
    const Access access = access_of(item.word);
    find(e, item, access, true);
    // CMPXCHG leaves EAX alone when it succeeds, the upper half of RAX too.
    e.load(x86::rax, cpu::source(static_cast<std::uint8_t>(access.rs)), access.size == 8);
    e.load(x86::rcx, cpu::source(static_cast<std::uint8_t>(access.rt)));
    e.lock().cmpxchg(found(access.size), part(x86::rcx, access.size), part(x86::rax, access.size));
    deliver(e, cpu::destination(static_cast<std::uint8_t>(access.rs)), x86::rax, access.size);
    e.slow_path_returns_here();
    return true;
}

bool load_exclusive(Emitter& e, const Item& item)
{
    const Access access = access_of(item.word);
    find(e, item, access, false);
    const x86::Gp value = x86::rcx;
    if (access.size < 4)
        e.movzx(value.r32(), found(access.size));
    else
        e.mov(part(value, access.size), found(access.size));
    e.mov(e.exclusive(offsetof(cpu::Exclusive, host), 8), x86::rdx);
    e.mov(e.exclusive(offsetof(cpu::Exclusive, size), 1), access.size);
    e.mov(e.exclusive(offsetof(cpu::Exclusive, value), 8), value);
    e.write(cpu::destination(static_cast<std::uint8_t>(access.rt)), value.r64());
    e.slow_path_returns_here();
    return true;
}

/// A reservation of another place or size, and none at all, are the handler's.
bool store_exclusive(Emitter& e, const Item& item)
{
    const Access access = access_of(item.word);
    e.spoil_flags(item);
    e.check_nonzero(item, e.exclusive(offsetof(cpu::Exclusive, host), 8));
    find(e, item, access, true);
    e.check_equal(item, e.exclusive(offsetof(cpu::Exclusive, host), 8), x86::rdx);
    e.check_equal(item, e.exclusive(offsetof(cpu::Exclusive, size), 1), Imm(access.size));
    e.mov(x86::rax, e.exclusive(offsetof(cpu::Exclusive, value), 8));
    e.mov(e.exclusive(offsetof(cpu::Exclusive, host), 8), 0);
    e.load(x86::rcx, cpu::source(static_cast<std::uint8_t>(access.rt)));
    e.lock().cmpxchg(found(access.size), part(x86::rcx, access.size), part(x86::rax, access.size));
    e.setne(x86::al);
    e.movzx(x86::eax, x86::al);
    e.write(cpu::destination(static_cast<std::uint8_t>(access.rs)), x86::eax);
    e.slow_path_returns_here();
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::LDADD, {add, kMayFault}},
    {cpu::SWP, {swap, kMayFault}},
    {cpu::LDCLR, {logic<Inst::kIdAnd, true>, kMayFault}},
    {cpu::LDEOR, {logic<Inst::kIdXor, false>, kMayFault}},
    {cpu::LDSET, {logic<Inst::kIdOr, false>, kMayFault}},
    {cpu::CAS, {compare_and_swap, kMayFault}},
    {cpu::LDXR, {load_exclusive, kMayFault}},
    {cpu::LDAXR, {load_exclusive, kMayFault}},
    {cpu::STXR, {store_exclusive, kMayFault}},
    {cpu::STLXR, {store_exclusive, kMayFault}},
};

}  // namespace

std::span<const TemplateRow> atomic_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
