// SPDX-License-Identifier: BSD-3-Clause
// The slow path of memory accesses: page crossings, TLB misses, devices, faults.
#include "base/bits.h"
#include "emulator/cpu/cpu.h"

#include <cstring>

namespace gh::cpu {
namespace {

GH_GUEST_RACES void copy_guest(std::byte* to, const std::byte* from, std::size_t size)
{
    // One access for the sizes that must be single-copy atomic.
    switch (size) {
    case 2:
        write_guest(reinterpret_cast<std::uintptr_t>(to),
                    read_guest<std::uint16_t>(reinterpret_cast<std::uintptr_t>(from)));
        break;
    case 4:
        write_guest(reinterpret_cast<std::uintptr_t>(to),
                    read_guest<std::uint32_t>(reinterpret_cast<std::uintptr_t>(from)));
        break;
    case 8:
        write_guest(reinterpret_cast<std::uintptr_t>(to),
                    read_guest<std::uint64_t>(reinterpret_cast<std::uintptr_t>(from)));
        break;
    default:
        for (std::size_t i = 0; i < size; ++i)
            to[i] = from[i];
    }
}

}  // namespace

/// Without the tag byte, where TCR_EL1.TBIx says that it is one.
std::uint64_t Cpu::canonical(std::uint64_t va) const noexcept
{
    const bool tagged = bit(state_.tcr_el1, bit(va, 55) ? 38 : 37) && bit(state_.sctlr_el1, 0);
    return tagged ? sign_extend(va, 56) : va;
}

/// Mmu::translate(), counted.
TranslationResult Cpu::translate(std::uint64_t va, AccessKind kind, bool privileged) noexcept
{
    Counters::Walks& walks = counters_.walks[privileged ? 1 : 0];
    ++(kind == AccessKind::Fetch ? walks.fetch : walks.data);
    return mmu_.translate(va, kind, privileged);
}

bool Cpu::access_slowly(const Insn* insn, std::uint64_t address, std::span<std::byte> bytes,
                        bool write, Tlb& tlb, Syndrome syndrome) noexcept
{
    const std::uint64_t va = canonical(address);
    const std::uint64_t left = kPageSize - va % kPageSize;
    if (bytes.size() <= left)
        return access_within_page(insn, va, bytes, write, tlb, syndrome);
    // Both halves must be possible before either is done.
    const bool privileged = &tlb == &kernel_tlb_;
    for (const std::uint64_t at : {va, va + left}) {
        const auto result = translate(at, write ? AccessKind::Write : AccessKind::Read, privileged);
        if (const auto* failed = std::get_if<Fault>(&result)) {
            data_abort(insn, at, *failed, write);
            return false;
        }
        const auto& t = std::get<Translation>(result);
        if (t.device || bit(state_.sctlr_el1, 1)) {
            data_abort(insn, va, Fault{kAlignment}, write);
            return false;
        }
        const Page page = platform_.page(t.ipa & kPageMask);
        if (page.host == nullptr || (write && !page.writable)) {
            data_abort(insn, at,
                       external_abort(t.ipa, write ? AccessKind::Write : AccessKind::Read), write);
            return false;
        }
    }
    if (take_watchpoint(insn, {va, bytes.size(), !write, write, privileged}))
        return false;
    return access_within_page(insn, va, bytes.first(left), write, tlb, {}) &&
           access_within_page(insn, va + left, bytes.subspan(left), write, tlb, {});
}

bool Cpu::access_within_page(const Insn* insn, std::uint64_t address, std::span<std::byte> bytes,
                             bool write, Tlb& tlb, Syndrome syndrome) noexcept
{
    const bool privileged = &tlb == &kernel_tlb_;
    const auto result =
        translate(address, write ? AccessKind::Write : AccessKind::Read, privileged);
    if (const auto* failed = std::get_if<Fault>(&result)) {
        data_abort(insn, address, *failed, write);
        return false;
    }
    const auto& t = std::get<Translation>(result);
    const bool strict = t.device || bit(state_.sctlr_el1, 1);
    const std::uint64_t alignment = bytes.size() < 8 ? bytes.size() : 8;
    if (strict && !is_aligned(address, alignment)) {
        data_abort(insn, address, Fault{kAlignment}, write);
        return false;
    }
    if (take_watchpoint(insn, {address, bytes.size(), !write, write, privileged}))
        return false;
    const Page page = platform_.page(t.ipa & kPageMask);
    if (page.host == nullptr)
        return access_device(insn, address, t.ipa, bytes, write, syndrome);
    if (write && !page.writable) {
        data_abort(insn, address, external_abort(t.ipa, AccessKind::Write), false);
        return false;
    }
    const bool changes_code = write && claim(page);
    if (!strict)
        remember(tlb, address, t, page);
    std::byte* const host = page.host + t.ipa % kPageSize;
    if (write)
        copy_guest(host, bytes.data(), bytes.size());
    else
        copy_guest(bytes.data(), host, bytes.size());
    if (changes_code)
        wait_for_maintenance();
    return true;
}

void Cpu::remember(Tlb& tlb, std::uint64_t va, const Translation& t, const Page& page) noexcept
{
    if (t.block_size > kPageSize)
        large_pages_.note(va, t.block_size);
    // What the kernel sees through user mappings depends on PAN and on the address space.
    if (&tlb == &kernel_tlb_ && (t.user || !t.global || !bit(va, 55)))
        borrow(va);
    // What a debugger watches is not remembered, so that it comes here every time.
    const std::uint64_t tag = tlb.tag(va);
    const std::uint64_t data = debug_.has_watchpoint_in_page(va) ? TlbEntry::kNoTag : tag;
    const std::uint64_t code = debug_.has_breakpoint_in_page(va) ? TlbEntry::kNoTag : tag;
    TlbEntry& entry = tlb.slot(va);
    entry.read = t.readable ? data : TlbEntry::kNoTag;
    const bool watched = cluster_.code_.watching() && cluster_.code_.contains(page.host);
    entry.write = t.writable && page.writable && !watched ? data : TlbEntry::kNoTag;
    entry.fetch = t.executable && page.executable ? code : TlbEntry::kNoTag;
    entry.addend = reinterpret_cast<std::uintptr_t>(page.host) - (va & kPageMask);
}

bool Cpu::access_device(const Insn* insn, std::uint64_t address, std::uint64_t ipa,
                        std::span<std::byte> bytes, bool write, Syndrome syndrome) noexcept
{
    if (syndrome.valid && is_aligned(address, bytes.size())) {
        MmioAccess access{
            .ipa = ipa, .size = static_cast<std::uint8_t>(bytes.size()), .write = write};
        if (write)
            std::memcpy(&access.value, bytes.data(), bytes.size());
        switch (platform_.mmio(*this, access)) {
        case MmioOutcome::Done:
            if (!write)
                std::memcpy(bytes.data(), &access.value, bytes.size());
            return true;
        case MmioOutcome::Exit:
            mmio_ = access;
            mmio_syndrome_ = syndrome;
            mmio_address_ = address;
            state_.pc = address_of(insn);
            leave(Exit::Mmio);
            return false;
        case MmioOutcome::Abort: break;
        }
    }
    // Gunyah answers reads and writes alike, with WnR clear (golden README 02.19).
    data_abort(insn, address, external_abort(ipa, write ? AccessKind::Write : AccessKind::Read),
               false);
    return false;
}

void Cpu::complete_mmio(std::uint64_t value) noexcept
{
    if (!mmio_.write) {
        const unsigned width = mmio_.size * 8u;
        std::uint64_t result = bits(value, 0, width);
        if (mmio_syndrome_.sign_extend)
            result = sign_extend(result, width);
        state_.x[mmio_syndrome_.rt] = mmio_syndrome_.wide ? result : bits(result, 0, 32);
    }
    state_.pc += 4;
}

void Cpu::abort_mmio() noexcept
{
    state_.far_el1 = mmio_address_;
    take_synchronous(
        state_.pc, state_.el == 0 ? ExceptionClass::DataAbortLower : ExceptionClass::DataAbortSame,
        kExternalAbort);
}

/// Stage 2 said no: whether the instruction at `pc` is to be tried again once the platform's owner
/// has looked at it. Then run() is about to return.
bool Cpu::awaits_page(std::uint64_t pc, const Fault& fault) noexcept
{
    if (!is_external(fault) || !platform_.page_fault(*this, fault.ipa, fault.kind))
        return false;
    state_.pc = pc;
    repeat_step();
    return true;
}

void Cpu::data_abort(const Insn* insn, std::uint64_t address, const Fault& fault, bool write,
                     bool cache_operation) noexcept
{
    if (awaits_page(address_of(insn), fault))
        return;
    state_.far_el1 = address;
    const std::uint32_t iss =
        fault.status | (write || cache_operation ? 1u << 6 : 0) | (cache_operation ? 1u << 8 : 0);
    take_synchronous(
        address_of(insn),
        state_.el == 0 ? ExceptionClass::DataAbortLower : ExceptionClass::DataAbortSame, iss);
}

bool Cpu::misaligned(const Insn* insn, bool write) noexcept
{
    data_abort(insn, state_.x[insn->rn], Fault{kAlignment}, write);
    return false;
}

std::byte* Cpu::atomic_host(const Insn* insn, std::uint64_t address, unsigned size,
                            Atomic access) noexcept
{
    const bool write = access != Atomic::Load;
    const std::uint64_t va = canonical(address);
    if (!is_aligned(va, size)) {
        data_abort(insn, address, Fault{kAlignment}, write);
        return nullptr;
    }
    const TlbEntry& entry = tlb_->slot(va);
    if ((write ? entry.write : entry.read) == tlb_->tag(va)) [[likely]]
        return reinterpret_cast<std::byte*>(entry.addend + va);
    const auto result = translate(va, write ? AccessKind::Write : AccessKind::Read, state_.el == 1);
    if (const auto* failed = std::get_if<Fault>(&result)) {
        data_abort(insn, address, *failed, write);
        return nullptr;
    }
    if (take_watchpoint(insn, {va, size, access != Atomic::Store, write, state_.el == 1}))
        return nullptr;
    const auto& t = std::get<Translation>(result);
    const Page page = platform_.page(t.ipa & kPageMask);
    if (page.host == nullptr || (write && !page.writable)) {
        data_abort(insn, address,
                   external_abort(t.ipa, write ? AccessKind::Write : AccessKind::Read), false);
        return nullptr;
    }
    // The others will have dropped its code at our next DSB: the access itself comes first.
    if (write)
        claim(page);
    if (!t.device && !bit(state_.sctlr_el1, 1))
        remember(*tlb_, va, t, page);
    return page.host + t.ipa % kPageSize;
}

const std::byte* Cpu::fetch_host(std::uint64_t va) noexcept
{
    const bool lower = state_.el == 0;
    if ((va & 3) != 0) {
        state_.far_el1 = va;
        take_synchronous(va, ExceptionClass::PcAlignment, 0);
        return nullptr;
    }
    const auto abort = [&](const Fault& fault) {
        if (awaits_page(va, fault))
            return nullptr;
        state_.far_el1 = va;
        take_synchronous(
            va,
            lower ? ExceptionClass::InstructionAbortLower : ExceptionClass::InstructionAbortSame,
            fault.status);
        return nullptr;
    };
    const auto result = translate(va, AccessKind::Fetch, !lower);
    if (const auto* failed = std::get_if<Fault>(&result))
        return abort(*failed);
    const auto& t = std::get<Translation>(result);
    const Page page = platform_.page(t.ipa & kPageMask);
    if (page.host == nullptr || !page.executable)
        return abort(external_abort(t.ipa, AccessKind::Fetch));
    if (t.device)
        return abort({kPermission | 3});
    if (mmu_.enabled() && !bit(state_.sctlr_el1, 1)) {
        remember(*tlb_, va, t, page);
    } else {
        // Data accesses must not match: with the MMU off they are Device accesses.
        TlbEntry& entry = tlb_->slot(va);
        entry = TlbEntry{};
        entry.fetch = debug_.has_breakpoint_in_page(va) ? TlbEntry::kNoTag : tlb_->tag(va);
        entry.addend = reinterpret_cast<std::uintptr_t>(page.host) - (va & kPageMask);
    }
    return page.host + t.ipa % kPageSize;
}

}  // namespace gh::cpu
