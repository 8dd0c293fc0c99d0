// SPDX-License-Identifier: BSD-3-Clause
// The ways between C++ and translated code.
#include "emulator/jit/stubs.h"

#include "base/error.h"
#include "emulator/cpu/block_cache.h"
#include "emulator/cpu/cpu.h"
#include "emulator/cpu/softfloat.h"
#include "emulator/jit/emitter.h"
#include "emulator/jit/translator.h"

#include <algorithm>
#include <bit>
#include <initializer_list>

namespace gh::jit {
namespace {

/// NZCV as LAHF and SETO leave them in AX.
constexpr std::uint32_t kFlagBits = 0xc101;
constexpr std::uint32_t kCarryBit = 0x0100;

/// MXCSR as threads have it: all exceptions masked, to nearest, no flag set.
constexpr std::uint32_t kMxcsr = 0x1f80;
/// FPSR's flags of what the host tells as the guest wants it told. MXCSR has them one bit higher;
/// invalid operations are handlers' business, and Arm has no flag for denormal operands alone.
constexpr std::uint32_t kTold = cpu::kFpsrDzc | cpu::kFpsrOfc | cpu::kFpsrUfc | cpu::kFpsrIxc;

/// Emits stubs one after the other; all of them know the addresses of this PE's state.
class StubEmitter {
public:
    StubEmitter(CodeMemory& memory, const cpu::HotState& hot, Jit& jit, cpu::Cpu& cpu)
        : memory_(memory), hot_(hot), jit_(jit), cpu_(cpu)
    {
        flag_mask_ = memory.make<std::uint64_t>(kFlagBits);
        stack_ = memory.make<HostStack>();
        mxcsr_ = memory.make<std::uint64_t>(kMxcsr);
    }

    HostStack* stack() const { return stack_; }
    const void* look_up();
    const void* enter(const void* look_up);
    const void* call_handler();
    const void* call_simd_handler();
    const void* claim_fp_status();
    const void* leave_by_link();
    const void* leave_to_rax(Stubs::JumpTable& jumps, bool el0, const void* look_up);

private:
    void begin()
    {
        code_.reset();
        code_.init(asmjit::Environment::host(),
                   reinterpret_cast<std::uintptr_t>(memory_.next_code()));
        code_.attach(&a_);
    }
    const void* end()
    {
        const void* const place = memory_.next_code();
        code_.flatten();
        code_.relocateToBase(reinterpret_cast<std::uintptr_t>(place));
        code_.copyFlattenedData(memory_.writable_code(), memory_.code_left());
        memory_.commit_code(code_.codeSize());
        code_.detach(&a_);
        return place;
    }
    x86::Mem near_state(const void* member, unsigned size) const
    {
        const auto offset = static_cast<const char*>(member) -
                            reinterpret_cast<const char*>(hot_.state) - kStateBias;
        return x86::ptr(kState, static_cast<std::int32_t>(offset), size);
    }
    x86::Mem flag_mask() const
    {
        return x86::ptr_rel(reinterpret_cast<std::uintptr_t>(flag_mask_), 4);
    }
    static x86::Mem stack_word(const std::uintptr_t& word)
    {
        return x86::ptr_rel(reinterpret_cast<std::uintptr_t>(&word), 8);
    }
    x86::Mem owns_fp_status() const { return near_state(&hot_.scratch->owns_fp_status, 4); }
    x86::Mem nzcv() const { return near_state(&hot_.state->nzcv, 4); }

    void store_pinned();
    void load_pinned();
    void store_flags();          // saved flags to State::nzcv; spoils eax
    void load_flags();           // and back
    void give_back_fp_status();  // spoils edx
    void call(const void* function);
    void go_on();  // as the Resume in rax and rdx says
    void epilogue();

    static constexpr std::initializer_list<x86::Gp> kPreserved{x86::rbx, x86::rbp, x86::r12,
                                                               x86::r13, x86::r14, x86::r15};

