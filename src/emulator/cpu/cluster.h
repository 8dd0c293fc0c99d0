// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/code_pages.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gh::cpu {

class Cpu;

/// The PEs of one VM: one inner shareable domain. Carries TLB maintenance and code invalidation
/// from one PE to the others. Made before its PEs, destroyed after them; all PEs join before any
/// runs.
class Cluster {
public:
    Cluster() = default;
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    /// Platform::page() answers anew: every PE forgets its translations, and the code that it
    /// decoded, before it executes another guest instruction. Returns when all have (a PE outside
    /// run() counts at once): from then on nobody reads or writes what page() said before. Any
    /// thread that is not inside a PE's run().
    void flush_stage2() noexcept;

    /// Strict tracking: from now on code that a PE changes without IC IVAU is noticed, for guests
    /// that break the contract of CTR_EL0.DIC = 0. Stores to pages with code are slow then. Before
    /// any PE runs.
    void watch_code() noexcept { code_.watch(); }

    /// SEV: wakes every PE that sleeps in WFE.
    void send_event() noexcept;

    [[nodiscard]] const std::vector<Cpu*>& cpus() const noexcept { return cpus_; }

private:
    friend class Cpu;
    static constexpr std::size_t kPages = 1u << 14;
    static std::size_t page_hash(const std::byte* host) noexcept
    {
        return static_cast<std::size_t>(
            (reinterpret_cast<std::uintptr_t>(host) >> 12) * 0x9e37'79b9'7f4a'7c15ull >> 50);
    }

    /// Some PE holds predecoded code of this page. Never unsaid: only spares work.
    void note_code(const std::byte* host) noexcept;
    [[nodiscard]] bool may_have_code(const std::byte* host) const noexcept
    {
        return code_pages_[page_hash(host)].load(std::memory_order_relaxed);
    }

    std::vector<Cpu*> cpus_;
    std::array<std::atomic<bool>, kPages> code_pages_{};
    CodePages code_;
};

}  // namespace gh::cpu
