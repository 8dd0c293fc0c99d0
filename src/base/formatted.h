// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace gh {

/// What printf(3) would print; a host without memory for it throws std::bad_alloc.
[[nodiscard]] [[gnu::format(printf, 1, 2)]] std::string formatted(const char* format, ...);

}  // namespace gh
