// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/address_space.h"

#include "base/bits.h"
#include "base/error.h"

#include <algorithm>
#include <cstring>

#include <sys/mman.h>

namespace gh::hyp {

namespace {

/// Versions that PEs may still look at hold no more than so many ranges in all, as they are 1 MiB.
constexpr std::size_t kMostOldRanges = (1u << 20) / sizeof(RamRange);

constexpr std::uint64_t kSanitisedAtOnce = 64ull << 20;

bool before(const RamRange& a, const RamRange& b)
{
    return raw(a.at) < raw(b.at);
}

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

/// The part of `ram` within `range`; empty if there is none.
RamRange part(const RamRange& ram, MemoryRange range)
{
    const std::uint64_t from = std::max(raw(ram.at), raw(range.at));
    const std::uint64_t into_ram = from - raw(ram.at);
    const std::uint64_t into_range = from - raw(range.at);
    RamRange within = ram;
    within.at = Gpa{from};
    within.host = into_ram >= ram.host.size() || into_range >= range.size
                      ? std::span<std::byte>{}
                      : ram.host.subspan(into_ram, std::min(ram.host.size() - into_ram,
                                                            range.size - into_range));
    return within;
}

/// Whether `next` continues `range` in the guest and here, so that one range can stand for both.
bool continues(const RamRange& range, const RamRange& next)
{
    return range.at + range.host.size() == next.at &&
           range.host.data() + range.host.size() == next.host.data() &&
           range.writable == next.writable && range.executable == next.executable &&
           range.guests_alone == next.guests_alone;
}

void append(std::vector<RamRange>& ranges, const RamRange& range)
{
    if (range.host.empty())
        return;
    if (!ranges.empty() && continues(ranges.back(), range))
        ranges.back().host = {ranges.back().host.data(),
                              ranges.back().host.size() + range.host.size()};
    else
        ranges.push_back(range);
}

bool contains(const MemoryRange& range, std::uint64_t ipa)
{
    return ipa >= raw(range.at) && ipa - raw(range.at) < range.size;
}

}  // namespace

AddressSpace::AddressSpace(std::vector<RamRange> ram, Paging paging, std::function<void()> flush)
    : paging_(std::move(paging)),
      flush_(std::move(flush)),
      info_page_("info page", kPageSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS)
{
    std::sort(ram.begin(), ram.end(), before);
    check(ram);
    publish(std::move(ram));
}

cpu::Page AddressSpace::page(std::uint64_t ipa) const noexcept
{
    ipa = align_down(ipa, kPageSize);
    const Ranges& ram = ranges();
    const auto after = std::upper_bound(
        ram.begin(), ram.end(), ipa,
        [](std::uint64_t address, const RamRange& range) { return address < raw(range.at); });
    if (after != ram.begin()) {
        const RamRange& range = *std::prev(after);
        const std::uint64_t offset = ipa - raw(range.at);
        if (offset < range.host.size())
            return {range.host.data() + offset, range.writable, range.executable};
    }
    if (ipa == kInfoPage)
        return {info_page_.data(), false, false};
    return {};
}

bool AddressSpace::is_vmmio(std::uint64_t ipa) const noexcept
{
    if (!paging_.on)
        return ipa < kVmmioEnd;
    return is_paged(ipa) && std::none_of(paging_.guests_alone.begin(), paging_.guests_alone.end(),
                                         [&](const auto& range) { return contains(range, ipa); });
}

bool AddressSpace::is_paged(std::uint64_t ipa) const noexcept
{
    return paging_.on && ipa >> kAddressBits == 0 && align_down(ipa, kPageSize) != kInfoPage;
}

void AddressSpace::publish(Ranges ranges)
{
    versions_.push_back(std::make_unique<const Ranges>(std::move(ranges)));
    current_.store(versions_.back().get(), std::memory_order_release);
    old_ranges_ += versions_.back()->size();
}

/// From here on nobody can reach what page() answered before, nor looks at older versions.
void AddressSpace::flush()
{
    flush_();
    versions_.erase(versions_.begin(), std::prev(versions_.end()));
    old_ranges_ = 0;
}

void AddressSpace::map(const RamRange& range)
{
    GH_CHECK(!range.host.empty() && is_aligned(raw(range.at) | range.host.size(), kPageSize));
    const std::scoped_lock lock(mutex_);
    const Ranges& old = ranges();
    const auto next = std::upper_bound(old.begin(), old.end(), range, before);
    Ranges changed(old.begin(), next);
    GH_CHECK(changed.empty() ||
             raw(range.at) - raw(changed.back().at) >= changed.back().host.size());
    GH_CHECK(next == old.end() || raw(next->at) - raw(range.at) >= range.host.size());
    append(changed, range);
    for (auto rest = next; rest != old.end(); ++rest)
        append(changed, *rest);
    publish(std::move(changed));
    if (old_ranges_ > kMostOldRanges)
        flush();
}

void AddressSpace::unmap(MemoryRange range)
{
    const std::scoped_lock lock(mutex_);
    (void)take(range, [](const RamRange&) { return true; });
}

bool AddressSpace::may_modify(const PageChange& change) const noexcept
{
    const Ranges& now = ranges();  // once: others publish at any time
    return !change.sanitise || std::none_of(now.begin(), now.end(), [&](const RamRange& ram) {
        return ram.guests_alone && !ram.writable && !part(ram, change.range).host.empty();
    });
}

/// In pieces where it takes long: others wait meanwhile, and a guest may name all of its memory.
void AddressSpace::modify(const PageChange& change)
{
    PageChange rest = change;
    while (modify_some(rest)) {
    }
}

/// Takes the beginning off `change` and does it. False: nothing was left to do.
bool AddressSpace::modify_some(PageChange& change)
{
    const auto guests_alone = [](const RamRange& ram) { return ram.guests_alone; };
    const std::scoped_lock lock(mutex_);
    const Ranges& now = ranges();
    const auto first = std::find_if(now.begin(), now.end(), [&](const RamRange& ram) {
        return guests_alone(ram) && !part(ram, change.range).host.empty();
    });
    if (first == now.end())
        return false;
    MemoryRange piece{part(*first, change.range).at, 0};
    piece.size = change.range.size - (piece.at - change.range.at);
    if (change.sanitise)
        piece.size = std::min(piece.size, kSanitisedAtOnce);
    change.range = {piece.at + piece.size,
                    change.range.size - (piece.at - change.range.at) - piece.size};
    Ranges changed;
    if (change.unlock) {
        changed = take(piece, guests_alone);
    } else {
        for (const RamRange& ram : now)
            if (guests_alone(ram))
                append(changed, part(ram, piece));
    }
    for (const RamRange& ram : changed)
        if (change.sanitise && ram.writable)
            std::memset(ram.host.data(), 0, ram.host.size());
    return true;
}

/// Takes what `which` wants of the range out of the map; nobody uses it any more at the end.
template <class F>
AddressSpace::Ranges AddressSpace::take(MemoryRange range, F&& which)
{
    Ranges changed;
    Ranges taken;
    for (const RamRange& ram : ranges()) {
        const RamRange gone = part(ram, range);
        if (gone.host.empty() || !which(ram)) {
            append(changed, ram);
            continue;
        }
        taken.push_back(gone);
        const std::uint64_t head = gone.at - ram.at;
        const std::uint64_t tail = head + gone.host.size();
        append(changed, part(ram, {ram.at, head}));
        append(changed, part(ram, {ram.at + tail, ram.host.size() - tail}));
    }
    if (!taken.empty()) {
        publish(std::move(changed));
        flush();
    }
    return taken;
}

bool AddressSpace::has_any(MemoryRange range) const
{
    const std::scoped_lock lock(mutex_);
    const Ranges& ram = ranges();
    return std::any_of(ram.begin(), ram.end(),
                       [&](const RamRange& one) { return !part(one, range).host.empty(); });
}

}  // namespace gh::hyp
