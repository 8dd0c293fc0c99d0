// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace gh::differential {

/// A small generator whose sequence depends on nothing but its seed (splitmix64), so that a case
/// can be made again from its numbers.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() noexcept
    {
        std::uint64_t z = state_ += 0x9e37'79b9'7f4a'7c15;
        z = (z ^ z >> 30) * 0xbf58'476d'1ce4'e5b9;
        z = (z ^ z >> 27) * 0x94d0'49bb'1331'11eb;
        return z ^ z >> 31;
    }
    std::uint32_t word() noexcept { return static_cast<std::uint32_t>(next() >> 32); }
    /// 0..limit - 1.
    unsigned below(unsigned limit) noexcept
    {
        return static_cast<unsigned>((next() >> 32) * limit >> 32);
    }
    /// True once in `n`.
    bool once_in(unsigned n) noexcept { return below(n) == 0; }

private:
    std::uint64_t state_;
};

}  // namespace gh::differential
