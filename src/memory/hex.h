// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

namespace gh {

/// "0x80000000": how every address and size is spelt for people.
[[nodiscard]] std::string hex(std::uint64_t value);

}  // namespace gh
