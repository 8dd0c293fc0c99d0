// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/gic.h"

#include <cstdint>
#include <mutex>

namespace gh::hyp {

/// A doorbell bound to an SPI: 64 flags, of which the enabled ones hold the interrupt's level; or,
/// where the guest rings it, flags alone (intid 0): its owner's interrupt is not ours.
/// Source: gunyah-guest-abi.md 3.4. Any thread.
class Doorbell {
public:
    Doorbell(unsigned intid, Gic& gic) : intid_(intid), gic_(gic) {}

    /// Sets flags and asserts the interrupt, a new edge each time; returns the old flags.
    std::uint64_t send(std::uint64_t flags) noexcept;
    /// Clears flags; returns the old ones.
    std::uint64_t receive(std::uint64_t clear) noexcept;
    void reset() noexcept;
    /// `ack`: the flags that one assertion uses up.
    void mask(std::uint64_t enable, std::uint64_t ack) noexcept;

private:
    void drive() noexcept;

    unsigned intid_;
    Gic& gic_;
    std::mutex mutex_;  // before the GIC's
    std::uint64_t flags_ = 0;
    std::uint64_t enable_ = ~std::uint64_t{0};
    std::uint64_t ack_ = 0;
};

}  // namespace gh::hyp
