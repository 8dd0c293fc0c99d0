// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace gh {

/// A guest-physical address (Gunyah's documents say IPA). Never mixes with a host address.
enum class Gpa : std::uint64_t {};

constexpr std::uint64_t raw(Gpa address)
{
    return static_cast<std::uint64_t>(address);
}
constexpr Gpa operator+(Gpa address, std::uint64_t bytes)
{
    return Gpa{raw(address) + bytes};
}
/// May wrap: an address below `base` becomes huge and fails the bound that follows.
constexpr std::uint64_t operator-(Gpa address, Gpa base)
{
    return raw(address) - raw(base);
}

}  // namespace gh
