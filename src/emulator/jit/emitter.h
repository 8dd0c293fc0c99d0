// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/state.h"
#include "emulator/cpu/tlb.h"
#include "emulator/cpu/translator.h"
#include "emulator/jit/stubs.h"
#include "emulator/jit/unit.h"
#include "emulator/jit/vector_homes.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <asmjit/x86.h>

namespace gh::cpu {
struct Spot;
}

namespace gh::jit {

namespace x86 = asmjit::x86;
using asmjit::Imm;
using asmjit::Label;

/// Host registers in translated code. rbp points into State, r15 at the TLB of this exception
/// level; rax, rcx and rdx are scratch; the others hold guest registers (kPinned) from entry to
/// exit.
inline constexpr x86::Gp kState = x86::rbp;
inline constexpr x86::Gp kTlb = x86::r15;
inline constexpr std::int32_t kStateBias = 128;  // rbp - &State: x0 to x31 have short offsets

struct Pinned {
    std::uint8_t guest;
    x86::Gp host;
};
/// The registers that kernels and compilers use most (cpu-engine.md 2.4).
inline constexpr Pinned kPinned[] = {
    {0, x86::rbx}, {1, x86::rsi}, {2, x86::rdi},  {3, x86::r8},   {4, x86::r9},
    {5, x86::r10}, {6, x86::r11}, {19, x86::r12}, {20, x86::r13}, {cpu::kSp, x86::r14},
};

inline x86::Gp sized(const x86::Gp& reg, bool wide)
{
    return wide ? x86::Gp(reg.r64()) : x86::Gp(reg.r32());
}

/// Condition codes while NZCV are in EFLAGS: x86's carry after a subtraction is the inverse of
/// Arm's, after an addition the same.
enum class Carry : std::uint8_t { Inverted, Direct };

/// asmjit's assembler with the guest's registers, flags and memory. One unit at a time.
class Emitter final : public x86::Assembler {
public:
    Emitter(CodeMemory& memory, const cpu::HotState& hot, const Stubs& stubs, bool el0);

    // ---- Guest registers, by index in State::x.

    /// The host register that holds `guest`, or an invalid one.
    static x86::Gp home(unsigned guest);
    /// Where `guest` lies in memory if it has no home.
    static x86::Mem slot(unsigned guest, bool wide = true);
    /// `guest` in a register that may be read: its home, or `scratch`. Keeps EFLAGS.
    x86::Gp read(unsigned guest, const x86::Gp& scratch, bool wide = true);
    /// Copies `guest` into `to`. Keeps EFLAGS.
    void load(const x86::Gp& to, unsigned guest, bool wide = true);
    /// The same, for a register that an instruction of this width overwrites next.
    void start(const x86::Gp& to, unsigned guest, bool wide);
    /// The register to compute `guest` in: its home, or `scratch`; write() it afterwards.
    static x86::Gp target(unsigned guest, const x86::Gp& scratch, bool wide = true);
    void write(unsigned guest, const x86::Gp& value);
    /// `id to, guest`: a two-operand instruction whose source is a guest register.
    void with(asmjit::InstId id, const x86::Gp& to, unsigned guest, bool wide);
    /// A constant into a register, shortest form. Keeps EFLAGS.
    void constant(const x86::Gp& to, std::uint64_t value);

    // ---- Other state.

    x86::Mem state(std::size_t offset, unsigned size) const;
    x86::Mem exclusive(std::size_t offset, unsigned size) const;
    /// The level of the interrupt line, a byte.
    [[nodiscard]] x86::Mem irq() const;
    [[nodiscard]] bool el0() const noexcept { return el0_; }

    // ---- V registers. xmm0 to xmm3 are scratch, the others hold what was used last.

    /// All of `v` in a register that may be read until five others were asked for.
    x86::Xmm read_vector(unsigned v);
    /// `id to, first, second`, the sources V registers.
    void combine(asmjit::InstId id, const x86::Xmm& to, unsigned first, unsigned second);
    /// `size` bytes of `v`, `offset` bytes from its lowest, as memory to be read.
    x86::Mem vector_lane(unsigned v, unsigned size, unsigned offset);
    /// `v` = the low `size` bytes (4, 8 or 16) of `value`, and zeros.
    void write_vector(unsigned v, const x86::Xmm& value, unsigned size = 16);
    /// A constant of 16 bytes in memory.
    x86::Mem literal(std::uint64_t low, std::uint64_t high);

    // ---- NZCV.

    /// Before an instruction that spoils EFLAGS, or at which somebody may look at the guest's.
    void spoil_flags(const Item& item);
    /// EFLAGS now hold the guest's flags.
    void flags_made(Carry carry);
    /// Sees to it that memory holds the guest's flags, as well as EFLAGS if those do.
    void keep_flags();
    /// Sees to it that EFLAGS hold the guest's flags.
    void want_flags();
    /// The same with the carry as `carry` says.
    void want_flags(Carry carry);
    /// Puts constant flags into EFLAGS, the carry inverted; flags_made() is up to the caller.
    void set_flags(unsigned nzcv);
    /// The x86 condition of an Arm condition other than AL and NV, after want_flags().
    x86::CondCode condition(unsigned arm);

    // ---- Memory.

