// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <bitset>
#include <cstdint>

namespace gh::cpu {

/// Gives each user address space (ASID and TTBR0) a context number for the TLB, so that switching
/// back to one finds its translations still there.
class AddressSpaces {
public:
    /// The context of (asid, table); a new one if it was not seen lately. `exhausted` says that all
    /// numbers were used up: the caller flushes the TLB, and every older number is void.
    std::uint64_t context(std::uint16_t asid, std::uint64_t table, bool& exhausted) noexcept
    {
        Space& space = spaces_[asid % kSpaces];
        exhausted = false;
        if (space.context != 0 && space.asid == asid && space.table == table)
            return space.context;
        if (next_ == kContexts) {
            exhausted = true;
            forget_all();
        }
        space = {asid, table, next_++};
        return space.context;
    }
    void forget(std::uint16_t asid) noexcept { spaces_[asid % kSpaces] = Space{}; }
    void forget_all() noexcept
    {
        spaces_.fill(Space{});
        next_ = 1;
    }

private:
    struct Space {
        std::uint16_t asid = 0;
        std::uint64_t table = 0;
        std::uint64_t context = 0;  // 0: none
    };
    static constexpr std::size_t kSpaces = 64;
    static constexpr std::uint64_t kContexts =
        0xfff;  // the last would make a tag that never matches

    std::array<Space, kSpaces> spaces_{};
    std::uint64_t next_ = 1;
};

/// Remembers where descriptors mapped more than a page: TLB maintenance by address must find all of
/// such a mapping, though the TLB holds it as single pages. Errs on the side of flushing.
class LargePages {
public:
    void note(std::uint64_t va, std::uint64_t size) noexcept
    {
        blocks_.set(block(va));
        if (size > kBlock)
            giants_.set(giant(va));
    }
    [[nodiscard]] bool may_contain(std::uint64_t va) const noexcept
    {
        return blocks_.test(block(va)) || giants_.test(giant(va));
    }
    void clear() noexcept
    {
        blocks_.reset();
        giants_.reset();
    }

private:
    static constexpr std::uint64_t kBlock = 2u << 20;
    static std::size_t block(std::uint64_t va) { return (va / kBlock) % 4096; }
    static std::size_t giant(std::uint64_t va) { return (va >> 30) % 512; }

    std::bitset<4096> blocks_;
    std::bitset<512> giants_;
};

}  // namespace gh::cpu
