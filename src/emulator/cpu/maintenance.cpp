// SPDX-License-Identifier: BSD-3-Clause
// TLB and cache maintenance, on this PE and on the others (DDI 0487 D8.14, D7.5).
#include "base/bits.h"
#include "emulator/cpu/cpu.h"
#include "emulator/cpu/identification.h"

#include <algorithm>
#include <thread>

#include <sched.h>

namespace gh::cpu {
namespace {

/// More pages than this are forgotten by forgetting everything.
constexpr std::uint64_t kManyPages = 512;
/// A PE that sleeps for long gets one big piece of work instead of many small ones.
constexpr std::size_t kInboxLimit = 256;

constexpr std::uint64_t kVaBits = 0xfff'ffff'ffff;  // TLBI's VA[55:12] in bits 43:0

struct alignas(kLineSize) Line {
    std::array<std::uint64_t, kLineSize / 8> words{};
};

/// TLBI R*: base and number of 4 KiB pages (DDI 0487 C5.5, TLBI RVAE1). Zero pages: a reserved
/// granule, treated as everything.
Maintenance range_work(std::uint64_t value)
{
    const auto granule = bits(value, 46, 2);
    const auto scale = bits(value, 44, 2);
    const auto number = bits(value, 39, 5);
    if (granule == 0)
        return {.kind = Maintenance::Kind::All};
    const unsigned granule_shift = granule == 1 ? 12 : granule == 2 ? 14 : 16;
    const std::uint64_t base = sign_extend(bits(value, 0, 37), 37) << granule_shift;
    const std::uint64_t granules = (number + 1) << (5 * scale + 1);
    return {
        .kind = Maintenance::Kind::Pages, .va = base, .pages = granules << (granule_shift - 12)};
}

}  // namespace

void Cpu::borrow(std::uint64_t va) noexcept
{
    if (borrowed_count_ < borrowed_.size())
        borrowed_.at(borrowed_count_) = va;
    if (borrowed_count_ <= borrowed_.size())
        ++borrowed_count_;
}

void Cpu::return_borrowed() noexcept
{
    if (borrowed_count_ > borrowed_.size())
        kernel_tlb_.flush();
    else
        for (unsigned i = 0; i < borrowed_count_; ++i)
            kernel_tlb_.flush_page(borrowed_.at(i));
    borrowed_count_ = 0;
}

void Cpu::translation_changed() noexcept
{
    ++counters_.tlb_flushes;
    kernel_tlb_.flush();
    user_tlb_.flush();
    large_pages_.clear();
    borrowed_count_ = 0;
    address_spaces_.forget_all();
    address_space_changed();
}

void Cpu::address_space_changed() noexcept
{
    return_borrowed();
    bool exhausted = false;
    const std::uint64_t context =
        address_spaces_.context(mmu_.asid(), state_.ttbr0_el1 & bits(~0ull, 0, 48), exhausted);
    if (exhausted)
        user_tlb_.flush();
    user_tlb_.set_context(context);
}

void Cpu::flush_pages(std::uint64_t va, std::uint64_t pages) noexcept
{
    if (pages > kManyPages || large_pages_.may_contain(va) ||
        large_pages_.may_contain(va + pages * kPageSize - 1)) {
        translation_changed();
        return;
    }
    for (std::uint64_t page = 0; page < pages; ++page) {
        kernel_tlb_.flush_page(va + page * kPageSize);
        user_tlb_.flush_page(va + page * kPageSize);
    }
}

void Cpu::perform(const Maintenance& work) noexcept
{
    if (work.kind < Maintenance::Kind::CodeLine)
        ++counters_.tlb_operations;
    switch (work.kind) {
    case Maintenance::Kind::All: translation_changed(); break;
    case Maintenance::Kind::Asid:
        address_spaces_.forget(work.asid);
        address_space_changed();
        break;
    case Maintenance::Kind::Pages: flush_pages(work.va, work.pages); break;
    case Maintenance::Kind::CodeLine:
        ++counters_.code_lines;
        counters_.dropped_blocks += blocks_.drop_line(work.host);
        if (translator_ != nullptr)
            translator_->forget_page(work.host);
        break;
    case Maintenance::Kind::CodeAll:
        // Not now: the block that asks for it is running.
        forget_code_soon();
        break;
    case Maintenance::Kind::CodePage:
        counters_.dropped_blocks += blocks_.drop_page(work.host, look_again);
        if (translator_ != nullptr)
            translator_->forget_page(work.host);
        break;
    case Maintenance::Kind::ReadOnly:
        kernel_tlb_.forbid_writes(work.host);
        user_tlb_.forbid_writes(work.host);
        break;
    }
}

void Cpu::drain_inbox() noexcept
{
    std::vector<Maintenance> work;
    std::uint64_t posted = 0;
    {
        const std::scoped_lock lock(inbox_mutex_);
        work.swap(inbox_);
        posted = posted_;
    }
    for (const Maintenance& piece : work)
        perform(piece);
    performed_.store(posted, std::memory_order_release);
}

std::uint64_t Cpu::post(const Maintenance& work)
{
    std::uint64_t number = 0;
    {
        const std::scoped_lock lock(inbox_mutex_);
        if (inbox_.size() >= kInboxLimit)
            inbox_ = {{.kind = Maintenance::Kind::All}, {.kind = Maintenance::Kind::CodeAll}};
        else
            inbox_.push_back(work);
        number = ++posted_;
    }
    attention_.fetch_or(kAttendMaintenance, std::memory_order_seq_cst);
    return number;
}

bool Cpu::has_performed(std::uint64_t number) const noexcept
{
    return performed_.load(std::memory_order_acquire) >= number ||
           !running_.load(std::memory_order_seq_cst);
}

void Cpu::broadcast(const Maintenance& work) noexcept
{
    perform(work);
    const auto& cpus = cluster_.cpus();
    awaited_.resize(cpus.size());
    for (std::size_t i = 0; i < cpus.size(); ++i)
        if (cpus[i] != this) {
            awaited_[i] = cpus[i]->post(work);
            awaiting_ = true;
        }
}

void Cpu::wait_for_maintenance() noexcept
{
    if (!awaiting_)
        return;
    awaiting_ = false;
    const auto& cpus = cluster_.cpus();
    for (std::size_t i = 0; i < awaited_.size(); ++i) {
        if (cpus[i] == this)
            continue;
        // Two PEs may wait for each other: go on doing our own work.
        for (unsigned spins = 0; !cpus[i]->has_performed(awaited_[i]); ++spins) {
            drain_inbox();
            if (spins > 100)
                ::sched_yield();
        }
    }
}

// ---- Strict tracking of code (Cluster::watch_code). A PE that decodes a page takes the right to
// store to it from all TLBs first; a store to such a page takes the slow path, and drops its code
// everywhere before the next instruction. Both orders of a store and a decoding at the same time
// are good: what is decoded after the store is new, what was before it is dropped by what the store
// has posted by then, and a PE that decodes anew waits for the one that stores.

/// The page of `host` is about to be decoded. True: others had to be waited for, so that they may
/// have changed translations.
bool Cpu::note_code(const std::byte* host) noexcept
{
    const std::byte* const page = host - reinterpret_cast<std::uintptr_t>(host) % kPageSize;
    if (!cluster_.code_.note(page, index_))
        return false;
    broadcast({.kind = Maintenance::Kind::ReadOnly, .host = page});
    wait_for_maintenance();
    return true;
}

/// The page is about to be written. True: it held code, and wait_for_maintenance() is due once the
/// store is done, not before.
bool Cpu::claim(const Page& page) noexcept
{
    if (!cluster_.code_.watching() || !cluster_.code_.forget(page.host))
        return false;
    broadcast({.kind = Maintenance::Kind::CodePage, .host = page.host});
    return true;
}

// ---- The SYS instruction space

void Cpu::tlb_operation(std::uint16_t id, std::uint64_t value) noexcept
{
    const unsigned crm = (id >> 3) & 0xf;
    const unsigned op2 = id & 7;
    // CRm 0..3: range and outer/inner shareable forms, 5, 6, 7: range or local (C5.5).
    const bool local = crm == 6 || crm == 7;
    const bool range = crm == 2 || crm == 5 || crm == 6;
    Maintenance work;
    if (range)
        work = range_work(value);
    else if (op2 == 0)
        work = {.kind = Maintenance::Kind::All};
    else if (op2 == 2)
        work = {.kind = Maintenance::Kind::Asid, .asid = static_cast<std::uint16_t>(value >> 48)};
    else
        work = {.kind = Maintenance::Kind::Pages, .va = sign_extend((value & kVaBits) << 12, 56)};
    if (local)
        perform(work);
    else
        broadcast(work);
}

/// False: the tables are not there, and the instruction is to be tried again.
bool Cpu::translate_address(const Insn* insn, std::uint16_t id, std::uint64_t va) noexcept
{
    // S1E1R 0, S1E1W 1, S1E0R 2, S1E0W 3; CRm 9: S1E1RP 0, S1E1WP 1 (with PAN).
    const unsigned op2 = id & 7;
    const bool with_pan = ((id >> 3) & 0xf) == 9;
    const bool pan = state_.pan;
    state_.pan = with_pan && pan;
    const auto result = translate(va, bit(op2, 0) ? AccessKind::Write : AccessKind::Read, op2 < 2);
    state_.pan = pan;
    if (const auto* failed = std::get_if<Fault>(&result)) {
        if (awaits_page(address_of(insn), *failed))
            return false;
        state_.par_el1 = 1ull << 11 | std::uint64_t{failed->status} << 1 | 1;
        return true;
    }
    const auto& t = std::get<Translation>(result);
    const std::uint64_t shareability = t.device ? 2 : t.shareability;
    state_.par_el1 =
        std::uint64_t{t.attributes} << 56 | (t.ipa & kPageMask) | 1ull << 11 | shareability << 7;
    return true;
}

const Insn* Cpu::zero_block(const Insn* insn, std::uint64_t address) noexcept
{
    const std::uint64_t at = align_down(address, kLineSize);
    const TlbEntry& entry = tlb_->slot(at);
    if (entry.write == tlb_->tag(at)) [[likely]] {
        write_guest<Line>(entry.addend + at, Line{});
        return insn + 1;
    }
    return zero_block_slowly(insn, address);
}

const Insn* Cpu::zero_block_slowly(const Insn* insn, std::uint64_t address) noexcept
{
    const std::uint64_t at = align_down(canonical(address), kLineSize);
    const auto result = translate(at, AccessKind::Write, state_.el == 1);
    if (const auto* failed = std::get_if<Fault>(&result)) {
        data_abort(insn, address, *failed, true);
        return nullptr;
    }
    if (take_watchpoint_of_line(insn, address, false))
        return nullptr;
    const auto& t = std::get<Translation>(result);
    const Page page = platform_.page(t.ipa & kPageMask);
    if (page.host == nullptr || !page.writable || t.device) {
        const bool is_ram = page.host != nullptr && page.writable;
        data_abort(insn, address,
                   is_ram ? Fault{kAlignment} : external_abort(t.ipa, AccessKind::Write), is_ram);
        return nullptr;
    }
    const bool changes_code = claim(page);
    if (!bit(state_.sctlr_el1, 1))
        remember(*tlb_, at, t, page);
    write_guest<Line>(reinterpret_cast<std::uintptr_t>(page.host) + at % kPageSize, Line{});
    if (changes_code)
        wait_for_maintenance();
    return insn + 1;
}

const Insn* Cpu::cache_operation(const Insn* insn, std::uint16_t id, std::uint64_t va) noexcept
{
    const bool instruction = ((id >> 7) & 0xf) == 7 && ((id >> 3) & 0xf) == 5;
    const bool user = state_.el == 0;
    const auto result = translate(va, AccessKind::Read, !user);
    if (const auto* failed = std::get_if<Fault>(&result)) {
        // EL1 may maintain what it may not read; a missing translation is a fault for both.
        if (user || (failed->status & 0x3c) != kPermission) {
            data_abort(insn, va, *failed, false, true);
            return nullptr;
        }
        return insn + 1;
    }
    // Of all maintenance, watchpoints see DC IVAC alone.
    const bool invalidates = ((id >> 11) & 7) == 0;
    if (invalidates && take_watchpoint_of_line(insn, va, true))
        return nullptr;
    if (!instruction)
        return insn + 1;
    const auto& t = std::get<Translation>(result);
    const Page page = platform_.page(t.ipa & kPageMask);
    if (page.host == nullptr)
        return insn + 1;
    const std::byte* const host = page.host + t.ipa % kPageSize;
    if (cluster_.may_have_code(host))
        broadcast({.kind = Maintenance::Kind::CodeLine, .host = host});
    return insn + 1;
}

const Insn* Cpu::el1_operation(const Insn* insn, std::uint16_t id, std::uint64_t value) noexcept
{
    const unsigned crm = (id >> 3) & 0xf;
    const unsigned op2 = id & 7;
    if (crm == 8 || crm == 9) {
        return translate_address(insn, id, value) ? insn + 1 : nullptr;
    }
    if ((crm == 5 || crm == 1) && op2 == 0) {  // IC IALLU, IALLUIS
        broadcast({.kind = Maintenance::Kind::CodeAll});
        return resume_after(insn);
    }
    if (crm == 6 && op2 == 1)  // DC IVAC
        return cache_operation(insn, id, value);
    if ((crm == 6 || crm == 10 || crm == 14) && op2 == 2)  // by set/way: nothing is cached
        return insn + 1;
    return undefined(insn);
}

const Insn* Cpu::system_operation(const Insn* insn, std::uint16_t id, std::uint64_t value) noexcept
{
    const unsigned op1 = (id >> 11) & 7;
    const unsigned crn = (id >> 7) & 0xf;
    const unsigned crm = (id >> 3) & 0xf;
    const unsigned op2 = id & 7;
    const bool user = state_.el == 0;
    if (crn == 8 && op1 == 0 && !user) {
        tlb_operation(id, value);
        return resume_after(insn);
    }
    if (crn != 7)
        return undefined(insn);
    if (op1 == 0 && !user)
        return el1_operation(insn, id, value);
    if (op1 != 3)
        return undefined(insn);
    const bool zero = crm == 4 && op2 == 1;
    const unsigned permit = zero ? 14 : 26;  // SCTLR_EL1.DZE, UCI
    if (user && !bit(state_.sctlr_el1, permit))
        return trap_system(insn, id, false);
    if (zero)
        return zero_block(insn, value);
    const bool known = op2 == 1 && (crm == 5 || crm == 10 || crm == 11 || crm == 12 || crm == 14);
    return known ? cache_operation(insn, id, value) : undefined(insn);
}

// ---- Cluster

void Cluster::note_code(const std::byte* host) noexcept
{
    code_pages_[page_hash(host)].store(true, std::memory_order_relaxed);
}

void Cluster::flush_stage2() noexcept
{
    std::vector<std::uint64_t> awaited;
    for (Cpu* const cpu : cpus_) {
        (void)cpu->post({.kind = Maintenance::Kind::CodeAll});
        awaited.push_back(cpu->post({.kind = Maintenance::Kind::All}));
    }
    for (std::size_t i = 0; i < cpus_.size(); ++i)
        while (!cpus_[i]->has_performed(awaited[i]))
            std::this_thread::yield();
}

void Cluster::send_event() noexcept
{
    for (Cpu* const cpu : cpus_)
        cpu->event_.store(true, std::memory_order_release);
}

const Insn* Cpu::wait_for_event(const Insn* insn) noexcept
{
    if (event_.exchange(false, std::memory_order_acq_rel))
        return insn + 1;
    // Spinning guests yield the host CPU to the PE they wait for; WFE may end at any time.
    if (cluster_.cpus().size() > 1)
        ::sched_yield();
    return resume_after(insn);
}

}  // namespace gh::cpu
