// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/mapping.h"
#include "devices/virtio/chain.h"
#include "devices/virtio/disk_operation.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace gh::virtio {

/// A raw image, in a file or on a block device, that a guest sees as a disk. It says how things are
/// done, and others do them: see DiskOperation. Errors are positive errnos, 0 is success. Any
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
        int (*synced)(int error) = nullptr;  // for tests: says what the host's flush came to
    };

    static constexpr std::uint64_t kSector = 512;

    enum class Way { Read, Write };

    /// Throws Error: missing, not permitted, no file or block device, less than a sector, in use.
    explicit DiskImage(const Options& options);

    /// Bytes, in whole sectors; as it was when the image was opened.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] const std::string& path() const noexcept { return options_.path; }
    [[nodiscard]] bool readonly() const noexcept { return options_.readonly; }
    /// What transfers had better be multiples of, in bytes: 512 at least.
    [[nodiscard]] std::uint32_t block_size() const noexcept { return block_size_; }

    /// To read or write all of `buffer`, which is not empty, at `offset`, which with it lies in the
    /// image.
    void transfer(Way way, std::uint64_t offset, const Buffer& buffer, DiskOperation& to) const;
    /// Whether the host does not take these addresses past its cache, so that bounce() must do it.
    [[nodiscard]] bool must_bounce(std::uint64_t offset, const Buffer& buffer) const noexcept;
    /// Reads or writes all of it, by way of a buffer of our own.
    [[nodiscard]] int bounce(Way way, std::uint64_t offset, const Buffer& buffer);
    /// The guest does not need these bytes any more; what they read as from now on is open. A hint:
    /// where the host cannot, nothing is lost.
    void discard(std::uint64_t offset, std::uint64_t size, DiskOperation& to) const;
    /// From now on they read as zeros. `unmap`: the host may take the room back.
    void write_zeroes(std::uint64_t offset, std::uint64_t size, bool unmap,
                      DiskOperation& to) const;

    /// The image once more, for flushes (DiskOperation::Call::Sync): Linux tells of lost pages once
    /// for each open file, and then takes them for written. So a file has one flush at a time.
    [[nodiscard]] Fd open_to_sync() const;
    /// Takes what a flush came to: once one has failed none is good again.
    [[nodiscard]] int synced(int error) noexcept;

private:
    void open_direct();
    void take_lock() const;
    void measure();
    [[nodiscard]] bool is_aligned_to_blocks(std::uint64_t offset,
                                            const Buffer& buffer) const noexcept;

    Options options_;
    Fd file_;
    Fd direct_;  // the same with O_DIRECT, where wanted
    bool is_device_ = false;
    std::uint64_t size_ = 0;
    std::uint32_t block_size_ = kSector;
    std::atomic<int> lost_{0};  // why a flush failed
    std::mutex bounce_mutex_;
    Mapping bounce_;  // aligned; guarded by bounce_mutex_
};

}  // namespace gh::virtio
