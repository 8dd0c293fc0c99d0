// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/profile.h"

#include "emulator/cpu/decode.h"

#include <utility>

namespace gh::cpu {

Profile::Profile(Listener listener) : listener_(std::move(listener)), calls_(encodings().size() + 1)
{
}

Spot& Profile::spot(std::uint64_t va, unsigned el, Spot::Tier tier)
{
    // Code lies at multiples of 4.
    const std::uint64_t low = (el == 0 ? 0 : 1) | (tier == Spot::Tier::Translated ? 2 : 0);
    const auto found = spots_.find(va | low);
    if (found != spots_.end())
        return found->second;
    if (spots_.size() >= kMostSpots)
        va = 0;
    Spot& spot = spots_[va | low];
    spot.va = va;
    spot.el = static_cast<std::uint8_t>(el);
    spot.tier = tier;
    return spot;
}

Profile::Calls& Profile::calls(std::uint32_t word)
{
    const Encoding* const encoding = find_encoding(word);
    return encoding == nullptr ? calls_.back()
                               : calls_[static_cast<std::size_t>(encoding - encodings().data())];
}

void Profile::made(const HostCode& code) const
{
    if (listener_)
        listener_(code);
}

std::vector<const Spot*> Profile::spots() const
{
    std::vector<const Spot*> all;
    all.reserve(spots_.size());
    for (const auto& [key, spot] : spots_)
        all.push_back(&spot);
    return all;
}

}  // namespace gh::cpu
