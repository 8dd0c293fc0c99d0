// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <sys/uio.h>

namespace gh::virtio {

/// One thing that a disk is to do: a system call, and the same again for what it has left. A thread
/// makes it by perform(), or the kernel beside it (IoRing); either way advance() judges the result.
/// Kept and filled anew, so that it allocates little.
struct DiskOperation {
    enum class Call { Read, Write, Sync, Allocate, Discard };
    /// What an Allocate or Discard does where the host cannot.
    enum class Otherwise { Nothing, WriteZeroes };

    Call call = Call::Sync;
    int fd = -1;
    std::uint64_t offset = 0;  // bytes
    std::uint64_t size = 0;    // bytes; of Allocate and Discard
    int mode = 0;              // fallocate(2)'s; of Allocate
    Otherwise otherwise = Otherwise::Nothing;
    std::vector<iovec> pieces;  // of Read and Write
    std::size_t first = 0;      // the piece that comes next

    /// The pieces of the next call: as many as preadv(2) takes at a time.
    [[nodiscard]] std::span<const iovec> left() const noexcept;

    /// Makes the call here and now: its result, or a negative errno.
    [[nodiscard]] std::int64_t perform() const noexcept;

    /// Takes the result of the call, as perform() gives it. 0 or a positive errno once all is done;
    /// nothing while the call must be made again.
    [[nodiscard]] std::optional<int> advance(std::int64_t result);

private:
    [[nodiscard]] std::optional<int> transferred(std::uint64_t bytes);
    [[nodiscard]] std::optional<int> unsupported();
};

}  // namespace gh::virtio
