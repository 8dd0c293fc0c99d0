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

    /// Who makes the call, where there is a ring. What the page cache does costs a thread less.
    enum class By {
        Ring,
        Thread,         // does not look at the medium, or no ring knows it
        ThreadIfItMay,  // perform_cached() first
    };

    Call call = Call::Sync;
    int fd = -1;
    std::uint64_t offset = 0;  // bytes
    std::uint64_t size = 0;    // bytes; of Allocate and Discard
    int mode = 0;              // fallocate(2)'s; of Allocate
    Otherwise otherwise = Otherwise::Nothing;
    By by = By::Ring;
    std::vector<iovec> pieces;  // of Read and Write
    std::size_t first = 0;      // the piece that comes next

    /// The pieces of the next call: as many as preadv(2) takes at a time.
    [[nodiscard]] std::span<const iovec> left() const noexcept;

    /// Makes the call here and now: its result, or a negative errno.
    [[nodiscard]] std::int64_t perform() const noexcept;

    /// The same where that waits for no medium, of Read; otherwise nothing is done.
    [[nodiscard]] std::optional<std::int64_t> perform_cached() const noexcept;

    /// Takes the result of the call, as perform() gives it. 0 or a positive errno once all is done;
    /// nothing while the call must be made again.
    [[nodiscard]] std::optional<int> advance(std::int64_t result);

private:
    [[nodiscard]] std::optional<int> transferred(std::uint64_t bytes);
    [[nodiscard]] std::optional<int> unsupported();
};

}  // namespace gh::virtio
