// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/chain.h"
#include "devices/virtio/disk_image.h"
#include "devices/virtio/disk_operation.h"

#include <atomic>
#include <cstdint>
#include <string>

namespace gh::virtio {

/// What the requests of a disk have in common. Any number of threads.
struct BlockDisk {
    std::string name;    // for messages: "disk0"
    std::string serial;  // what GET_ID answers
    DiskImage image;
    bool write_through = false;  // the driver cannot flush (virtio 1.2, 5.2.6.2)
    std::atomic<bool> said_failed{false};

    /// The host's trouble is told once, the guest each time. `error`: an errno.
    void say_failed(const char* what, int error) noexcept;
};

/// A request (virtio 1.2, 5.2.6), from its chain to its status: says what is to be done next, and
/// whoever does it says how that went. One thread at a time.
class BlockRequest {
public:
    static constexpr std::uint32_t kMaxSegments = 16;
    // Bounds how long one request can keep its thread, and whoever resets the device, where the
    // host must write zeros out.
    static constexpr std::uint32_t kMaxSegmentSectors = (64u << 20) / DiskImage::kSector;

    enum class Next {
        Answer,   // all is done: answer()
        Operate,  // operation()
        Flush,    // what was answered before must be on the disk
    };

    /// For the queue to fill; then begin().
    [[nodiscard]] Chain& chain() noexcept { return chain_; }

    [[nodiscard]] Next begin(BlockDisk& disk);
    [[nodiscard]] const DiskOperation& operation() const noexcept { return operation_; }
    /// What operation() came to.
    [[nodiscard]] Next operated(BlockDisk& disk, std::int64_t result);
    /// What the flush came to, an errno.
    [[nodiscard]] Next flushed(BlockDisk& disk, int error);
    /// Writes the status, which is the last writable byte; without one nobody can be told. The
    /// number of bytes that the request has written.
    [[nodiscard]] std::uint32_t answer();

private:
    enum class Status : std::uint8_t { Ok = 0, IoError = 1, Unsupported = 2 };
    struct Header {
        std::uint32_t type;
        std::uint32_t reserved;
        std::uint64_t sector;
    };
    struct Segment {  // of a discard or write-zeroes request
        std::uint64_t sector;
        std::uint32_t sectors;
        std::uint32_t flags;
    };

    [[nodiscard]] Next end(Status status) noexcept;
    [[nodiscard]] Next transfer(BlockDisk& disk, const Buffer& buffer, std::uint64_t skip,
                                std::uint64_t size);
    [[nodiscard]] Next forget(BlockDisk& disk);
    [[nodiscard]] Next next_segment(BlockDisk& disk);
    [[nodiscard]] Next identify(const BlockDisk& disk);
    [[nodiscard]] Next failed(BlockDisk& disk, int error);
    [[nodiscard]] Next changed(const BlockDisk& disk) noexcept;

    Chain chain_;
    Header header_{};
    Buffer data_;
    DiskOperation operation_;
    std::uint64_t segment_ = 0;  // where the next one begins
    Status status_ = Status::Ok;
};

}  // namespace gh::virtio
