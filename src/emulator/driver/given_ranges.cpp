// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/given_ranges.h"

#include <algorithm>

namespace gh::driver {
namespace {

std::uint64_t end_of(ClientRange range)
{
    return range.address + range.size;
}

bool overlap(ClientRange a, ClientRange b)
{
    return a.address < end_of(b) && b.address < end_of(a);
}

}  // namespace

bool GivenRanges::add(ClientRange range, bool lent, const GuestView& view)
{
    const std::scoped_lock lock(mutex_);
    const bool conflict = std::any_of(all_.begin(), all_.end(), [&](const Given& other) {
        return overlap(range, other.range) && (lent || other.lent);
    });
    if (!conflict)
        all_.push_back({range, lent, &view});
    return !conflict;
}

bool GivenRanges::meets(ClientRange range) const
{
    const std::scoped_lock lock(mutex_);
    return std::any_of(all_.begin(), all_.end(),
                       [&](const Given& other) { return overlap(range, other.range); });
}

void GivenRanges::remove(ClientRange part, const GuestView& view) noexcept
{
    const std::scoped_lock lock(mutex_);
    std::vector<Given> left;
    for (const Given& one : all_) {
        if (one.view != &view || !overlap(one.range, part)) {
            left.push_back(one);
            continue;
        }
        if (one.range.address < part.address)
            left.push_back(
                {{one.range.address, part.address - one.range.address}, one.lent, &view});
        if (end_of(part) < end_of(one.range))
            left.push_back({{end_of(part), end_of(one.range) - end_of(part)}, one.lent, &view});
    }
    all_ = std::move(left);
}

}  // namespace gh::driver
