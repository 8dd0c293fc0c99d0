// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/rewind.h"

#include <algorithm>
#include <cstring>
#include <variant>

namespace gh::cpu {

void Rewind::mark() noexcept
{
    state_ = cpu_.state_;
    exclusive_ = cpu_.exclusive_;
    block_ = cpu_.block_;
    tlb_ = cpu_.tlb_;
    context_ = cpu_.context_;
    step_ = cpu_.step_;
    fruitless_exceptions_ = cpu_.fruitless_exceptions_;
    stored_.clear();
    walked_.clear();
    // A look at the interrupt line, which is harmless at any time.
    cpu_.attention_.fetch_or(Cpu::kAttendIrq, std::memory_order_relaxed);
}

bool Rewind::expect(const Footprint& access) noexcept
{
    Footprint part = access;
    part.address = cpu_.canonical(access.address);
    part.size = std::min(access.size, kPageSize - part.address % kPageSize);
    if (!expect_within_page(part))
        return false;
    part.address += part.size;
    part.size = access.size - part.size;
    return part.size == 0 || expect_within_page(part);
}

bool Rewind::expect_within_page(const Footprint& part) noexcept
{
    const std::uint64_t va = part.address;
    Tlb& tlb = part.unprivileged ? cpu_.user_tlb_ : *cpu_.tlb_;
    const TlbEntry& entry = tlb.slot(va);
    std::byte* host = nullptr;
    if ((part.write ? entry.write : entry.read) == tlb.tag(va)) {
        host = reinterpret_cast<std::byte*>(entry.addend + va);
    } else {
        walked_.push_back({&tlb, va});
        // What may not be read may not be written either; and a look leaves no dirty page.
        const auto result = cpu_.mmu_.translate(va, AccessKind::Read, &tlb == &cpu_.kernel_tlb_);
        const auto* const found = std::get_if<Translation>(&result);
        if (found == nullptr)  // a fault is State like all else, unless stage 2 is to blame
            return !is_external(std::get<Fault>(result));
        const Page page = cpu_.platform_.page(found->ipa & kPageMask);
        if (page.host == nullptr || (part.write && !page.writable))
            return false;
        host = page.host + found->ipa % kPageSize;
    }
    if (part.write) {
        Stored& stored = stored_.emplace_back();
        stored.va = va;
        stored.host = host;
        stored.size = part.size;
        std::memcpy(stored.before.data(), host, part.size);
    }
    return true;
}

void Rewind::undo() noexcept
{
    cpu_.state_ = state_;
    cpu_.exclusive_ = exclusive_;
    cpu_.block_ = block_;
    cpu_.tlb_ = tlb_;
    cpu_.context_ = context_;
    cpu_.step_ = step_;
    cpu_.fruitless_exceptions_ = fruitless_exceptions_;
    for (Stored& stored : stored_)
        std::memcpy(stored.after.data(), stored.host, stored.size);
    for (auto stored = stored_.rbegin(); stored != stored_.rend(); ++stored)
        std::memcpy(stored->host, stored->before.data(), stored->size);
    for (const Walked& walked : walked_)
        walked.tlb->flush_page(walked.va);
}

}  // namespace gh::cpu
