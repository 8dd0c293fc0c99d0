// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/bits.h"
#include "emulator/cpu/address_spaces.h"
#include "emulator/cpu/block_cache.h"
#include "emulator/cpu/cluster.h"
#include "emulator/cpu/counters.h"
#include "emulator/cpu/debug.h"
#include "emulator/cpu/exclusive.h"
#include "emulator/cpu/guest_memory_access.h"
#include "emulator/cpu/insn.h"
#include "emulator/cpu/maintenance.h"
#include "emulator/cpu/mmu.h"
#include "emulator/cpu/platform.h"
#include "emulator/cpu/state.h"
#include "emulator/cpu/stop_points.h"
#include "emulator/cpu/syndrome.h"
#include "emulator/cpu/tlb.h"
#include "emulator/cpu/translator.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace gh::cpu {

/// Why Cpu::run() came back.
enum class Exit {
    Mmio,       // pending_mmio() wants complete_mmio() or abort_mmio() before the next run()
    Wfi,        // nothing to do until an interrupt is pending (irq()) or kick()
    Requested,  // Platform called request_exit() (PSCI, faults it cannot answer)
    Kicked,     // somebody called kick()
    Debug,      // debug_stop() says why a debugger outside the guest has it
    Loop,       // the PE takes exceptions for ever without executing anything (vectors unmapped)
};

/// One AArch64 PE with EL0 and EL1 (Armv8.0 and the extensions that identification.cpp lists): tier
/// T0, an interpreter of predecoded blocks. One thread at a time runs it; what other threads may
/// call says so. Everything the guest does ends as an architectural answer, never as an exception
/// of C++. Document: Arm ARM (DDI 0487).
class Cpu {
public:
    /// Joins `cluster` for its lifetime; both outlive the PE. MPIDR_EL1 is what the guest reads.
    Cpu(Cluster& cluster, Platform& platform, unsigned index, std::uint64_t mpidr);
    ~Cpu();
    Cpu(const Cpu&) = delete;
    Cpu& operator=(const Cpu&) = delete;

    /// Runs guest code until there is something for the caller to do.
    Exit run() noexcept;

    /// EL1h at `pc` with DAIF set and SCTLR_EL1 at reset; x0 = `argument`, other registers stay
    /// (golden README 02.13). The PE must not be running.
    void reset(std::uint64_t pc, std::uint64_t argument) noexcept;

    [[nodiscard]] State& state() noexcept { return state_; }
    [[nodiscard]] unsigned index() const noexcept { return index_; }
    [[nodiscard]] std::uint64_t mpidr() const noexcept { return mpidr_; }

