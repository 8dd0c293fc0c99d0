// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "memory/guest_memory.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace gh::virtio {

/// A stretch of guest memory that the host may touch while the guest runs.
struct DmaWindow {
    Gpa base{};
    std::span<std::byte> host;
    bool writable = true;
};

/// What devices reach of a guest: the memory that it shares with the host. Lent memory is no part
/// of it, so an address there is a value that a device can refuse and never a SIGBUS. Any thread.
/// What the bytes hold is the guest's to change at any time: copy before checking.
class DmaMemory {
public:
    DmaMemory() = default;
    explicit DmaMemory(std::vector<DmaWindow> windows) : windows_(std::move(windows)) {}
    /// All regions of `memory` that are shared; it must outlive this.
    explicit DmaMemory(const GuestMemory& memory);

    /// `size` bytes at `at`, all in one window, for the device to read; else nothing.
    [[nodiscard]] std::optional<std::span<std::byte>> readable(Gpa at, std::uint64_t size) const;
    /// The same for the device to write.
    [[nodiscard]] std::optional<std::span<std::byte>> writable(Gpa at, std::uint64_t size) const;

private:
    [[nodiscard]] const DmaWindow* window_of(Gpa at, std::uint64_t size) const;

    std::vector<DmaWindow> windows_;
};

}  // namespace gh::virtio
