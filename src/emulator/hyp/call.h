// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/guest_access.h"

#include <cstdint>
#include <span>

namespace gh::hyp {

/// An HVC or SMC under way: who asks, and the argument and result registers.
struct Call {
    unsigned vcpu = 0;
    bool irq = false;  // an interrupt is pending for that vCPU
    std::uint64_t return_address = 0;
    std::span<std::uint64_t, 18> x;
    GuestAccess memory;

    /// The function identifier: the upper half of x0 is ignored (golden unknown.high-garbage), and
    /// so is the hint that SVE registers need not be kept (golden sve-hint.version).
    [[nodiscard]] std::uint32_t function() const
    {
        return static_cast<std::uint32_t>(x[0]) & ~(1u << 16);
    }
    [[nodiscard]] std::uint32_t word(unsigned n) const { return static_cast<std::uint32_t>(x[n]); }
};

/// What the PE does after a call.
enum class After {
    GoOn,
    Leave,  // Cpu::run() must return: its vCPU is off or asleep, or the VM is over
};

inline constexpr std::uint64_t kNotSupported = ~std::uint64_t{0};

}  // namespace gh::hyp
