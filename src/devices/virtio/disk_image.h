// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/mapping.h"
#include "devices/virtio/chain.h"

#include <cstdint>
#include <mutex>
#include <string>

#include <unistd.h>

namespace gh::virtio {

/// A raw image, in a file or on a block device, that a guest sees as a disk. All transfers are
/// whole: what the host does in part is continued. Errors are positive errnos, 0 is success. Any
/// number of threads, whose requests the host orders as it does those of different processes.
class DiskImage {
public:
    struct Options {
        std::string path;
        bool readonly = false;
        bool direct = false;  // past the host's page cache (O_DIRECT)
        /// Holds an open file description lock for as long as the image is open: of its own for
        /// a disk that is written, shared for one that is only read.
        bool lock = true;
        int (*sync)(int fd) = ::fdatasync;  // tests have others, which fail
    };

    static constexpr std::uint64_t kSector = 512;

    /// Throws Error: missing, not permitted, no file or block device, less than a sector, in use.
    explicit DiskImage(const Options& options);

    /// Bytes, in whole sectors; as it was when the image was opened.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] bool readonly() const noexcept { return options_.readonly; }
    /// What transfers had better be multiples of, in bytes: 512 at least.
    [[nodiscard]] std::uint32_t block_size() const noexcept { return block_size_; }

    /// Reads or writes all of `buffer` at `offset`, which with it lies in the image.
    [[nodiscard]] int read(std::uint64_t offset, const Buffer& buffer);
    [[nodiscard]] int write(std::uint64_t offset, const Buffer& buffer);
    /// What was written before this is on the disk after it (fdatasync(2)). Once that has failed it
    /// always fails: Linux tells of lost pages once and then takes them for written.
    [[nodiscard]] int flush() noexcept;
    /// The guest does not need these bytes any more; what they read as from now on is open.
    [[nodiscard]] int discard(std::uint64_t offset, std::uint64_t size) noexcept;
    /// From now on they read as zeros. `unmap`: the host may take the room back.
    [[nodiscard]] int write_zeroes(std::uint64_t offset, std::uint64_t size, bool unmap) noexcept;

private:
    enum class Way { Read, Write };

    void open_direct();
    void take_lock() const;
    void measure();
    [[nodiscard]] int transfer(Way way, std::uint64_t offset, const Buffer& buffer);
    [[nodiscard]] int bounce(Way way, std::uint64_t offset, const Buffer& buffer);
    [[nodiscard]] bool is_direct(const Buffer& buffer) const noexcept;

    Options options_;
    Fd file_;
    Fd direct_;  // the same with O_DIRECT, where wanted
    bool is_device_ = false;
    std::uint64_t size_ = 0;
    std::uint32_t block_size_ = kSector;
    std::mutex flush_mutex_;
    int lost_ = 0;  // why the first flush that failed did; guarded by flush_mutex_
    std::mutex bounce_mutex_;
    Mapping bounce_;  // aligned; guarded by bounce_mutex_
};

}  // namespace gh::virtio
