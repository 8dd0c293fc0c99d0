// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

namespace gh::cpu {

/// What a PE always counts, since it happens on slow paths only. Belongs to the PE's thread.
struct Counters {
    /// Translations asked for: TLB misses, accesses across pages, AT, cache maintenance.
    struct Walks {
        std::uint64_t data = 0;
        std::uint64_t fetch = 0;
    };

    std::uint64_t blocks = 0;                    // decoded
    std::uint64_t instructions = 0;              // in them
    std::uint64_t interrupts = 0;                // taken
    std::uint64_t tlb_operations = 0;            // TLBI performed, other PEs' too
    std::uint64_t tlb_flushes = 0;               // both TLBs emptied, whatever the reason
    std::uint64_t code_lines = 0;                // IC IVAU of pages that had code, other PEs' too
    std::uint64_t dropped_blocks = 0;            // by them, and by stores to strictly tracked code
    std::array<Walks, 2> walks{};                // with EL0's privilege, with EL1's
    std::array<std::uint64_t, 64> exceptions{};  // synchronous, by ESR_EL1.EC
};

}  // namespace gh::cpu
