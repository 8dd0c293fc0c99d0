// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/guest_access.h"

#include "base/bits.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gh::hyp {
namespace {

constexpr std::uint64_t kPage = 0x1000;

}  // namespace

GuestAccess::Place GuestAccess::find(std::uint64_t va, cpu::AccessKind kind) const noexcept
{
    const bool pan = std::exchange(state_.pan, false);
    const auto result = cpu::Mmu(state_, platform_).translate(va, kind, true);
    state_.pan = pan;
    if (const auto* const fault = std::get_if<cpu::Fault>(&result)) {
        // A table that is no RAM is a fault of stage 2 as the hypervisor sees it.
        const bool stage2 = bits(fault->status, 2, 4) == cpu::kExternalAbortOnWalk >> 2;
        return {stage2 ? kAddressInvalid : kArgumentInvalid};
    }
    const std::uint64_t ipa = std::get<cpu::Translation>(result).ipa;
    const cpu::Page page = platform_.page(align_down(ipa, kPage));
    if (page.host == nullptr)
        return {kAddressInvalid};
    if (kind == cpu::AccessKind::Write && !page.writable)
        return {kDenied};
    return {kOk, page.host + ipa % kPage};
}

/// `copy(host, offset, size)` for the part of the range in each page.
template <class Copy>
CallError GuestAccess::for_each_page(std::uint64_t va, std::size_t size, cpu::AccessKind kind,
                                     Copy copy) const noexcept
{
    if (size != 0 && va + (size - 1) < va)
        return kAddressOverflow;
    for (std::size_t done = 0; done < size;) {
        const std::uint64_t at = va + done;
        const auto part = std::min<std::size_t>(size - done, kPage - at % kPage);
        const Place place = find(at, kind);
        if (place.error != kOk)
            return place.error;
        copy(place.host, done, part);
        done += part;
    }
    return kOk;
}

CallError GuestAccess::read(std::uint64_t va, std::span<std::byte> to) const noexcept
{
    return for_each_page(va, to.size(), cpu::AccessKind::Read,
                         [to](const std::byte* host, std::size_t at, std::size_t size) {
                             std::memcpy(to.data() + at, host, size);
                         });
}

CallError GuestAccess::write(std::uint64_t va, std::span<const std::byte> from) const noexcept
{
    return for_each_page(va, from.size(), cpu::AccessKind::Write,
                         [from](std::byte* host, std::size_t at, std::size_t size) {
                             std::memcpy(host, from.data() + at, size);
                         });
}

}  // namespace gh::hyp
