// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

namespace gh::fdt {

/// "0x80000000": how every address and size in a message or tree is spelt.
[[nodiscard]] std::string hex(std::uint64_t value);

}  // namespace gh::fdt
