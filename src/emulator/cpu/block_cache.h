// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mapping.h"
#include "emulator/cpu/guest_memory_access.h"
#include "emulator/cpu/insn.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace gh::cpu {

struct Spot;

/// A run of predecoded instructions within one page, ended by whatever may leave it. Its
/// instructions follow it in memory.
struct Block {
    std::uint64_t va = 0;             // of the first instruction
    const std::byte* host = nullptr;  // where the guest's code lies in our memory
    Block* next_in_bucket = nullptr;
    std::array<Block*, 2> link{};  // same-page successors: [0] taken or next, [1] not taken
    std::uint32_t count = 0;       // guest instructions
    std::uint16_t context = 0;     // what else the decoding depended on (Cpu::kContext...)
    bool live = true;              // false: the guest said that its code changed
    void* translation = nullptr;   // the Translator's
    const Insn* start = nullptr;   // what an entry executes first: insns() or the gate
    Insn gate;                     // counts entries, then leads to host code

    /// The instruction that the block begins with, as the guest's memory has it now.
    [[nodiscard]] std::uint32_t first_word() const noexcept
    {
        return read_guest<std::uint32_t>(reinterpret_cast<std::uintptr_t>(host));
    }
    [[nodiscard]] Insn* insns() noexcept { return reinterpret_cast<Insn*>(this + 1); }
    [[nodiscard]] const Insn* insns() const noexcept
    {
        return reinterpret_cast<const Insn*>(this + 1);
    }
    /// Where entries are counted, if they are: then there is a slot for it behind the last.
    [[nodiscard]] Spot*& spot() noexcept { return *reinterpret_cast<Spot**>(insns() + count + 1); }
};
static_assert(sizeof(Block) % sizeof(Insn) == 0, "no instruction may cross a cache line");

/// The predecoded code of one PE: a bounded arena that is emptied when full. Blocks are found by
/// virtual address, host address and context, so no change of translation can make a stale one
/// match; only a change of the code itself must be told (drop_line, clear).
class BlockCache {
public:
    static constexpr std::size_t kArenaSize = std::size_t{3} << 20;
    static constexpr unsigned kMaxInsns = 64;

    BlockCache();

    /// The block that begins at `va`, whose code lies at `host`; nullptr: not decoded yet.
    [[nodiscard]] Block* find(std::uint64_t va, const std::byte* host,
                              std::uint16_t context) noexcept
    {
        Jump& jump = jumps_[(va / 4) % kJumps];
        Block* const block = jump.block;
        if (jump.va == va && block->host == host && block->context == context && block->live)
            return block;
        return find_slowly(va, host, context);
    }

    /// Room for a block of up to kMaxInsns + 2 slots; empties the cache first if it must.
    [[nodiscard]] Block* begin() noexcept;
    /// Keeps the block that begin() gave, filled in, with `slots` instructions.
    void commit(Block* block, unsigned slots) noexcept;

    /// The guest's code in the 64 bytes at `host` changed. How many blocks that ends.
    unsigned drop_line(const std::byte* host) noexcept;
    /// The same for all of its page, at once: the instructions of its blocks run as `look_again`
    /// from now on, with their operands untouched, also those of the block that runs. How many.
    unsigned drop_page(const std::byte* host, Handler look_again) noexcept;
    void clear() noexcept;
    /// Changes whenever blocks were thrown away: pointers to blocks kept across calls are void
    /// then.
    [[nodiscard]] unsigned generation() const noexcept { return generation_; }

private:
    struct Jump {
        std::uint64_t va = ~std::uint64_t{0};
        Block* block = nullptr;
    };
    static constexpr std::size_t kJumps = 8192;
    static constexpr std::size_t kBuckets = 16384;

    /// Blocks of one 64-byte line share a bucket, so that a line can be dropped by one walk.
    static std::size_t bucket_of(const std::byte* host) noexcept;
    Block* find_slowly(std::uint64_t va, const std::byte* host, std::uint16_t context) noexcept;

    Mapping arena_;
    std::size_t used_ = 0;
    unsigned generation_ = 0;
    std::array<Jump, kJumps> jumps_{};
    std::array<Block*, kBuckets> buckets_{};
};

}  // namespace gh::cpu
