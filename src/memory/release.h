// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

namespace gh {

/// Gives the whole pages in `range`, which lies in a mapping of a MemoryRegion's, back to the host.
/// They read as zeros, or as the image that is mapped there, when next touched, and come into being
/// then. False, and they may still be there: the host does not do that for this memory. Any thread.
[[nodiscard]] bool release_pages(std::span<std::byte> range) noexcept;

}  // namespace gh
