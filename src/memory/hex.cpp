// SPDX-License-Identifier: BSD-3-Clause
#include "memory/hex.h"

#include <array>
#include <charconv>

namespace gh {

std::string hex(std::uint64_t value)
{
    std::array<char, 16> digits{};
    auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
    return "0x" + std::string(digits.data(), end);
}

}  // namespace gh
