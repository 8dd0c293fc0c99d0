// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace gh::cpu {

/// The local exclusive monitor: where the last load-exclusive read and what it saw. A
/// store-exclusive succeeds if memory still holds that, by compare-and-swap; a value that changed
/// and changed back goes unnoticed, which no lock or counter algorithm in use depends on.
struct Exclusive {
    std::byte* host = nullptr;  // nullptr: open
    std::uint8_t size = 0;
    std::array<std::uint64_t, 2> value{};

    void clear() noexcept { host = nullptr; }
};

}  // namespace gh::cpu
