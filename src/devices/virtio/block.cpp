// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/block.h"

#include "base/error.h"
#include "devices/virtio/io_ring.h"
#include "devices/virtio/layout.h"

#include <algorithm>
#include <bit>

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

Configuration configuration_of(const DiskImage& image, std::size_t queues)
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
    config.max_discard_sectors = BlockRequest::kMaxSegmentSectors;
    config.max_discard_seg = BlockRequest::kMaxSegments;
    config.discard_sector_alignment = physical / DiskImage::kSector;
    config.max_write_zeroes_sectors = BlockRequest::kMaxSegmentSectors;
    config.max_write_zeroes_seg = BlockRequest::kMaxSegments;
    config.write_zeroes_may_unmap = 1;
    return config;
}

/// As deep as a queue is long, or nothing for threads.
std::shared_ptr<IoRing> make_ring(Block::Io io)
{
    if (io == Block::Io::Threads)
        return nullptr;
    try {
        return std::make_shared<IoRing>(Block::kQueueSize);
    } catch (const Error&) {
        if (io == Block::Io::Uring)
            throw;
        return nullptr;
    }
}

}  // namespace

Block::Rings Block::make_rings(Io io, unsigned queues)
{
    Rings rings;
    for (unsigned queue = 0; queue < queues; ++queue)
        rings.push_back(make_ring(io));
    return rings;
}

Block::Block(Options options)
    : disk_{.name = std::move(options.name),
            .serial = std::move(options.serial),
            .image = DiskImage(options.image)}
{
    if (options.rings.empty())
        options.rings = make_rings(options.io, options.queues);
    GH_CHECK(options.rings.size() == options.queues);
    for (auto& ring : options.rings)
        lanes_.push_back({.sync_file = disk_.image.open_to_sync(), .ring = std::move(ring)});
}

Block::~Block()
{
    stop();
}

std::uint64_t Block::features() const noexcept
{
    return feature_flag(kSegMax) | feature_flag(kBlockSize) | feature_flag(kFlush) |
           feature_flag(kTopology) | (lanes_.size() > 1 ? feature_flag(kMultiQueue) : 0) |
           (disk_.image.readonly() ? feature_flag(kReadonly)
                                   : feature_flag(kDiscard) | feature_flag(kWriteZeroes));
}

std::vector<std::uint16_t> Block::queue_sizes() const
{
    std::vector<std::uint16_t> sizes;
    sizes.assign(lanes_.size(), kQueueSize);
    return sizes;
}

void Block::read_config(std::uint64_t offset, std::span<std::byte> to) noexcept
{
    read_layout(configuration_of(disk_.image, lanes_.size()), offset, to);
}

void Block::start(std::uint64_t features, std::vector<ActiveQueue> queues, Notifier& notifier)
{
    disk_.write_through = !has_feature(features, kFlush);
    for (const ActiveQueue& queue : queues) {
        const Lane& lane = lanes_.at(queue.index);
        queues_.push_back(
            std::make_unique<BlockQueue>(disk_, lane.sync_file, lane.ring.get(), queue, notifier));
    }
}

void Block::stop() noexcept
{
    queues_.clear();
}

}  // namespace gh::virtio
