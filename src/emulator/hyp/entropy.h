// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace gh::hyp {

/// 64 bits from the host's random number generator (getrandom(2)). Any thread.
[[nodiscard]] std::uint64_t random_word() noexcept;

}  // namespace gh::hyp
