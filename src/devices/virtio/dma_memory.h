// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "memory/gpa.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace gh::virtio {

/// A stretch of guest memory that the host may touch while the guest runs.
struct DmaWindow {
    Gpa base{};
    std::span<std::byte> host;
    bool writable = true;
    int fd = -1;               // the file behind it, for another process to map; -1: none
    std::uint64_t offset = 0;  // where in the file it begins
};

/// What devices reach of a guest: the memory that it shares with the host. Lent memory is no part
/// of it, so an address there is a value that a device can refuse and never a SIGBUS. Filled before
/// the guest runs and only read from then on, by any thread. What the bytes hold is the guest's to
/// change at any time: copy before checking.
class DmaMemory {
public:
    DmaMemory() = default;
    explicit DmaMemory(std::vector<DmaWindow> windows) : windows_(std::move(windows)) {}

    /// The bytes must outlive this.
    void add(const DmaWindow& window) { windows_.push_back(window); }

    [[nodiscard]] const std::vector<DmaWindow>& windows() const noexcept { return windows_; }

    /// `size` bytes at `at`, all in one window, for the device to read; else nothing.
    [[nodiscard]] std::optional<std::span<std::byte>> readable(Gpa at, std::uint64_t size) const;
    /// The same for the device to write.
    [[nodiscard]] std::optional<std::span<std::byte>> writable(Gpa at, std::uint64_t size) const;

private:
    [[nodiscard]] const DmaWindow* window_of(Gpa at, std::uint64_t size) const;

    std::vector<DmaWindow> windows_;
};

}  // namespace gh::virtio
