// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace gh {

/// Owns one mmap()ed range; unmapped when it goes. Never copied; empty after a move.
class Mapping {
public:
    Mapping() noexcept = default;
    /// mmap(nullptr, size, protection, flags, fd, offset); throws Error naming `what`.
    Mapping(const char* what, std::size_t size, int protection, int flags, int fd = -1,
            long long offset = 0);
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    Mapping& operator=(Mapping&& other) noexcept
    {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~Mapping();

    [[nodiscard]] std::byte* data() const noexcept { return bytes_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

private:
    std::span<std::byte> bytes_;
};

}  // namespace gh