    /// Emits the check of `size` bytes at `address` (not rcx, rdx) and leaves the addend in rdx;
    /// goes to the instruction's handler if the TLB does not have the page. `unprivileged`: as EL0.
    void check(const Item& item, const x86::Gp& address, unsigned size, bool write,
               bool unprivileged = false);
    /// SP as a base address must be a multiple of 16.
    void check_stack(const Item& item, unsigned base);
    /// `address` must be a multiple of `size`, a power of two.
    void check_alignment(const Item& item, const x86::Gp& address, unsigned size);
    /// Goes to the handler if `memory` is zero, is not `value`, is not zero.
    void check_nonzero(const Item& item, const x86::Mem& memory);
    void check_equal(const Item& item, const x86::Mem& memory, const asmjit::Operand& value);
    void check_zero(const Item& item, const x86::Mem& memory);
    /// Where the instruction's handler is called instead: all of it, or as call_simd_handler()
    /// does. With `Flags` it writes NZCV, which then are in EFLAGS as after
    /// flags_made(Carry::Inverted).
    enum class Slow : std::uint8_t { Full, Quiet, Flags };
    Label slow_path(const Item& item, Slow how);
    /// The same for floating point by the host, whose status is the guest's from here on (stubs.h):
    /// with FPCR rounding to nearest and not flushing. Elsewise the slow path is taken. Spoils
    /// EFLAGS.
    Label need_fp_status(const Item& item, Slow how);
    /// No later load before an earlier store.
    void full_barrier();
    /// Where an instruction whose handler was called goes on; once, after its last check().
    void slow_path_returns_here();

    // ---- Calls and exits.

    /// Runs the instruction's handler.
    void call_handler(const Item& item);
    /// Runs it where it touches V registers and FPSR alone.
    void call_simd_handler(const Item& item);
    /// Leaves for `target`.
    void leave(const Item& item, std::uint64_t target);
    /// A label that leaves for `target` with the flags as they are now.
    Label side_exit(const Item& item, std::uint64_t target);
    /// Leaves for the address in rax.
    void leave_to_rax();
    /// The same as a call: X30 was written, and a RET to it comes back here and goes on there.
    void call_guest(const Item& item, std::uint64_t target);
    void call_guest_at_rax(const Item& item);
    /// Leaves for the address in rax, which most likely is where the latest call returns to.
    void return_to_rax();

    /// Where a way back to the unit's own head goes.
    enum class Loops : std::uint8_t { Inside, Outside };
    /// Translates `items`. Null: no room.
    Unit* translate(const Items& items, Loops loops = Loops::Inside);

private:
    struct SlowPath {
        Label at;
        Label back;
        Label claimed;  // where to go on once the host's floating-point status is the guest's
        const Item* item;
        Slow how;
        bool bound;
        VectorHomes vectors;       // when it is taken
        VectorHomes vectors_then;  // when it comes back
    };
    struct SideExit {
        Label at;
        std::uint64_t target;
        std::uint64_t from;
        bool save;
        Carry carry;
        VectorHomes vectors;
    };
    struct Thunk {
        Label at;
        Link* link;
    };

    [[nodiscard]] x86::Mem near_state(const void* member, unsigned size) const;
    x86::Xmm new_home(unsigned v);
    void store_vectors(const VectorHomes& vectors);
    void load_vectors(const VectorHomes& vectors);
    void spill_vectors();
    void hold_for_loop(std::uint32_t vectors);
    [[nodiscard]] x86::Mem vector_slot(unsigned v, unsigned size = 16, unsigned offset = 0) const;
    void emit_item(const Item& item);
    void save_flags();
    void restore_flags();
    void go_to(const VectorHomes& vectors, std::uint64_t from, std::uint64_t target);
    enum class Way : std::uint8_t { Jump, Call };
    Thunk new_thunk(std::uint64_t target, bool within_page);
    void jump_through(std::uint64_t from, std::uint64_t target, Way way = Way::Jump);
    void check_mapping(const Thunk& thunk);
    void push_return_address();
    void land(std::uint64_t from, std::uint64_t target);
    void emit_cold_parts();
    void handler_arguments(const Item& item);
    // emitter_profile.cpp; without a profile they emit nothing
    void count(std::uint64_t& counter, std::size_t n);
    void count_unit(const Item& head);
    void count_block(const Items& items, std::size_t first);
    void count_call(const Item& item, bool slow);
    [[nodiscard]] x86::Mem attention() const;
    [[nodiscard]] x86::Mem saved_flags(unsigned size) const;

    CodeMemory& memory_;
    cpu::HotState hot_;
    const Stubs& stubs_;
    const bool el0_;
    asmjit::CodeHolder holder_;
    std::vector<SlowPath> slow_paths_;
    std::vector<SideExit> side_exits_;
    std::vector<Thunk> thunks_;
    std::vector<const cpu::Vreg*> literals_;
    VectorHomes vectors_;
    Label head_;
    Label loop_head_;                       // the same with loop_vectors_ in their homes
    VectorHomes loop_vectors_;              // none: no loop, or none that keeps any
    std::optional<std::uint64_t> head_va_;  // of loops inside
    bool flags_in_host_ = false;
    bool flags_in_memory_ = true;
    Carry carry_ = Carry::Inverted;
    bool stack_checked_ = false;
    cpu::Spot* spot_ = nullptr;  // of the unit, if entries are counted
};

/// Byte offset of a member of State, for Emitter::state().
#define GH_STATE(member) offsetof(::gh::cpu::State, member)

}  // namespace gh::jit
