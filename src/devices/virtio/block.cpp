// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/block.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <sys/epoll.h>

namespace gh::virtio {
namespace {

// virtio 1.2, 5.2.3: feature bits
constexpr unsigned kSegMax = 2;
constexpr unsigned kReadonly = 5;
constexpr unsigned kBlockSize = 6;
constexpr unsigned kFlush = 9;
constexpr unsigned kTopology = 10;
constexpr unsigned kMultiQueue = 12;
constexpr unsigned kDiscard = 13;
constexpr unsigned kWriteZeroes = 14;

// 5.2.6: request types
constexpr std::uint32_t kIn = 0;
constexpr std::uint32_t kOut = 1;
constexpr std::uint32_t kFlushRequest = 4;
constexpr std::uint32_t kGetId = 8;
constexpr std::uint32_t kDiscardRequest = 11;
constexpr std::uint32_t kWriteZeroesRequest = 13;

constexpr std::size_t kIdSize = 20;
constexpr std::uint32_t kUnmap = 1;  // flag of a segment

/// 5.2.4: the configuration space.
struct Configuration {
    std::uint64_t capacity = 0;  // sectors of 512 bytes
    std::uint32_t size_max = 0;
    std::uint32_t seg_max = 0;
    std::uint32_t geometry = 0;
    std::uint32_t blk_size = 0;
    std::uint8_t physical_block_exp = 0;
    std::uint8_t alignment_offset = 0;
    std::uint16_t min_io_size = 0;
    std::uint32_t opt_io_size = 0;
    std::uint8_t writeback = 0;
    std::uint8_t unused0 = 0;
    std::uint16_t num_queues = 0;
    std::uint32_t max_discard_sectors = 0;
    std::uint32_t max_discard_seg = 0;
    std::uint32_t discard_sector_alignment = 0;
    std::uint32_t max_write_zeroes_sectors = 0;
    std::uint32_t max_write_zeroes_seg = 0;
    std::uint8_t write_zeroes_may_unmap = 0;
    std::array<std::uint8_t, 7> unused1{};
};
static_assert(sizeof(Configuration) == 64);

// What the host does best: whole pages of its cache.
constexpr std::uint32_t kPhysicalBlock = 4096;
constexpr std::uint32_t kMaxSegments = 16;
// Bounds how long one request can keep its thread, and whoever resets the device, where the host
// must write zeros out.
constexpr std::uint32_t kMaxSegmentSectors = (64u << 20) / DiskImage::kSector;

constexpr std::uint64_t flag(unsigned feature)
{
    return std::uint64_t{1} << feature;
}

Configuration configuration_of(const DiskImage& image, unsigned queues)
{
    Configuration config;
    const std::uint32_t block = image.block_size();
    const std::uint32_t physical = std::max(block, kPhysicalBlock);
    config.capacity = image.size() / DiskImage::kSector;
    config.seg_max = Block::kQueueSize - 2;
    config.blk_size = block;
    config.physical_block_exp = static_cast<std::uint8_t>(std::countr_zero(physical / block));
    config.min_io_size = static_cast<std::uint16_t>(physical / block);
    config.num_queues = static_cast<std::uint16_t>(queues);
    config.max_discard_sectors = kMaxSegmentSectors;
    config.max_discard_seg = kMaxSegments;
    config.discard_sector_alignment = physical / DiskImage::kSector;
    config.max_write_zeroes_sectors = kMaxSegmentSectors;
    config.max_write_zeroes_seg = kMaxSegments;
    config.write_zeroes_may_unmap = 1;
    return config;
}

template <class T>
std::span<std::byte> bytes_of(T& value)
{
    return std::as_writable_bytes(std::span(&value, 1));
}

}  // namespace

/// Of a discard or write-zeroes request.
struct Block::Segment {
    std::uint64_t sector;
    std::uint32_t sectors;
    std::uint32_t flags;
};

Block::Block(Options options) : options_(std::move(options)), image_(options_.image) {}

Block::~Block()
{
    stop();
}

std::uint64_t Block::features() const noexcept
{
    return flag(kSegMax) | flag(kBlockSize) | flag(kFlush) | flag(kTopology) |
           (options_.queues > 1 ? flag(kMultiQueue) : 0) |
           (image_.readonly() ? flag(kReadonly) : flag(kDiscard) | flag(kWriteZeroes));
}

std::vector<std::uint16_t> Block::queue_sizes() const
{
    std::vector<std::uint16_t> sizes;
    sizes.assign(options_.queues, kQueueSize);
    return sizes;
}

void Block::read_config(std::uint64_t offset, std::span<std::byte> to) noexcept
{
    auto config = configuration_of(image_, options_.queues);
    const auto all = bytes_of(config);
    if (offset >= all.size())
        return;
    const auto there = all.subspan(offset, std::min(to.size(), all.size() - offset));
    std::copy(there.begin(), there.end(), to.begin());
}

void Block::start(std::uint64_t features, std::vector<ActiveQueue> queues, Notifier& notifier)
{
    agreed_ = features;
    for (const ActiveQueue& queue : queues)
        lanes_.push_back(std::make_unique<Lane>(queue));
    for (const auto& lane : lanes_)
        run(*lane, notifier);
}

void Block::run(Lane& lane, Notifier& notifier)
{
    const std::string name = options_.name + "-" + std::to_string(lane.active.index);
    lane.worker = std::make_unique<Worker>(name, notifier, [&](Poller& poller) {
        poller.add(lane.active.kick->get(), EPOLLIN, [this, &lane, &notifier](std::uint32_t) {
            (void)serve(lane.active, lane.chain, notifier,
                        [&](Chain& chain) { return answer(chain, lane.data); });
        });
    });
}

void Block::stop() noexcept
{
    lanes_.clear();
}

/// The last writable byte is the status; without one nobody can be told.
std::uint32_t Block::answer(Chain& chain, Buffer& data)
{
    if (chain.writable.empty())
        return 0;
    const auto status = perform(chain, data);
    const auto byte = static_cast<std::byte>(status);
    const std::uint64_t last = chain.writable.size() - 1;
    GH_CHECK(chain.writable.write(last, std::span(&byte, 1)));
    // What was read in part does not count, and the status alone only where nothing comes before.
    return status == Status::Ok || last == 0 ? static_cast<std::uint32_t>(last + 1) : 0;
}

Block::Status Block::perform(const Chain& chain, Buffer& data)
{
    Header header{};
    if (!chain.readable.read(0, bytes_of(header)))
        return Status::IoError;
    switch (header.type) {
    case kIn: return read(header, chain, data);
    case kOut: return write(header, chain, data);
    case kFlushRequest: return flush();
    case kGetId: return identify(chain);
    case kDiscardRequest:
    case kWriteZeroesRequest: return forget(header, chain);
    default: return Status::Unsupported;
    }
}

bool Block::holds(std::uint64_t sector, std::uint64_t bytes) const noexcept
{
    const std::uint64_t capacity = image_.size() / DiskImage::kSector;
    return is_aligned(bytes, DiskImage::kSector) && sector <= capacity &&
           bytes / DiskImage::kSector <= capacity - sector;
}

/// The host's trouble is told once, the guest each time.
Block::Status Block::result(const char* what, int error) noexcept
{
    if (error == 0)
        return Status::Ok;
    if (!said_failed_.exchange(true))
        log(LogLevel::Error, "%s: %s %s: %s; the guest sees an I/O error", name(), what,
            options_.image.path.c_str(), errno_text(error).c_str());
    return Status::IoError;
}

Block::Status Block::read(const Header& header, const Chain& chain, Buffer& data)
{
    const std::uint64_t size = chain.writable.size() - 1;
    if (!holds(header.sector, size))
        return Status::IoError;
    chain.writable.slice(0, size, data);
    return result("read", image_.read(header.sector * DiskImage::kSector, data));
}

// A driver that cannot flush must find each write on the disk (5.2.6.2).
Block::Status Block::write(const Header& header, const Chain& chain, Buffer& data)
{
    const std::uint64_t size = chain.readable.size() - sizeof header;
    if (image_.readonly() || !holds(header.sector, size))
        return Status::IoError;
    chain.readable.slice(sizeof header, size, data);
    const auto status = result("write", image_.write(header.sector * DiskImage::kSector, data));
    return status == Status::Ok && (agreed_ & flag(kFlush)) == 0 ? flush() : status;
}

Block::Status Block::flush()
{
    return result("flush", image_.flush());
}

Block::Status Block::identify(const Chain& chain) const
{
    std::array<std::byte, kIdSize> id{};
    std::memcpy(id.data(), options_.serial.data(), std::min(options_.serial.size(), id.size()));
    const std::uint64_t room = std::min<std::uint64_t>(chain.writable.size() - 1, id.size());
    GH_CHECK(chain.writable.write(0, std::span(id).first(room)));
    return Status::Ok;
}

Block::Status Block::forget(const Header& header, const Chain& chain)
{
    const std::uint64_t size = chain.readable.size() - sizeof header;
    if (image_.readonly() || size == 0 || size % sizeof(Segment) != 0 ||
        size / sizeof(Segment) > kMaxSegments)
        return Status::IoError;
    for (std::uint64_t at = sizeof header; at < chain.readable.size(); at += sizeof(Segment)) {
        Segment segment{};
        GH_CHECK(chain.readable.read(at, bytes_of(segment)));
        const auto status = forget_segment(header.type, segment);
        if (status != Status::Ok)
            return status;
    }
    return (agreed_ & flag(kFlush)) == 0 ? flush() : Status::Ok;
}

Block::Status Block::forget_segment(std::uint32_t type, const Segment& segment)
{
    const bool discards = type == kDiscardRequest;
    if ((segment.flags & ~kUnmap) != 0 || (discards && segment.flags != 0))
        return Status::Unsupported;
    const std::uint64_t size = segment.sectors * DiskImage::kSector;
    if (segment.sectors > kMaxSegmentSectors || !holds(segment.sector, size))
        return Status::IoError;
    const std::uint64_t offset = segment.sector * DiskImage::kSector;
    if (size == 0)
        return Status::Ok;
    return discards ? result("discard part of", image_.discard(offset, size))
                    : result("zero part of",
                             image_.write_zeroes(offset, size, (segment.flags & kUnmap) != 0));
}

}  // namespace gh::virtio
