// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/dma_memory.h"

#include <algorithm>

namespace gh::virtio {

const DmaWindow* DmaMemory::window_of(Gpa at, std::uint64_t size) const
{
    const auto found = std::find_if(windows_.begin(), windows_.end(), [&](const DmaWindow& window) {
        return at - window.base < window.host.size() &&
               size <= window.host.size() - (at - window.base);
    });
    return found == windows_.end() ? nullptr : &*found;
}

std::optional<std::span<std::byte>> DmaMemory::readable(Gpa at, std::uint64_t size) const
{
    const DmaWindow* const window = window_of(at, size);
    if (window == nullptr)
        return std::nullopt;
    return window->host.subspan(at - window->base, size);
}

std::optional<std::span<std::byte>> DmaMemory::writable(Gpa at, std::uint64_t size) const
{
    const DmaWindow* const window = window_of(at, size);
    if (window == nullptr || !window->writable)
        return std::nullopt;
    return window->host.subspan(at - window->base, size);
}

}  // namespace gh::virtio
