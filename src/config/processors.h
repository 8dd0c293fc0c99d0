// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace gh::config {

/// As many as a cpu_set_t of glibc holds.
inline constexpr unsigned kMostProcessors = 1024;

/// The host's processors that "0-3,6" names, as cpuset(7) writes lists: 0, 1, 2, 3, 6. Nothing for
/// any other text.
[[nodiscard]] std::optional<std::vector<unsigned>> parse_processors(std::string_view text);

}  // namespace gh::config
