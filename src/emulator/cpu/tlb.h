// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace gh::cpu {

inline constexpr std::uint64_t kPageSize = 4096;
inline constexpr std::uint64_t kPageMask = ~(kPageSize - 1);

/// One 4 KiB page as one kind of access finds it. A tag is the page's address with the context in
/// its low 12 bits; kNoTag matches no access, so a page that may not be written simply has no write
/// tag.
struct TlbEntry {
    static constexpr std::uint64_t kNoTag = ~std::uint64_t{0};

    std::uint64_t read = kNoTag;
    std::uint64_t write = kNoTag;
    std::uint64_t fetch = kNoTag;
    std::uintptr_t addend = 0;  // host address - guest virtual address
};

/// A direct-mapped cache of translations to host addresses for one space: what EL1 sees with its
/// privilege, or what EL0 and unprivileged accesses see. Holds Normal memory in RAM only; all else
/// misses and is looked up anew each time. The context makes a change of address space O(1).
class Tlb {
public:
    static constexpr std::size_t kEntries = 2048;

    [[nodiscard]] TlbEntry& slot(std::uint64_t va) noexcept
    {
        return entries_[(va / kPageSize) % kEntries];
    }
    [[nodiscard]] std::uint64_t context() const noexcept { return context_; }
    /// For translated code: entries lie at offset 0, the context there.
    static constexpr std::size_t kContextOffset = kEntries * sizeof(TlbEntry);
    void set_context(std::uint64_t context) noexcept { context_ = context; }
    [[nodiscard]] std::uint64_t tag(std::uint64_t va) const noexcept
    {
        return (va & kPageMask) | context_;
    }

    /// Forgets the page of `va` in every context.
    void flush_page(std::uint64_t va) noexcept { slot(va) = TlbEntry{}; }
    /// Stores to the page at `host` miss from now on, by whatever address.
    void forbid_writes(const std::byte* host) noexcept
    {
        for (TlbEntry& entry : entries_)
            if (entry.write != TlbEntry::kNoTag &&
                entry.addend + (entry.write & kPageMask) == reinterpret_cast<std::uintptr_t>(host))
                entry.write = TlbEntry::kNoTag;
    }
    void flush() noexcept { entries_.fill(TlbEntry{}); }

private:
    std::array<TlbEntry, kEntries> entries_{};
    std::uint64_t context_ = 0;
};

}  // namespace gh::cpu