    CodeMemory& memory_;
    const cpu::HotState& hot_;
    Jit& jit_;
    cpu::Cpu& cpu_;
    std::uint64_t* flag_mask_;
    HostStack* stack_;
    std::uint64_t* mxcsr_;
    asmjit::CodeHolder code_;
    x86::Assembler a_;
};

void StubEmitter::store_pinned()
{
    for (const Pinned& pinned : kPinned)
        a_.mov(Emitter::slot(pinned.guest), pinned.host);
}

void StubEmitter::load_pinned()
{
    for (const Pinned& pinned : kPinned)
        a_.mov(pinned.host, Emitter::slot(pinned.guest));
}

void StubEmitter::store_flags()
{
    a_.movzx(x86::eax, near_state(&hot_.scratch->flags, 2));
    a_.xor_(x86::eax, kCarryBit);
    a_.pext(x86::eax, x86::eax, flag_mask());
    a_.shl(x86::eax, 28);
    a_.mov(nzcv(), x86::eax);
}

void StubEmitter::load_flags()
{
    a_.mov(x86::eax, nzcv());
    a_.shr(x86::eax, 28);
    a_.pdep(x86::eax, x86::eax, flag_mask());
    a_.xor_(x86::eax, kCarryBit);
    a_.mov(near_state(&hot_.scratch->flags, 2), x86::ax);
}

const void* StubEmitter::claim_fp_status()
{
    begin();
    const Label back = a_.newLabel();
    a_.cmp(owns_fp_status(), 0);
    a_.jne(back);
    a_.test(near_state(&hot_.state->fpcr, 4), cpu::kFpcrFz | cpu::kFpcrRMode);
    a_.jne(back);
    a_.ldmxcsr(x86::ptr_rel(reinterpret_cast<std::uintptr_t>(mxcsr_), 4));
    a_.mov(owns_fp_status(), 1);
    a_.bind(back);  // and the comparison that was not equal, or the test, tells
    a_.ret();
    return end();
}

void StubEmitter::give_back_fp_status()
{
    const Label done = a_.newLabel();
    const x86::Mem status = near_state(&hot_.scratch->fp_status, 4);
    a_.cmp(owns_fp_status(), 0);
    a_.je(done);
    a_.stmxcsr(status);
    a_.mov(x86::edx, status);
    a_.shr(x86::edx, 1);
    a_.and_(x86::edx, kTold);
    a_.or_(near_state(&hot_.state->fpsr, 4), x86::edx);
    a_.mov(owns_fp_status(), 0);
    a_.bind(done);
}

void StubEmitter::call(const void* function)
{
    a_.mov(x86::rax, reinterpret_cast<std::uintptr_t>(function));
    a_.call(x86::rax);
}

void StubEmitter::epilogue()
{
    a_.mov(x86::rsp, stack_word(stack_->bottom));
    a_.add(x86::rsp, 24);
    for (const auto* reg = kPreserved.end(); reg != kPreserved.begin();)
        a_.pop(*--reg);
    a_.ret();
}

/// Asks for the code at rax.
const void* StubEmitter::look_up()
{
    begin();
    give_back_fp_status();
    store_pinned();
    a_.mov(x86::rsi, x86::rax);
    store_flags();
    // Also the bottom of the stack leads here, and has been taken off it then.
    a_.and_(x86::rsp, -16);
    a_.mov(x86::rdi, reinterpret_cast<std::uintptr_t>(&jit_));
    call(reinterpret_cast<const void*>(&Jit::resume_at));
    go_on();
    return end();
}

const void* StubEmitter::enter(const void* look_up)
{
    begin();
    for (const x86::Gp& reg : kPreserved)
        a_.push(reg);
    a_.push(-1);
    a_.push(-1);  // as X30: no code has this address
    a_.mov(x86::rax, reinterpret_cast<std::uintptr_t>(look_up));
    a_.push(x86::rax);
    a_.mov(stack_word(stack_->bottom), x86::rsp);
    a_.lea(x86::rax, x86::ptr(x86::rsp, -static_cast<std::int32_t>(HostStack::kSize)));
    a_.mov(stack_word(stack_->limit), x86::rax);
    a_.lea(kState, x86::ptr(x86::rsi, kStateBias));
    a_.mov(kTlb, x86::rdx);
    load_flags();
    a_.mov(x86::rax, x86::rdi);
    load_pinned();
    a_.jmp(x86::rax);
    return end();
}

const void* StubEmitter::call_handler()
{
    begin();
    const Label leave = a_.newLabel();
    give_back_fp_status();
    store_pinned();
    a_.mov(x86::rbx, x86::rax);
    store_flags();
    a_.mov(near_state(hot_.block, 8), x86::rcx);
    a_.mov(x86::rdi, reinterpret_cast<std::uintptr_t>(&cpu_));
    a_.mov(x86::rsi, x86::rbx);
    a_.sub(x86::rsp, 8);
    a_.call(x86::qword_ptr(x86::rbx, offsetof(cpu::Insn, run)));
    a_.add(x86::rsp, 8);
    a_.lea(x86::rcx, x86::ptr(x86::rbx, sizeof(cpu::Insn)));
    a_.cmp(x86::rax, x86::rcx);
    a_.jne(leave);
    // It may have changed the code that runs: T0 knows what to do next.
    a_.mov(x86::rcx, near_state(hot_.block, 8));
    a_.cmp(x86::byte_ptr(x86::rcx, offsetof(cpu::Block, live)), 0);
    a_.je(leave);
    load_flags();
    load_pinned();
    a_.ret();
    a_.bind(leave);
    epilogue();
    return end();
}

const void* StubEmitter::call_simd_handler()
{
    begin();
    static constexpr std::initializer_list<x86::Gp> kVolatile{x86::rsi, x86::rdi, x86::r8,
                                                              x86::r9,  x86::r10, x86::r11};
    const auto is_volatile = [](const x86::Gp& reg) {
        return std::any_of(kVolatile.begin(), kVolatile.end(),
                           [&](const x86::Gp& one) { return one.id() == reg.id(); });
    };
    for (const Pinned& pinned : kPinned)
        if (is_volatile(pinned.host))
            a_.mov(Emitter::slot(pinned.guest), pinned.host);
    give_back_fp_status();
    a_.mov(near_state(hot_.block, 8), x86::rcx);
    a_.mov(x86::rdi, reinterpret_cast<std::uintptr_t>(&cpu_));
    a_.mov(x86::rsi, x86::rax);
    a_.sub(x86::rsp, 8);
    a_.call(x86::qword_ptr(x86::rax, offsetof(cpu::Insn, run)));
    a_.add(x86::rsp, 8);
    for (const Pinned& pinned : kPinned)
        if (is_volatile(pinned.host))
            a_.mov(pinned.host, Emitter::slot(pinned.guest));
    a_.ret();
    return end();
}

void StubEmitter::go_on()
{
    const Label leave = a_.newLabel();
    a_.test(x86::rdx, x86::rdx);
    a_.jz(leave);
    load_flags();
    load_pinned();
    a_.jmp(x86::rdx);
    a_.bind(leave);
    epilogue();
}

const void* StubEmitter::leave_by_link()
{
    begin();
    give_back_fp_status();
    store_pinned();
    a_.mov(x86::rsi, x86::rax);
    store_flags();
    a_.mov(x86::rdi, reinterpret_cast<std::uintptr_t>(&jit_));
    call(reinterpret_cast<const void*>(&Jit::resume_at_link));
    go_on();
    return end();
}

const void* StubEmitter::leave_to_rax(Stubs::JumpTable& jumps, bool el0, const void* look_up)
{
    const auto* const table =
        memory_.make<std::uintptr_t>(reinterpret_cast<std::uintptr_t>(jumps.data()));
    begin();
    const Label miss = a_.newLabel();
    a_.cmp(near_state(hot_.attention, 4), 0);
    a_.jne(miss);
    a_.mov(x86::ecx, x86::eax);
    a_.shr(x86::ecx, 7);
    a_.and_(x86::ecx, (cpu::Tlb::kEntries - 1) * sizeof(cpu::TlbEntry));
    a_.mov(x86::rdx, x86::rax);
    a_.and_(x86::rdx, -static_cast<std::int64_t>(cpu::kPageSize));
    if (el0)
        a_.or_(x86::rdx, x86::qword_ptr(kTlb, cpu::Tlb::kContextOffset));
    a_.cmp(x86::rdx, x86::qword_ptr(kTlb, x86::rcx, 0, offsetof(cpu::TlbEntry, fetch)));
    a_.jne(miss);
    a_.mov(x86::rcx, x86::qword_ptr(kTlb, x86::rcx, 0, offsetof(cpu::TlbEntry, addend)));
    static_assert(sizeof(JumpEntry) == 32);
    a_.mov(x86::edx, x86::eax);
    a_.shl(x86::edx, 3);
    a_.and_(x86::edx, (Stubs::kJumps - 1) * sizeof(JumpEntry));
    a_.add(x86::rdx, x86::ptr_rel(reinterpret_cast<std::uintptr_t>(table), 8));
    a_.cmp(x86::rax, x86::qword_ptr(x86::rdx, offsetof(JumpEntry, va)));
    a_.jne(miss);
    a_.cmp(x86::rcx, x86::qword_ptr(x86::rdx, offsetof(JumpEntry, addend)));
    a_.jne(miss);
    a_.jmp(x86::qword_ptr(x86::rdx, offsetof(JumpEntry, entry)));
    a_.bind(miss);
    a_.jmp(Imm(reinterpret_cast<std::uintptr_t>(look_up)));
    return end();
}

}  // namespace

Stubs Stubs::make(CodeMemory& memory, const cpu::HotState& hot, Jit& jit, cpu::Cpu& cpu)
{
    StubEmitter emitter(memory, hot, jit, cpu);
    Stubs stubs;
    const void* const look_up = emitter.look_up();
    stubs.stack = emitter.stack();
    for (const bool el0 : {true, false}) {
        const unsigned level = el0 ? 0 : 1;
        stubs.jumps[level] = memory.make<JumpTable>();
        stubs.leave_to_rax[level] = emitter.leave_to_rax(*stubs.jumps[level], el0, look_up);
    }
    stubs.enter = std::bit_cast<Enter>(emitter.enter(look_up));
    stubs.call_handler = emitter.call_handler();
    stubs.call_simd_handler = emitter.call_simd_handler();
    stubs.claim_fp_status = emitter.claim_fp_status();
    stubs.leave_by_link = emitter.leave_by_link();
    return stubs;
}

}  // namespace gh::jit
