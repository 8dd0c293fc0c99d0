// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/block_request.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "devices/virtio/layout.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace gh::virtio {
namespace {

// virtio 1.2, 5.2.6: request types
constexpr std::uint32_t kIn = 0;
constexpr std::uint32_t kOut = 1;
constexpr std::uint32_t kFlush = 4;
constexpr std::uint32_t kGetId = 8;
constexpr std::uint32_t kDiscard = 11;
constexpr std::uint32_t kWriteZeroes = 13;

constexpr std::size_t kIdSize = 20;
constexpr std::uint32_t kUnmap = 1;  // flag of a segment

/// The verb of a message.
const char* doing(std::uint32_t type)
{
    switch (type) {
    case kIn: return "read";
    case kOut: return "write";
    case kDiscard: return "discard part of";
    default: return "zero part of";
    }
}

bool holds(const DiskImage& image, std::uint64_t sector, std::uint64_t bytes)
{
    const std::uint64_t capacity = image.size() / DiskImage::kSector;
    return is_aligned(bytes, DiskImage::kSector) && sector <= capacity &&
           bytes / DiskImage::kSector <= capacity - sector;
}

}  // namespace

void BlockDisk::say_failed(const char* what, int error) noexcept
{
    if (!said_failed.exchange(true))
        log(LogLevel::Error, "%s: %s %s: %s; the guest sees an I/O error", name.c_str(), what,
            image.path().c_str(), errno_text(error).c_str());
}

BlockRequest::Next BlockRequest::end(Status status) noexcept
{
    status_ = status;
    return Next::Answer;
}

BlockRequest::Next BlockRequest::begin(BlockDisk& disk)
{
    if (chain_.writable.empty() || !chain_.readable.read(0, bytes_of(header_)))
        return end(Status::IoError);
    switch (header_.type) {
    case kIn: return transfer(disk, chain_.writable, 0, chain_.writable.size() - 1);
    case kOut:
        return transfer(disk, chain_.readable, sizeof header_,
                        chain_.readable.size() - sizeof header_);
    case kFlush: return Next::Flush;
    case kGetId: return identify(disk);
    case kDiscard:
    case kWriteZeroes: return forget(disk);
    default: return end(Status::Unsupported);
    }
}

BlockRequest::Next BlockRequest::transfer(BlockDisk& disk, const Buffer& buffer, std::uint64_t skip,
                                          std::uint64_t size)
{
    const bool writes = header_.type == kOut;
    if ((writes && disk.image.readonly()) || !holds(disk.image, header_.sector, size))
        return end(Status::IoError);
    if (size == 0)
        return end(Status::Ok);
    buffer.slice(skip, size, data_);
    const auto way = writes ? DiskImage::Way::Write : DiskImage::Way::Read;
    const std::uint64_t offset = header_.sector * DiskImage::kSector;
    if (disk.image.must_bounce(offset, data_)) {
        const int error = disk.image.bounce(way, offset, data_);
        return error == 0 ? changed(disk) : failed(disk, error);
    }
    disk.image.transfer(way, offset, data_, operation_);
    return Next::Operate;
}

BlockRequest::Next BlockRequest::identify(const BlockDisk& disk)
{
    std::array<std::byte, kIdSize> id{};
    std::memcpy(id.data(), disk.serial.data(), std::min(disk.serial.size(), id.size()));
    const std::uint64_t room = std::min<std::uint64_t>(chain_.writable.size() - 1, id.size());
    GH_CHECK(chain_.writable.write(0, std::span(id).first(room)));
    return end(Status::Ok);
}

BlockRequest::Next BlockRequest::forget(BlockDisk& disk)
{
    const std::uint64_t size = chain_.readable.size() - sizeof header_;
    if (disk.image.readonly() || size == 0 || size % sizeof(Segment) != 0 ||
        size / sizeof(Segment) > kMaxSegments)
        return end(Status::IoError);
    segment_ = sizeof header_;
    return next_segment(disk);
}

BlockRequest::Next BlockRequest::next_segment(BlockDisk& disk)
{
    Segment segment{};
    do {
        if (segment_ == chain_.readable.size())
            return changed(disk);
        GH_CHECK(chain_.readable.read(segment_, bytes_of(segment)));
        segment_ += sizeof segment;
        const bool discards = header_.type == kDiscard;
        if ((segment.flags & ~kUnmap) != 0 || (discards && segment.flags != 0))
            return end(Status::Unsupported);
        if (segment.sectors > kMaxSegmentSectors ||
            !holds(disk.image, segment.sector, segment.sectors * DiskImage::kSector))
            return end(Status::IoError);
    } while (segment.sectors == 0);
    const std::uint64_t offset = segment.sector * DiskImage::kSector;
    const std::uint64_t size = segment.sectors * DiskImage::kSector;
    if (header_.type == kDiscard)
        disk.image.discard(offset, size, operation_);
    else
        disk.image.write_zeroes(offset, size, (segment.flags & kUnmap) != 0, operation_);
    return Next::Operate;
}

BlockRequest::Next BlockRequest::operated(BlockDisk& disk, std::int64_t result)
{
    const auto error = operation_.advance(result);
    if (!error)
        return Next::Operate;
    if (*error != 0)
        return failed(disk, *error);
    const bool forgets = header_.type == kDiscard || header_.type == kWriteZeroes;
    return forgets ? next_segment(disk) : changed(disk);
}

BlockRequest::Next BlockRequest::failed(BlockDisk& disk, int error)
{
    disk.say_failed(doing(header_.type), error);
    return end(Status::IoError);
}

// A driver that cannot flush must find each write on the disk (5.2.6.2).
BlockRequest::Next BlockRequest::changed(const BlockDisk& disk) noexcept
{
    return disk.write_through && header_.type != kIn ? Next::Flush : end(Status::Ok);
}

BlockRequest::Next BlockRequest::flushed(BlockDisk& disk, int error)
{
    if (error != 0)
        disk.say_failed("flush", error);
    return end(error == 0 ? Status::Ok : Status::IoError);
}

std::uint32_t BlockRequest::answer()
{
    if (chain_.writable.empty())
        return 0;
    const auto byte = static_cast<std::byte>(status_);
    const std::uint64_t last = chain_.writable.size() - 1;
    GH_CHECK(chain_.writable.write(last, std::span(&byte, 1)));
    // What was read in part does not count, and the status alone only where nothing comes before.
    return status_ == Status::Ok || last == 0 ? static_cast<std::uint32_t>(last + 1) : 0;
}

}  // namespace gh::virtio
