// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/bits.h"
#include "config/vm.h"

#include <cstdint>

namespace gh::config {

/// Where the bounce buffer of a VM with lent RAM lies: directly behind RAM, on the next 2 MiB. Of
/// no meaning if memory.swiotlb is 0.
[[nodiscard]] constexpr std::uint64_t swiotlb_base(const Memory& memory)
{
    return align_up(memory.base + memory.size, 2ull << 20);
}

/// Whether devices have a way to the guest: its RAM, or the bounce buffer.
[[nodiscard]] inline bool devices_reach(const Memory& memory)
{
    return memory.sharing == Sharing::Share || memory.swiotlb != 0;
}

}  // namespace gh::config
