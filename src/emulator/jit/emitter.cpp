// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/jit/emitter.h"

#include "base/error.h"
#include "emulator/jit/loop_vectors.h"

namespace gh::jit {
namespace {

/// Host code of one instruction is never longer than this, cold part included.
constexpr std::size_t kMostPerItem = 1024;
/// Its links and literals: LD4 has a literal for each register and each 16 bytes.
constexpr std::size_t kMostDataPerItem = 96 + 16 * 16;

std::int32_t distance(const void* to, const void* from)
{
    return static_cast<std::int32_t>(static_cast<const char*>(to) - static_cast<const char*>(from));
}

}  // namespace

Emitter::Emitter(CodeMemory& memory, const cpu::HotState& hot, const Stubs& stubs, bool el0)
    : memory_(memory), hot_(hot), stubs_(stubs), el0_(el0)
{
    holder_.init(asmjit::Environment::host(), reinterpret_cast<std::uintptr_t>(memory.next_code()));
    holder_.attach(this);
}

// ---- Guest registers

x86::Gp Emitter::home(unsigned guest)
{
    for (const Pinned& pinned : kPinned)
        if (pinned.guest == guest)
            return pinned.host;
    return {};
}

x86::Mem Emitter::slot(unsigned guest, bool wide)
{
    return x86::ptr(kState, static_cast<std::int32_t>(guest * 8) - kStateBias, wide ? 8 : 4);
}

void Emitter::load(const x86::Gp& to, unsigned guest, bool wide)
{
    if (guest == cpu::kZero)
        mov(to.r32(), 0);
    else if (const x86::Gp from = home(guest); from.isValid())
        mov(sized(to, wide), sized(from, wide));
    else
        mov(sized(to, wide), slot(guest, wide));
}

void Emitter::start(const x86::Gp& to, unsigned guest, bool wide)
{
    if (const x86::Gp from = home(guest); !from.isValid() || from.id() != to.id())
        load(to, guest, wide);
}

x86::Gp Emitter::read(unsigned guest, const x86::Gp& scratch, bool wide)
{
    if (const x86::Gp from = home(guest); from.isValid())
        return sized(from, wide);
    load(scratch, guest, wide);
    return sized(scratch, wide);
}

x86::Gp Emitter::target(unsigned guest, const x86::Gp& scratch, bool wide)
{
    const x86::Gp own = home(guest);
    return sized(own.isValid() ? own : scratch, wide);
}

void Emitter::write(unsigned guest, const x86::Gp& value)
{
    if (guest == cpu::kSp)
        stack_checked_ = false;
    if (guest == cpu::kSink)
        return;
    const x86::Gp own = home(guest);
    if (!own.isValid())
        mov(slot(guest), value.r64());
    else if (own.id() != value.id())
        mov(sized(own, value.isGpq()), value);
}

void Emitter::with(asmjit::InstId id, const x86::Gp& to, unsigned guest, bool wide)
{
    if (guest == cpu::kZero)
        emit(id, sized(to, wide), Imm(0));
    else if (const x86::Gp from = home(guest); from.isValid())
        emit(id, sized(to, wide), sized(from, wide));
    else
        emit(id, sized(to, wide), slot(guest, wide));
}

void Emitter::constant(const x86::Gp& to, std::uint64_t value)
{
    if (value <= 0xffff'ffff)
        mov(to.r32(), value);
    else
        mov(to.r64(), value);
}

// ---- Other state

x86::Mem Emitter::state(std::size_t offset, unsigned size) const
{
    return x86::ptr(kState, static_cast<std::int32_t>(offset) - kStateBias, size);
}

x86::Mem Emitter::near_state(const void* member, unsigned size) const
{
    return x86::ptr(kState, distance(member, hot_.state) - kStateBias, size);
}

x86::Mem Emitter::exclusive(std::size_t offset, unsigned size) const
{
    return near_state(reinterpret_cast<const char*>(hot_.exclusive) + offset, size);
}

x86::Mem Emitter::irq() const
{
    return near_state(hot_.irq, 1);
}

x86::Mem Emitter::attention() const
{
    return near_state(hot_.attention, 4);
}

x86::Mem Emitter::saved_flags(unsigned size) const
{
    return near_state(&hot_.scratch->flags, size);
}

// ---- NZCV. In memory they lie as LAHF and SETO leave them in AX, carry inverted.

void Emitter::save_flags()
{
    if (carry_ == Carry::Direct)
        cmc();
    carry_ = Carry::Inverted;
    lahf();
    seto(x86::al);
    mov(saved_flags(2), x86::ax);
    flags_in_memory_ = true;
}

void Emitter::spoil_flags(const Item& item)
{
    if (flags_in_host_ && !flags_in_memory_ && item.flags_live)
        save_flags();
    flags_in_host_ = false;
    flags_in_memory_ = true;
}

void Emitter::keep_flags()
{
    if (flags_in_host_ && !flags_in_memory_)
        save_flags();
}

void Emitter::flags_made(Carry carry)
{
    flags_in_host_ = true;
    flags_in_memory_ = false;
    carry_ = carry;
}

void Emitter::restore_flags()
{
    movzx(x86::eax, saved_flags(2));
    add(x86::al, 0x7f);  // overflows for V
    sahf();
}

void Emitter::set_flags(unsigned nzcv)
{
    mov(x86::eax,
        (nzcv & 8) << 12 | (nzcv & 4) << 12 | ((nzcv & 2) == 0 ? 0x100u : 0u) | (nzcv & 1));
    add(x86::al, 0x7f);
    sahf();
}

void Emitter::want_flags()
{
    if (flags_in_host_)
        return;
    restore_flags();
    flags_in_host_ = true;
    carry_ = Carry::Inverted;
}

void Emitter::want_flags(Carry carry)
{
    want_flags();
    if (carry_ != carry)
        cmc();
    carry_ = carry;
}

x86::CondCode Emitter::condition(unsigned arm)
{
    using C = x86::CondCode;
    // In memory most conditions are one bit or two: Z, C and N beside each other, V alone.
    if (!flags_in_host_ && arm < 10) {
        static constexpr struct {
            std::int32_t byte;
            std::uint8_t mask;
            bool holds_if_set;
        } kTests[]{
            {1, 0x40, true}, {1, 0x01, false}, {1, 0x80, true}, {0, 0x01, true}, {1, 0x41, false}};
        const auto& bits_of = kTests[arm >> 1];
        x86::Mem byte = saved_flags(1);
        byte.addOffset(bits_of.byte);
        test(byte, bits_of.mask);
        return bits_of.holds_if_set == ((arm & 1) == 0) ? C::kNZ : C::kZ;
    }
    const bool carried = arm >> 1 == 1;  // CS, CC
    if (arm >> 1 == 4)                   // HI, LS: both flags at once
        want_flags(Carry::Inverted);
    else
        want_flags();
    if (carried && carry_ == Carry::Direct)
        return arm == 2 ? C::kB : C::kAE;
    constexpr C kConditions[]{C::kE,  C::kNE, C::kAE, C::kB,  C::kS, C::kNS, C::kO,
                              C::kNO, C::kA,  C::kBE, C::kGE, C::kL, C::kG,  C::kLE};
    return kConditions[arm];
}

// ---- Memory

Label Emitter::slow_path(const Item& item, Slow how)
{
    return slow_paths_
        .emplace_back(SlowPath{newLabel(), Label(), Label(), &item, how, false, vectors_, {}})
        .at;
}

Label Emitter::need_fp_status(const Item& item, Slow how)
{
    const Label slow = slow_path(item, how);
    slow_paths_.back().claimed = newLabel();
    cmp(near_state(&hot_.scratch->owns_fp_status, 4), 0);
    je(slow);
    bind(slow_paths_.back().claimed);
    return slow;
}

void Emitter::check(const Item& item, const x86::Gp& address, unsigned size, bool write,
                    bool unprivileged)
{
    const bool user = el0_ || unprivileged;
    const std::int32_t table = user && !el0_ ? distance(hot_.user_tlb, hot_.kernel_tlb) : 0;
    constexpr auto kContext = static_cast<std::int32_t>(cpu::Tlb::kContextOffset);
    constexpr unsigned kIndexMask = (cpu::Tlb::kEntries - 1) * sizeof(cpu::TlbEntry);
    static_assert(cpu::kPageSize / sizeof(cpu::TlbEntry) == 1u << 7);
    const Label slow = slow_path(item, Slow::Full);
    // The tag of the last byte: an access that leaves the page cannot match its entry.
    if (size > 1)
        lea(x86::rcx, x86::ptr(address.r64(), static_cast<std::int32_t>(size) - 1));
    else
        mov(x86::rcx, address.r64());
    mov(x86::edx, address.r32());
    shr(x86::edx, 7);
    and_(x86::edx, kIndexMask);
    and_(x86::rcx, -static_cast<std::int64_t>(cpu::kPageSize));
    if (user)
        or_(x86::rcx, x86::qword_ptr(kTlb, table + kContext));
    const std::size_t tag = write ? offsetof(cpu::TlbEntry, write) : offsetof(cpu::TlbEntry, read);
    cmp(x86::rcx, x86::qword_ptr(kTlb, x86::rdx, 0, table + static_cast<std::int32_t>(tag)));
    jne(slow);
    mov(x86::rdx,
        x86::qword_ptr(kTlb, x86::rdx, 0,
                       table + static_cast<std::int32_t>(offsetof(cpu::TlbEntry, addend))));
}

void Emitter::check_stack(const Item& item, unsigned base)
{
    if (base != cpu::kSp || stack_checked_)
        return;
    test(home(cpu::kSp).r32(), 15);
    jne(slow_path(item, Slow::Full));
    stack_checked_ = true;
}

void Emitter::check_alignment(const Item& item, const x86::Gp& address, unsigned size)
{
    if (size == 1)
        return;
    test(address.r32(), size - 1);
    jne(slow_path(item, Slow::Full));
}

void Emitter::check_nonzero(const Item& item, const x86::Mem& memory)
{
    cmp(memory, 0);
    je(slow_path(item, Slow::Full));
}

void Emitter::check_zero(const Item& item, const x86::Mem& memory)
{
    cmp(memory, 0);
    jne(slow_path(item, Slow::Full));
}

void Emitter::check_equal(const Item& item, const x86::Mem& memory, const asmjit::Operand& value)
{
    emit(x86::Inst::kIdCmp, memory, value);
    jne(slow_path(item, Slow::Full));
}

void Emitter::full_barrier()
{
    lock().or_(x86::dword_ptr(x86::rsp), 0);
}

void Emitter::slow_path_returns_here()
{
    const Label back = newLabel();
    bind(back);
    for (auto slow = slow_paths_.rbegin(); slow != slow_paths_.rend() && !slow->bound; ++slow) {
        slow->back = back;
        slow->bound = true;
        slow->vectors_then = vectors_;
    }
}

// ---- Calls and exits

void Emitter::handler_arguments(const Item& item)
{
    mov(x86::rax, reinterpret_cast<std::uintptr_t>(item.insn));
    mov(x86::rcx, reinterpret_cast<std::uintptr_t>(item.block));
}

void Emitter::call_handler(const Item& item)
{
    spoil_flags(item);
    spill_vectors();
    count_call(item, false);
    handler_arguments(item);
    call(Imm(reinterpret_cast<std::uintptr_t>(stubs_.call_handler)));
    stack_checked_ = false;
}

void Emitter::call_simd_handler(const Item& item)
{
    spoil_flags(item);
    spill_vectors();
    count_call(item, false);
    handler_arguments(item);
    call(Imm(reinterpret_cast<std::uintptr_t>(stubs_.call_simd_handler)));
}

Emitter::Thunk Emitter::new_thunk(std::uint64_t target, bool within_page)
{
    Link* const link = memory_.make<Link>();
    link->target = target;
    link->within_page = within_page;
    return thunks_.emplace_back(Thunk{newLabel(), link});
}

/// Goes to the thunk if the target's page is not mapped as when the link was made.
void Emitter::check_mapping(const Thunk& thunk)
{
    const std::uint64_t target = thunk.link->target;
    const auto entry = static_cast<std::int32_t>(target / cpu::kPageSize % cpu::Tlb::kEntries *
                                                 sizeof(cpu::TlbEntry));
    constant(x86::rax, target & cpu::kPageMask);
    if (el0_)
        or_(x86::rax, x86::qword_ptr(kTlb, cpu::Tlb::kContextOffset));
    cmp(x86::rax,
        x86::qword_ptr(kTlb, entry + static_cast<std::int32_t>(offsetof(cpu::TlbEntry, fetch))));
    jne(thunk.at);
    mov(x86::rax,
        x86::qword_ptr(kTlb, entry + static_cast<std::int32_t>(offsetof(cpu::TlbEntry, addend))));
    cmp(x86::rax, x86::ptr_rel(reinterpret_cast<std::uintptr_t>(&thunk.link->addend), 8));
    jne(thunk.at);
}

void Emitter::jump_through(std::uint64_t from, std::uint64_t target, Way way)
{
    const Thunk thunk = new_thunk(target, ((from ^ target) & cpu::kPageMask) == 0);
    if (target <= from) {
        // Only a way back can close a loop: there, look whether somebody wants us.
        cmp(attention(), 0);
        jne(thunk.at);
    }
    if (!thunk.link->within_page)
        check_mapping(thunk);
    if (way == Way::Call)
        push_return_address();
    const auto id = way == Way::Call ? x86::Inst::kIdCall : x86::Inst::kIdJmp;
    if (target == head_va_)
        emit(id, head_);
    else
        emit(id, x86::ptr_rel(reinterpret_cast<std::uintptr_t>(&thunk.link->go), 8));
}

void Emitter::go_to(const VectorHomes& vectors, std::uint64_t from, std::uint64_t target)
{
    if (target == head_va_ && !loop_vectors_.empty() && vectors.include(loop_vectors_)) {
        const Label wanted = newLabel();
        cmp(attention(), 0);
        jne(wanted);
        store_vectors(vectors.without(loop_vectors_));
        jmp(loop_head_);
        bind(wanted);
    }
    store_vectors(vectors);
    jump_through(from, target);
}

void Emitter::leave(const Item& item, std::uint64_t target)
{
    keep_flags();
    go_to(vectors_, item.va, target);
}

Label Emitter::side_exit(const Item& item, std::uint64_t target)
{
    const Label at = newLabel();
    side_exits_.push_back(
        {at, target, item.va, flags_in_host_ && !flags_in_memory_, carry_, vectors_});
    return at;
}

void Emitter::leave_to_rax()
{
    store_vectors(vectors_);
    jmp(Imm(reinterpret_cast<std::uintptr_t>(stubs_.leave_to_rax[el0_ ? 0 : 1])));
}

/// Before a host call; keeps rax.
void Emitter::push_return_address()
{
    const Label room = newLabel();
    cmp(x86::rsp, x86::ptr_rel(reinterpret_cast<std::uintptr_t>(&stubs_.stack->limit), 8));
    ja(room);
    mov(x86::rsp, x86::ptr_rel(reinterpret_cast<std::uintptr_t>(&stubs_.stack->bottom), 8));
    bind(room);
    push(slot(30));
}

/// Behind a host call. Whatever changes the exception level or a mapping leaves host code, also by
/// attention_, at which RET looks; so within the page of the call all is as it was, but for the
/// code.
void Emitter::land(std::uint64_t from, std::uint64_t target)
{
    const Thunk thunk = new_thunk(target, ((from ^ target) & cpu::kPageMask) == 0);
    lea(x86::rsp, x86::ptr(x86::rsp, 8));
    if (!thunk.link->within_page)
        check_mapping(thunk);
    jmp(x86::ptr_rel(reinterpret_cast<std::uintptr_t>(&thunk.link->go), 8));
}

void Emitter::call_guest(const Item& item, std::uint64_t target)
{
    keep_flags();
    store_vectors(vectors_);
    jump_through(item.va, target, Way::Call);
    land(item.va, item.va + 4);
}

void Emitter::call_guest_at_rax(const Item& item)
{
    store_vectors(vectors_);
    push_return_address();
    call(Imm(reinterpret_cast<std::uintptr_t>(stubs_.leave_to_rax[el0_ ? 0 : 1])));
    land(item.va, item.va + 4);
}

void Emitter::return_to_rax()
{
    store_vectors(vectors_);
    const Label elsewhere = newLabel();
    cmp(attention(), 0);
    jne(elsewhere);
    cmp(x86::rax, x86::qword_ptr(x86::rsp, 8));
    jne(elsewhere);
    ret();
    bind(elsewhere);
    jmp(Imm(reinterpret_cast<std::uintptr_t>(stubs_.leave_to_rax[el0_ ? 0 : 1])));
}

// ---- A unit

void Emitter::emit_item(const Item& item)
{
    if (item.row.emit == nullptr || !item.row.emit(*this, item))
        call_handler(item);
}

void Emitter::emit_cold_parts()
{
    for (const SideExit& exit : side_exits_) {
        bind(exit.at);
        if (exit.save) {
            carry_ = exit.carry;
            save_flags();
        }
        go_to(exit.vectors, exit.from, exit.target);
    }
    for (const SlowPath& slow : slow_paths_) {
        bind(slow.at);
        if (slow.claimed.isValid()) {
            call(Imm(reinterpret_cast<std::uintptr_t>(stubs_.claim_fp_status)));
            je(slow.claimed);
        }
        store_vectors(slow.vectors);
        count_call(*slow.item, true);
        handler_arguments(*slow.item);
        const bool quiet = slow.how == Slow::Quiet;
        call(Imm(reinterpret_cast<std::uintptr_t>(quiet ? stubs_.call_simd_handler
                                                        : stubs_.call_handler)));
        load_vectors(slow.vectors_then);
        if (slow.how == Slow::Flags)
            restore_flags();
        jmp(slow.back);
    }
    for (const Thunk& thunk : thunks_) {
        bind(thunk.at);
        mov(x86::rax, reinterpret_cast<std::uintptr_t>(thunk.link));
        jmp(Imm(reinterpret_cast<std::uintptr_t>(stubs_.leave_by_link)));
    }
}

Unit* Emitter::translate(const Items& items, Loops loops)
{
    if (memory_.code_left() < items.size() * kMostPerItem + 4096 ||
        memory_.data_left() < items.size() * kMostDataPerItem + 4096)
        return nullptr;
    head_ = newLabel();
    if (loops == Loops::Inside)
        head_va_ = items.front().va;
    bind(head_);
    hold_for_loop(loop_vectors(items));
    count_unit(items.front());
    for (std::size_t i = 0; i < items.size(); ++i) {
        count_block(items, i);
        emit_item(items[i]);
    }
    const Item& last = items.back();
    if (!last.row.traits.ends)
        leave(last, last.va + 4);
    emit_cold_parts();

    holder_.flatten();
    const std::size_t size = holder_.codeSize();
    GH_CHECK(size <= memory_.code_left());
    holder_.relocateToBase(reinterpret_cast<std::uintptr_t>(memory_.next_code()));
    holder_.copyFlattenedData(memory_.writable_code(), memory_.code_left());
    std::byte* const base = memory_.next_code();
    for (const Thunk& thunk : thunks_) {
        thunk.link->thunk = base + holder_.labelOffset(thunk.at);
        thunk.link->go = thunk.link->thunk;
    }
    Unit* const unit = memory_.make<Unit>();
    unit->entry = base;
    unit->head = items.front().block;
    unit->size = static_cast<std::uint32_t>(size);
    memory_.commit_code(size);
    return unit;
}

}  // namespace gh::jit
