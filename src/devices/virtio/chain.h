// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <sys/uio.h>

namespace gh::virtio {

/// A stretch of a device's buffer, scattered over checked guest memory. The guest may change the
/// bytes at any time, so what is to be judged is copied first.
class Buffer {
public:
    void clear() noexcept;
    void append(std::span<std::byte> piece);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// For preadv(2) and its kin.
    [[nodiscard]] std::span<const iovec> pieces() const noexcept { return pieces_; }

    /// Copies from `offset` on into all of `to`; false, and nothing done, where that is too long.
    [[nodiscard]] bool read(std::uint64_t offset, std::span<std::byte> to) const noexcept;
    /// Copies all of `from` to `offset`; false, likewise.
    [[nodiscard]] bool write(std::uint64_t offset, std::span<const std::byte> from) const noexcept;

    /// Bytes [offset, offset + size) as a buffer of their own, in `to` (which keeps its capacity).
    /// They must be there.
    void slice(std::uint64_t offset, std::uint64_t size, Buffer& to) const;

private:
    std::vector<iovec> pieces_;
    std::uint64_t size_ = 0;
};

/// What a driver has made available to its device at a time (virtio 1.2, 2.7.5): bytes for the
/// device to read and then room for it to write. Kept and filled anew, so that it allocates little.
struct Chain {
    std::uint16_t head = 0;
    Buffer readable;
    Buffer writable;

    void clear() noexcept
    {
        readable.clear();
        writable.clear();
    }
};

}  // namespace gh::virtio
