// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/chain.h"

#include "base/error.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace gh::virtio {
namespace {

/// Calls body(piece of guest memory, where in the range it begins) along [offset, offset + size).
template <class Body>
void for_each_piece(std::span<const iovec> pieces, std::uint64_t offset, std::uint64_t size,
                    Body body)
{
    std::uint64_t done = 0;
    for (const iovec& piece : pieces) {
        if (done == size)
            return;
        if (offset >= piece.iov_len) {
            offset -= piece.iov_len;
            continue;
        }
        const std::uint64_t length = std::min(piece.iov_len - offset, size - done);
        body(std::span(static_cast<std::byte*>(piece.iov_base) + offset, length), done);
        done += length;
        offset = 0;
    }
}

}  // namespace

void Buffer::clear() noexcept
{
    pieces_.clear();
    size_ = 0;
}

void Buffer::append(std::span<std::byte> piece)
{
    pieces_.push_back({.iov_base = piece.data(), .iov_len = piece.size()});
    size_ += piece.size();
}

bool Buffer::read(std::uint64_t offset, std::span<std::byte> to) const noexcept
{
    if (offset > size_ || to.size() > size_ - offset)
        return false;
    for_each_piece(pieces_, offset, to.size(), [to](std::span<std::byte> piece, std::uint64_t at) {
        std::memcpy(to.data() + at, piece.data(), piece.size());
    });
    std::atomic_signal_fence(std::memory_order_acq_rel);  // the copy is what is judged
    return true;
}

bool Buffer::write(std::uint64_t offset, std::span<const std::byte> from) const noexcept
{
    if (offset > size_ || from.size() > size_ - offset)
        return false;
    for_each_piece(pieces_, offset, from.size(),
                   [from](std::span<std::byte> piece, std::uint64_t at) {
                       std::memcpy(piece.data(), from.data() + at, piece.size());
                   });
    return true;
}

void Buffer::slice(std::uint64_t offset, std::uint64_t size, Buffer& to) const
{
    GH_CHECK(offset <= size_ && size <= size_ - offset);
    to.clear();
    for_each_piece(pieces_, offset, size,
                   [&to](std::span<std::byte> piece, std::uint64_t) { to.append(piece); });
}

}  // namespace gh::virtio
