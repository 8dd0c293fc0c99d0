// SPDX-License-Identifier: BSD-3-Clause
#include "machine/restarts.h"

#include <algorithm>

namespace gh::machine {

std::optional<std::chrono::milliseconds> Restarts::next(const config::EndPolicy& policy,
                                                        std::chrono::milliseconds ran)
{
    constexpr unsigned kDoublings = 20;  // of a millisecond: more than the longest wait
    if (ran >= kSound)
        in_row_ = 0;
    if (policy.limit != 0 && in_row_ >= policy.limit)
        return std::nullopt;
    const auto wait = std::chrono::milliseconds(policy.backoff << std::min(in_row_, kDoublings));
    ++in_row_;
    return std::min<std::chrono::milliseconds>(wait, kLongestWait);
}

}  // namespace gh::machine