    /// The tier above this one; nullptr: none. The PE must not be running.
    void set_translator(std::unique_ptr<Translator> translator) noexcept;
    [[nodiscard]] Translator* translator() const noexcept { return translator_.get(); }
    [[nodiscard]] HotState hot() noexcept
    {
        return {&state_,   &block_,      &attention_, &irq_,   &exclusive_,
                &scratch_, &kernel_tlb_, &user_tlb_,  profile_};
    }
    /// Counts entries of blocks into `profile`, which outlives the PE, from now on; before
    /// set_translator(). The PE must not be running.
    void set_profile(Profile& profile) noexcept;
    /// What set_profile() set; nullptr: nothing.
    [[nodiscard]] Profile* profile() const noexcept { return profile_; }
    [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
    /// The block that runs.
    [[nodiscard]] Block* block() const noexcept { return block_; }
    /// The block at `va`, in the page and context of the present one, if it was decoded already.
    [[nodiscard]] Block* sibling(std::uint64_t va) noexcept
    {
        return blocks_.find(va, block_->host + static_cast<std::int64_t>(va - block_->va),
                            context_);
    }
    /// Changes when blocks were thrown away.
    [[nodiscard]] unsigned code_generation() const noexcept { return blocks_.generation(); }
    /// Throws all blocks away before the next is entered.
    void forget_code_soon() noexcept
    {
        clear_code_soon_ = true;
        attention_.fetch_or(kAttendMaintenance, std::memory_order_relaxed);
    }

    /// The level of the interrupt line from the GIC CPU interface. Any thread.
    void set_irq(bool asserted) noexcept;
    [[nodiscard]] bool irq() const noexcept { return irq_.load(std::memory_order_acquire); }
    /// Makes run() return Exit::Kicked once, soon, or at once if it is not running. Any thread.
    void kick() noexcept;
    /// Makes run() return Exit::Requested after the present instruction. From Platform only.
    void request_exit() noexcept;

    // ---- For a debugger outside the guest. The PE must not be running.

    /// From now on. The guest cannot see them; where it watches something itself, this comes first.
    void set_stop_points(StopPoints points) noexcept;
    /// The next run() executes one instruction, takes no interrupt before it, and returns
    /// Exit::Debug; other exits may come between, and do not end the step.
    void step_once() noexcept;
    void cancel_step() noexcept;
    /// What step_once() asked for was done from outside: a pending access was answered. Or it was
    /// not done after all, and the instruction is executed again.
    void count_as_step() noexcept;
    void repeat_step() noexcept;
    /// After Exit::Debug.
    [[nodiscard]] const DebugStop& debug_stop() const noexcept { return debug_stop_; }
    /// PSTATE as SPSR_EL1 would have it.
    [[nodiscard]] std::uint64_t pstate() const noexcept;

    [[nodiscard]] const MmioAccess& pending_mmio() const noexcept { return mmio_; }
    /// Ends the pending access: a read delivers `value` as the instruction wants it.
    void complete_mmio(std::uint64_t value) noexcept;
    /// Ends it with a synchronous external abort instead.
    void abort_mmio() noexcept;

    // ---- For instruction handlers (on the thread that runs the PE).

    /// Reads or writes T (1, 2, 4, 8 bytes or Vreg) at the current privilege. False: an exception
    /// was taken and the handler must return nullptr. SIMD, pair and write-back forms use these:
    /// they have no syndrome, so an address without RAM is an external abort (golden README 02.19).
    template <class T>
    bool load(const Insn* insn, std::uint64_t address, T& value) noexcept
    {
        return load_as<T>(insn, address, value, *tlb_, Syndrome{});
    }
    template <class T>
    bool store(const Insn* insn, std::uint64_t address, const T& value) noexcept
    {
        return store_as<T>(insn, address, value, *tlb_, Syndrome{});
    }
    /// The same for forms that have a syndrome, so that a device can answer them.
    template <class T>
    bool load_as(const Insn* insn, std::uint64_t address, T& value, Tlb& tlb,
                 Syndrome syndrome) noexcept;
    template <class T>
    bool store_as(const Insn* insn, std::uint64_t address, const T& value, Tlb& tlb,
                  Syndrome syndrome) noexcept;
    [[nodiscard]] Tlb& current_tlb() noexcept { return *tlb_; }
    /// What LDTR and STTR see.
    [[nodiscard]] Tlb& unprivileged_tlb() noexcept { return user_tlb_; }

    /// Two T side by side, with one look-up where both are in a page, which is nearly always.
    template <class T>
    bool load_pair(const Insn* insn, std::uint64_t address, T& first, T& second) noexcept;
    template <class T>
    bool store_pair(const Insn* insn, std::uint64_t address, const T& first,
                    const T& second) noexcept;

    /// What an exclusive or atomic access does.
    enum class Atomic { Load, Store, Both };
    /// Where `size` bytes of RAM at `address` lie, for an atomic access; `size` aligned. nullptr:
    /// an exception was taken.
    std::byte* atomic_host(const Insn* insn, std::uint64_t address, unsigned size,
                           Atomic access) noexcept;

    /// True if x[rn] is a multiple of `size`, as ordered accesses need; false after an alignment
    /// fault.
    bool is_atomic_aligned(const Insn* insn, unsigned size, bool write) noexcept
    {
        return (state_.x[insn->rn] & (size - 1)) == 0 || misaligned(insn, write);
    }

    /// True if `base` (an index of State::x) may serve as a base address: false after an SP
    /// alignment fault.
    bool base_is_aligned(const Insn* insn, unsigned base) noexcept
    {
        return base != kSp || (state_.x[kSp] & 15) == 0 || sp_misaligned(insn);
    }

    /// The address of `insn`, an instruction of the current block.
    [[nodiscard]] std::uint64_t address_of(const Insn* insn) const noexcept
    {
        return block_->va + static_cast<std::uint64_t>(insn - block_->insns()) * 4;
    }

    /// Goes on at `target`, in the current page, through link `which` of the current block.
    const Insn* follow(unsigned which, std::uint64_t target) noexcept
    {
        Block* const next = block_->link[which];
        if (next == nullptr || !next->live || attention_.load(std::memory_order_relaxed) != 0)
            return follow_slowly(which, target);
        return enter(next);
    }
    /// Goes on at `target`, anywhere.
    const Insn* jump(std::uint64_t target) noexcept;
    /// What a branch to a register's `target` puts into PC: no tag byte where the address space
    /// ignores it (DDI 0487, AArch64.BranchAddr).
    [[nodiscard]] std::uint64_t branch_address(std::uint64_t target) const noexcept
    {
        const std::uint64_t untagged = sign_extend(target, 56);
        const bool ignored = target != untagged && bit(state_.tcr_el1, bit(target, 55) ? 38 : 37);
        return ignored ? untagged : target;
    }
    /// Goes on behind `insn` by a fresh look at everything: after whatever changes how code runs.
    const Insn* resume_after(const Insn* insn) noexcept
    {
        state_.pc = address_of(insn) + 4;
        return nullptr;
    }

    /// ISB: goes on behind `insn`, in a block found afresh if this one's code changed.
    const Insn* go_on_after(const Insn* insn) noexcept
    {
        return block_->live && !wants_attention() ? insn + 1 : jump(address_of(insn) + 4);
    }
    /// Whether something waits at the next block: an interrupt, a kick, maintenance.
    [[nodiscard]] bool wants_attention() const noexcept
    {
        return attention_.load(std::memory_order_relaxed) != 0;
    }
    void send_event() noexcept { cluster_.send_event(); }

    /// Exceptions to EL1, taken at `insn` (or, for SVC, behind it). They return what the handler
    /// returns. ISS as DDI 0487 D17.2.37.
    const Insn* undefined(const Insn* insn) noexcept;
    const Insn* synchronous(const Insn* insn, ExceptionClass ec, std::uint32_t iss) noexcept;
    const Insn* supervisor_call(const Insn* insn) noexcept;
    const Insn* exception_return(const Insn* insn) noexcept;

    /// Called when an instruction waits: Exit::Wfi unless an interrupt is pending already.
    const Insn* wait_for_interrupt(const Insn* insn) noexcept;
    const Insn* wait_for_event(const Insn* insn) noexcept;
    const Insn* hypervisor_call(const Insn* insn, bool smc) noexcept;

    /// PSTATE changes that have consequences. After set_daif(), wants_attention() says whether
    /// something that was masked waits.
    void set_daif(std::uint32_t daif) noexcept;
    void set_sp_sel(unsigned sp_sel) noexcept;
    void set_pan(bool pan) noexcept;

    /// MRS and MSR of a system register (a sysreg() id) at the present EL. False: an exception was
    /// taken.
    bool read_sysreg(const Insn* insn, std::uint16_t id, std::uint64_t& value) noexcept;
    bool write_sysreg(const Insn* insn, std::uint16_t id, std::uint64_t value) noexcept;
    /// EC 0x18: a system register or instruction that this EL may not use.
    const Insn* trap_system(const Insn* insn, std::uint16_t id, bool read) noexcept;
    /// Cache, TLB and address translation operations. Returns what the handler returns.
    const Insn* system_operation(const Insn* insn, std::uint16_t id, std::uint64_t value) noexcept;

    /// DSB: waits until every other PE has done the maintenance that this one asked for.
    void wait_for_maintenance() noexcept;

    Exclusive& exclusive() noexcept { return exclusive_; }

private:
    friend class Cluster;
    friend class Mmu;
    friend class Rewind;

    static constexpr std::uint32_t kAttendIrq = 1;          // look at irq_
    static constexpr std::uint32_t kAttendKick = 2;         // kick() was called
    static constexpr std::uint32_t kAttendExit = 4;         // exit_ says why to leave
    static constexpr std::uint32_t kAttendMaintenance = 8;  // the inbox has work
    static constexpr std::uint32_t kAttendStep = 16;        // step_ may have to move on

    static constexpr std::uint16_t kContextEl0 = 1;
    static constexpr std::uint16_t kContextFpTraps = 2;  // CPACR_EL1.FPEN traps at this EL
    static constexpr std::uint16_t kContextSingle = 4;  // blocks of one instruction, for a debugger

    /// The state machine of software step (DDI 0487 D2.12.3); active-not-pending in two.
    enum class Step : std::uint8_t {
        Inactive,
        Ready,    // the next instruction is the step
        Begun,    // it runs or has run
        Pending,  // the exception comes before the next instruction
    };

    /// A step that the debugger outside wants.
    enum class OutsideStep : std::uint8_t { None, Ready, Begun };

    bool sp_misaligned(const Insn* insn) noexcept;
    bool misaligned(const Insn* insn, bool write) noexcept;

    // interpreter.cpp
    static const Insn* look_again(Cpu& cpu, const Insn* insn) noexcept;
    static const Insn* count_entry(Cpu& cpu, const Insn* gate) noexcept;
    static const Insn* profile_entry(Cpu& cpu, const Insn* gate) noexcept;
    void make_gate(Block& block) noexcept;
    const Insn* enter(Block* block) noexcept
    {
        block_ = block;
        return block->start;
    }
    const Insn* follow_slowly(unsigned which, std::uint64_t target) noexcept;
    Block* block_at(std::uint64_t va) noexcept;
    Block* block_at_slowly(std::uint64_t va) noexcept;
    Block* block_of(std::uint64_t va, const std::byte* host, std::uint16_t context) noexcept;
    Block* translate_block(std::uint64_t va, const std::byte* host, std::uint16_t context) noexcept;
    const std::byte* fetch_host(std::uint64_t va) noexcept;
    bool attend() noexcept;
    void leave(Exit exit) noexcept;
    void update_context() noexcept;

    // debug.cpp
    void debug_registers_changed() noexcept;
    void update_step() noexcept;
    bool advance_step() noexcept;
    void stop_for_debugger(std::uint64_t pc, const DebugStop& stop) noexcept;
    bool advance_outside_step() noexcept;
    bool stop_at_breakpoint(std::uint64_t va) noexcept;
    bool stop_at_watchpoint(const Insn* insn, const WatchedAccess& access) noexcept;
    bool take_breakpoint(std::uint64_t va) noexcept;
    bool take_watchpoint(const Insn* insn, const WatchedAccess& access) noexcept;
    bool take_watchpoint_of_line(const Insn* insn, std::uint64_t address,
                                 bool maintenance) noexcept;
    bool store_reaches_watchpoint(const Insn* insn, std::uint64_t address,
                                  std::uint64_t size) noexcept;
    void watchpoint_exception(const Insn* insn, std::uint64_t address, bool write,
                              bool maintenance) noexcept;

    // memory.cpp
    [[nodiscard]] std::uint64_t canonical(std::uint64_t va) const noexcept;
    TranslationResult translate(std::uint64_t va, AccessKind kind, bool privileged) noexcept;
    bool access_slowly(const Insn* insn, std::uint64_t address, std::span<std::byte> bytes,
                       bool write, Tlb& tlb, Syndrome syndrome) noexcept;
    bool access_within_page(const Insn* insn, std::uint64_t address, std::span<std::byte> bytes,
                            bool write, Tlb& tlb, Syndrome syndrome) noexcept;
    bool access_device(const Insn* insn, std::uint64_t address, std::uint64_t ipa,
                       std::span<std::byte> bytes, bool write, Syndrome syndrome) noexcept;
    void remember(Tlb& tlb, std::uint64_t va, const Translation& t, const Page& page) noexcept;
    void data_abort(const Insn* insn, std::uint64_t address, const Fault& fault, bool write,
                    bool cache_operation = false) noexcept;
    bool awaits_page(std::uint64_t pc, const Fault& fault) noexcept;

    // exceptions.cpp
    void take(std::uint64_t return_to, unsigned vector) noexcept;
    void take_irq() noexcept;
    bool take_pending_state() noexcept;
    void take_synchronous(std::uint64_t return_to, ExceptionClass ec, std::uint32_t iss) noexcept;
    void set_el(unsigned el, unsigned sp_sel) noexcept;
    void set_pstate(std::uint64_t spsr) noexcept;
    void mask_interrupts(std::uint32_t daif) noexcept;

    // system_registers.cpp
    bool may_access(const Insn* insn, std::uint16_t id, bool read) noexcept;
    bool read_special(std::uint16_t id, std::uint64_t& value) noexcept;
    bool write_special(std::uint16_t id, std::uint64_t value) noexcept;
    bool write_translation_register(std::uint16_t id, std::uint64_t value) noexcept;

    // maintenance.cpp
    void translation_changed() noexcept;
    void address_space_changed() noexcept;
    void tlb_operation(std::uint16_t id, std::uint64_t value) noexcept;
    void broadcast(const Maintenance& work) noexcept;
    void perform(const Maintenance& work) noexcept;
    void drain_inbox() noexcept;
    bool claim(const Page& page) noexcept;
    bool note_code(const std::byte* host) noexcept;
    std::uint64_t post(const Maintenance& work);
    [[nodiscard]] bool has_performed(std::uint64_t number) const noexcept;
    bool translate_address(const Insn* insn, std::uint16_t id, std::uint64_t va) noexcept;
    const Insn* zero_block(const Insn* insn, std::uint64_t address) noexcept;
    const Insn* zero_block_slowly(const Insn* insn, std::uint64_t address) noexcept;
    const Insn* cache_operation(const Insn* insn, std::uint16_t id, std::uint64_t va) noexcept;
    const Insn* el1_operation(const Insn* insn, std::uint16_t id, std::uint64_t value) noexcept;
    void borrow(std::uint64_t va) noexcept;
    void return_borrowed() noexcept;
    void flush_pages(std::uint64_t va, std::uint64_t pages) noexcept;

    Cluster& cluster_;
    Platform& platform_;
    const unsigned index_;
    const std::uint64_t mpidr_;
    State state_;

    // What the inner loop touches.
    Block* block_ = nullptr;
    Tlb* tlb_ = nullptr;
    std::atomic<std::uint32_t> attention_{0};
    TranslatorScratch scratch_;
    std::uint16_t context_ = 0;  // what decoding depends on
    Step step_ = Step::Inactive;
    OutsideStep outside_step_ = OutsideStep::None;

    Tlb kernel_tlb_;
    Tlb user_tlb_;
    Mmu mmu_;
    DebugUnit debug_{state_};
    BlockCache blocks_;
    Exclusive exclusive_;
    LargePages large_pages_;
    AddressSpaces address_spaces_;
    // Pages of kernel_tlb_ that belong to the present address space or depend on PAN.
    std::array<std::uint64_t, 16> borrowed_{};
    unsigned borrowed_count_ = 0;  // more than fit: all of kernel_tlb_ may be borrowed

    MmioAccess mmio_;
    Syndrome mmio_syndrome_;
    std::uint64_t mmio_address_ = 0;
    Exit exit_ = Exit::Kicked;
    DebugStop debug_stop_;
    unsigned fruitless_exceptions_ = 0;
    std::atomic<bool> irq_{false};
    std::atomic<bool> event_{false};

    // Maintenance that other PEs ask for (maintenance.cpp).
    std::mutex inbox_mutex_;
    std::vector<Maintenance> inbox_;
    std::uint64_t posted_ = 0;  // under inbox_mutex_
    std::atomic<std::uint64_t> performed_{0};
    std::atomic<bool> running_{false};
    std::vector<std::uint64_t> awaited_;  // per PE: what DSB must see performed
    bool awaiting_ = false;
    bool clear_code_soon_ = false;

    Counters counters_;
    Profile* profile_ = nullptr;
    std::unique_ptr<Translator> translator_;
};

// ---- The fast path of data accesses: one comparison, then host memory.

template <class T>
bool Cpu::load_as(const Insn* insn, std::uint64_t address, T& value, Tlb& tlb,
                  Syndrome syndrome) noexcept
{
    const TlbEntry& entry = tlb.slot(address);
    // The tag of the last byte: an access that leaves the page cannot match its entry.
    if (entry.read == tlb.tag(address + sizeof(T) - 1)) [[likely]] {
        value = read_guest<T>(entry.addend + address);
        return true;
    }
    return access_slowly(insn, address, std::as_writable_bytes(std::span(&value, 1)), false, tlb,
                         syndrome);
}

template <class T>
bool Cpu::store_as(const Insn* insn, std::uint64_t address, const T& value, Tlb& tlb,
                   Syndrome syndrome) noexcept
{
    const TlbEntry& entry = tlb.slot(address);
    if (entry.write == tlb.tag(address + sizeof(T) - 1)) [[likely]] {
        write_guest<T>(entry.addend + address, value);
        return true;
    }
    T copy = value;
    return access_slowly(insn, address, std::as_writable_bytes(std::span(&copy, 1)), true, tlb,
                         syndrome);
}

template <class T>
bool Cpu::load_pair(const Insn* insn, std::uint64_t address, T& first, T& second) noexcept
{
    const TlbEntry& entry = tlb_->slot(address);
    if (entry.read == tlb_->tag(address + 2 * sizeof(T) - 1)) [[likely]] {
        first = read_guest<T>(entry.addend + address);
        second = read_guest<T>(entry.addend + address + sizeof(T));
        return true;
    }
    return load(insn, address, first) && load(insn, address + sizeof(T), second);
}

template <class T>
bool Cpu::store_pair(const Insn* insn, std::uint64_t address, const T& first,
                     const T& second) noexcept
{
    const TlbEntry& entry = tlb_->slot(address);
    if (entry.write == tlb_->tag(address + 2 * sizeof(T) - 1)) [[likely]] {
        write_guest<T>(entry.addend + address, first);
        write_guest<T>(entry.addend + address + sizeof(T), second);
        return true;
    }
    // A watchpoint on the second must keep the first from being stored.
    if (debug_.has_watchpoints() && store_reaches_watchpoint(insn, address, 2 * sizeof(T)))
        return false;
    return store(insn, address, first) && store(insn, address + sizeof(T), second);
}

}  // namespace gh::cpu
