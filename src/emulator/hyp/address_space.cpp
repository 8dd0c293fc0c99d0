// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/address_space.h"

#include "base/bits.h"
#include "base/error.h"

#include <algorithm>

#include <sys/mman.h>

namespace gh::hyp {

namespace {

void check(const std::vector<RamRange>& ram)
{
    std::uint64_t free_from = 0;
    for (const RamRange& range : ram) {
        const std::uint64_t at = raw(range.at);
        GH_CHECK(at >= free_from && is_aligned(at | range.host.size(), AddressSpace::kPageSize));
        free_from = at + range.host.size();
        GH_CHECK(free_from >= at);
    }
}

}  // namespace

AddressSpace::AddressSpace(std::vector<RamRange> ram)
    : ram_(std::move(ram)),
      info_page_("info page", kPageSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS)
{
    std::sort(ram_.begin(), ram_.end(),
              [](const RamRange& a, const RamRange& b) { return raw(a.at) < raw(b.at); });
    check(ram_);
}

cpu::Page AddressSpace::page(std::uint64_t ipa) const noexcept
{
    ipa = align_down(ipa, kPageSize);
    const auto after = std::upper_bound(
        ram_.begin(), ram_.end(), ipa,
        [](std::uint64_t address, const RamRange& range) { return address < raw(range.at); });
    if (after != ram_.begin()) {
        const RamRange& range = *std::prev(after);
        const std::uint64_t offset = ipa - raw(range.at);
        if (offset < range.host.size())
            return {range.host.data() + offset, range.writable, range.executable};
    }
    if (ipa == kInfoPage)
        return {info_page_.data(), false, false};
    return {};
}

}  // namespace gh::hyp
