// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/alarm.h"
#include "emulator/hyp/gic.h"

#include <array>
#include <cstdint>
#include <mutex>

namespace gh::hyp {

/// One comparator of the generic timer as a pure value: CNTx_CTL_EL0, _CVAL_EL0 and _TVAL_EL0 at a
/// given count. Document: DDI 0487, D12.2.
struct Comparator {
    std::uint64_t cval = 0;
    bool enable = false;
    bool imask = false;

    [[nodiscard]] std::uint64_t read_ctl(std::uint64_t now) const;
    void write_ctl(std::uint64_t value);
    [[nodiscard]] std::uint64_t read_tval(std::uint64_t now) const;
    void write_tval(std::uint64_t value, std::uint64_t now);
    /// The interrupt output.
    [[nodiscard]] bool output(std::uint64_t now) const { return enable && !imask && now >= cval; }
    /// When output() becomes true without anybody's doing; kNever if it is true or will not.
    [[nodiscard]] std::uint64_t deadline(std::uint64_t now) const;
};

/// CNT*: registers of the generic timer; the other ones that the PE passes on are the GIC's.
constexpr bool is_timer_register(std::uint16_t id)
{
    return (id >> 7 & 0xf) == 14;  // CRn
}

/// The generic timer of one PE: virtual (PPI 27) and physical (PPI 30) comparator on one counter.
/// Registers are accessed by the PE's thread, ring() comes from the alarm's.
class GenericTimer {
public:
    static constexpr unsigned kSlots = 2;  // of the alarm, per PE

    GenericTimer(unsigned pe, Gic& gic) : pe_(pe), gic_(gic) {}

    /// The CNT* registers. `alarm` is told new deadlines. False: UNDEFINED.
    bool read_register(std::uint16_t id, std::uint64_t& value) noexcept;
    bool write_register(std::uint16_t id, std::uint64_t value, Alarm& alarm) noexcept;

    /// A deadline has come, for comparator 0 (virtual) or 1 (physical).
    void ring(unsigned which) noexcept;

private:
    void update(unsigned which, Alarm& alarm) noexcept;

    unsigned pe_;
    Gic& gic_;
    std::mutex mutex_;  // before the alarm's and the GIC's
    std::array<Comparator, kSlots> comparators_;
    std::array<bool, kSlots> asserted_{};
    std::uint64_t cntkctl_ = 0;
};

}  // namespace gh::hyp
