// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string_view>

namespace gh::config {

/// The one of `choices` that somebody who wrote `word` probably meant; empty if none is near.
/// Upper and lower case, '-' and '_' count as the same; swapped neighbours as one mistake.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> choices);

}  // namespace gh::config
