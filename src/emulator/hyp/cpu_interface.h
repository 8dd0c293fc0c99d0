// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/gic_registers.h"

#include <bit>
#include <cstdint>

namespace gh::hyp {

/// The GIC CPU interface of one PE as far as it is a state: what masks and what is running. Only
/// group 1 is ever acknowledged. Document: IHI 0069, 4.8 (priorities).
struct CpuInterface {
    std::uint8_t pmr = 0;
    std::uint8_t bpr0 = kMinBpr0;
    std::uint8_t bpr1 = kMinBpr1;
    bool cbpr = false;      // BPR0 serves group 1 too
    bool eoi_mode = false;  // EOIR only drops the priority; DIR deactivates
    bool enabled = false;   // IGRPEN1
    std::uint32_t ap0 = 0;  // active priorities, one bit per group priority
    std::uint32_t ap1 = 0;

    static constexpr std::uint8_t kMinBpr0 = 2;
    static constexpr std::uint8_t kMinBpr1 = 3;

    [[nodiscard]] std::uint8_t running_priority() const
    {
        const std::uint32_t active = ap0 | ap1;
        return active == 0 ? kIdlePriority
                           : static_cast<std::uint8_t>(std::countr_zero(active) << 3);
    }
    /// The bits of a priority that decide preemption.
    [[nodiscard]] std::uint8_t group_mask() const
    {
        return static_cast<std::uint8_t>(0xffu << (cbpr ? bpr0 + 1 : bpr1));
    }
    /// Would an interrupt of that priority interrupt the PE now?
    [[nodiscard]] bool accepts(std::uint8_t priority) const
    {
        return enabled && priority < pmr && (priority & group_mask()) < running_priority();
    }
    void activate(std::uint8_t priority) { ap1 |= 1u << ((priority & group_mask()) >> 3); }
    /// The priority drop of EOIR1.
    void drop() { ap1 &= ap1 - 1; }
};

}  // namespace gh::hyp
