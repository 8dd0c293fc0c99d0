// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/block_cache.h"

#include <new>
#include <span>

#include <sys/mman.h>

namespace gh::cpu {
namespace {

constexpr std::uintptr_t kLine = 64;

std::uintptr_t line_of(const std::byte* host)
{
    return reinterpret_cast<std::uintptr_t>(host) / kLine;
}

}  // namespace

BlockCache::BlockCache()
    : arena_("block cache", kArenaSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
{
}

std::size_t BlockCache::bucket_of(const std::byte* host) noexcept
{
    return static_cast<std::size_t>(line_of(host) * 0x9e37'79b9'7f4a'7c15ull >> 50);
}

Block* BlockCache::find_slowly(std::uint64_t va, const std::byte* host,
                               std::uint16_t context) noexcept
{
    for (Block* block = buckets_[bucket_of(host)]; block != nullptr; block = block->next_in_bucket)
        if (block->va == va && block->host == host && block->context == context) {
            jumps_[(va / 4) % kJumps] = {va, block};
            return block;
        }
    return nullptr;
}

Block* BlockCache::begin() noexcept
{
    constexpr std::size_t kMost = sizeof(Block) + (kMaxInsns + 2) * sizeof(Insn);
    if (used_ + kMost > arena_.size())
        clear();
    return new (arena_.data() + used_) Block{};
}

void BlockCache::commit(Block* block, unsigned slots) noexcept
{
    used_ += sizeof(Block) + slots * sizeof(Insn);
    Block*& head = buckets_[bucket_of(block->host)];
    block->next_in_bucket = head;
    head = block;
    jumps_[(block->va / 4) % kJumps] = {block->va, block};
}

unsigned BlockCache::drop_line(const std::byte* host) noexcept
{
    // A block reaches at most kMaxInsns * 4 bytes forward, so it began in this line or a few
    // before.
    constexpr std::uintptr_t kReach = std::uintptr_t{kMaxInsns} * 4 / kLine;
    const std::uintptr_t line = line_of(host);
    unsigned dropped = 0;
    for (std::uintptr_t back = 0; back <= kReach; ++back) {
        const auto* const start = host - back * kLine;
        Block** where = &buckets_[bucket_of(start)];
        while (Block* const block = *where) {
            const std::uintptr_t last = line_of(block->host + std::size_t{block->count} * 4 - 1);
            const bool hit = line_of(block->host) == line - back && last >= line;
            if (hit) {
                block->live = false;
                ++dropped;
                *where = block->next_in_bucket;
            } else {
                where = &block->next_in_bucket;
            }
        }
    }
    return dropped;
}

unsigned BlockCache::drop_page(const std::byte* host, Handler look_again) noexcept
{
    constexpr std::uintptr_t kPage = 4096;
    const auto page = reinterpret_cast<std::uintptr_t>(host) / kPage;
    const std::byte* const first = host - reinterpret_cast<std::uintptr_t>(host) % kPage;
    unsigned dropped = 0;
    for (std::uintptr_t offset = 0; offset < kPage; offset += kLine) {
        Block** where = &buckets_[bucket_of(first + offset)];
        while (Block* const block = *where) {
            if (reinterpret_cast<std::uintptr_t>(block->host) / kPage != page) {
                where = &block->next_in_bucket;
                continue;
            }
            block->live = false;
            ++dropped;
            *where = block->next_in_bucket;
            for (Insn& insn : std::span(block->insns(), block->count + 1))
                insn.run = look_again;
        }
    }
    return dropped;
}

void BlockCache::clear() noexcept
{
    used_ = 0;
    ++generation_;
    jumps_.fill(Jump{});
    buckets_.fill(nullptr);
}

}  // namespace gh::cpu
