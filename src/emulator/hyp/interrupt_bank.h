// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

namespace gh::hyp {

/// The lines that GICv3 registers of one bit per interrupt come in: 32 consecutive INTIDs. A PE has
/// one such bank of its own (SGIs and PPIs), the distributor 31 for SPIs.
struct InterruptBank {
    std::uint32_t implemented = ~0u;
    std::uint32_t group = 0;  // set: group 1
    std::uint32_t enabled = 0;
    std::uint32_t latch = 0;  // pending by an edge, an SGI or a register write
    std::uint32_t line = 0;   // the level of the input, as far as the GIC knows
    std::uint32_t active = 0;
    std::uint32_t edge = 0;  // edge-triggered; else level-sensitive
    std::array<std::uint8_t, 32> priority{};

    [[nodiscard]] std::uint32_t pending() const { return latch | (line & ~edge); }
    /// Group 1, pending, enabled and not active: what a PE may be signalled. Group 0 is never
    /// signalled: ICC_IGRPEN0_EL1 stays 0 (golden icc_igrpen0_el1).
    [[nodiscard]] std::uint32_t ready() const { return pending() & enabled & group & ~active; }

    /// The registers GICD_IGROUPR<n>..ICACTIVER<n> by their offset with n = 0.
    [[nodiscard]] std::uint32_t read_bits(unsigned offset) const;
    void write_bits(unsigned offset, std::uint32_t value);
    /// Half 0 or 1 of the two-bit configuration, as GICD_ICFGR<2n + half> has it.
    [[nodiscard]] std::uint32_t read_config(unsigned half) const;
    void write_config(unsigned half, std::uint32_t value);
    /// `index` 0..31; 5 bits of priority are kept (golden gicd.ipriorityr8).
    void write_priority(unsigned index, std::uint8_t value);
};

}  // namespace gh::hyp
