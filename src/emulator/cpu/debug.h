// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/state.h"
#include "emulator/cpu/stop_points.h"
#include "emulator/cpu/tlb.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace gh::cpu {

/// Breakpoints from here on can compare CONTEXTIDR_EL1.
inline constexpr unsigned kFirstContextBreakpoint = 4;

/// A run of guest addresses; size 0 stands for all of them.
struct AddressRange {
    std::uint64_t start = 0;
    std::uint64_t size = 0;
};

/// A data access as a watchpoint sees it.
struct WatchedAccess {
    std::uint64_t address = 0;  // without a tag byte
    std::uint64_t size = 0;
    bool read = false;
    bool write = false;       // both: an atomic
    bool privileged = false;  // made with EL1's rights, which LDTR and STTR lack
};

/// Why a watchpoint triggered: the lowest watched byte of the access, and ESR's WnR.
struct WatchpointHit {
    std::uint64_t address = 0;
    bool write = false;
};

/// What the debug registers in State watch for (DDI 0487 D2), and what a debugger outside the guest
/// does. A page that has something watched in it stays out of the TLBs, so that only accesses and
/// fetches that miss there ask here. There is no OS lock, as on Gunyah.
class DebugUnit {
public:
    explicit DebugUnit(const State& state) : state_(state) {}

    /// Call after every change of a debug register.
    void update() noexcept;
    /// Whoever calls forgets all translations then.
    void set_stop_points(StopPoints points) noexcept { outside_ = std::move(points); }

    /// Whether debug exceptions other than BRK are taken from `el`, where `daif` has PSTATE.D.
    [[nodiscard]] bool generates_exceptions(unsigned el, std::uint32_t daif) const noexcept;
    /// Whether MDSCR_EL1.SS asks for steps at `el`.
    [[nodiscard]] bool steps(unsigned el, std::uint32_t daif) const noexcept
    {
        return (state_.mdscr_el1 & 1) != 0 && generates_exceptions(el, daif);
    }

    /// Whether the page of `va` may have a breakpoint or a watchpoint that triggers.
    [[nodiscard]] bool has_breakpoint_in_page(std::uint64_t va) const noexcept
    {
        return (breakpoints_ != 0 || !outside_.breakpoints.empty()) &&
               is_near_breakpoint(va & kPageMask);
    }
    [[nodiscard]] bool has_watchpoint_in_page(std::uint64_t va) const noexcept
    {
        return has_watchpoints() && is_near_watchpoint(va & kPageMask);
    }
    [[nodiscard]] bool has_watchpoints() const noexcept
    {
        return watchpoints_ != 0 || !outside_.watchpoints.empty();
    }

    /// Whether a breakpoint triggers at `va` now.
    [[nodiscard]] bool breaks_at(std::uint64_t va) const noexcept;
    /// Whether `access` triggers a watchpoint now.
    [[nodiscard]] std::optional<WatchpointHit> watchpoint(
        const WatchedAccess& access) const noexcept;

    /// The same for the debugger outside.
    [[nodiscard]] bool stops_at(std::uint64_t va) const noexcept;
    [[nodiscard]] std::optional<DebugStop> stop_of(const WatchedAccess& access) const noexcept;

    /// Calls `body(AddressRange)` for all that the guest watches.
    template <class Body>
    void for_each_range(Body body) const
    {
        for (unsigned n = 0; n < kBreakpoints; ++n)
            if ((breakpoints_ >> n & 1) != 0)
                body(breakpoint_range(n));
        for (unsigned n = 0; n < kWatchpoints; ++n)
            if ((watchpoints_ >> n & 1) != 0)
                body(watchpoint_range(n));
    }

private:
    [[nodiscard]] bool is_near_breakpoint(std::uint64_t page) const noexcept;
    [[nodiscard]] bool is_near_watchpoint(std::uint64_t page) const noexcept;
    [[nodiscard]] AddressRange breakpoint_range(unsigned n) const noexcept;
    [[nodiscard]] AddressRange watchpoint_range(unsigned n) const noexcept;
    [[nodiscard]] bool context_matches(unsigned n) const noexcept;
    [[nodiscard]] bool link_matches(std::uint64_t control) const noexcept;

    const State& state_;
    unsigned breakpoints_ = 0;  // bit n: breakpoint n can trigger somewhere
    unsigned watchpoints_ = 0;
    StopPoints outside_;
};

}  // namespace gh::cpu
