// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

namespace gh::cpu {

/// Where a debugger outside the guest wants it to stop: by virtual address, in every address space
/// and at every EL. The guest's own debug registers know nothing of these.
struct StopPoints {
    struct Watch {
        std::uint64_t start = 0;
        std::uint64_t size = 0;  // at least 1; may not wrap
        bool on_read = false;
        bool on_write = false;
        bool operator==(const Watch&) const = default;
    };
    std::vector<std::uint64_t> breakpoints;  // each a multiple of 4
    std::vector<Watch> watchpoints;

    [[nodiscard]] bool empty() const noexcept { return breakpoints.empty() && watchpoints.empty(); }
};

/// Why a PE stopped for the debugger: before the instruction that does it, but for a step.
struct DebugStop {
    enum class Reason : std::uint8_t { Asked, Step, Breakpoint, Watchpoint };
    Reason reason = Reason::Asked;
    std::uint64_t address = 0;  // Watchpoint: the lowest watched byte of the access
    StopPoints::Watch watch{};  // and what watches it
};

}  // namespace gh::cpu
