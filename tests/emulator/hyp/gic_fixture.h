// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/gic.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace gh::hyp {

/// A GIC with `PEs` PEs at Gunyah's usual addresses, and what its outputs say.
template <unsigned PEs>
struct GicFixture : IrqSink {
    static constexpr std::uint64_t kDistributor = 0x3fff'0000;
    static constexpr std::uint64_t kRedistributors = 0x3ffb'0000;
    static constexpr std::uint16_t kPmr = cpu::sysreg(3, 0, 4, 6, 0);
    static constexpr std::uint16_t kBpr0 = cpu::sysreg(3, 0, 12, 8, 3);
    static constexpr std::uint16_t kAp1r0 = cpu::sysreg(3, 0, 12, 9, 0);
    static constexpr std::uint16_t kDir = cpu::sysreg(3, 0, 12, 11, 1);
    static constexpr std::uint16_t kRpr = cpu::sysreg(3, 0, 12, 11, 3);
    static constexpr std::uint16_t kSgi1r = cpu::sysreg(3, 0, 12, 11, 5);
    static constexpr std::uint16_t kIar1 = cpu::sysreg(3, 0, 12, 12, 0);
    static constexpr std::uint16_t kEoir1 = cpu::sysreg(3, 0, 12, 12, 1);
    static constexpr std::uint16_t kHppir1 = cpu::sysreg(3, 0, 12, 12, 2);
    static constexpr std::uint16_t kBpr1 = cpu::sysreg(3, 0, 12, 12, 3);
    static constexpr std::uint16_t kCtlr = cpu::sysreg(3, 0, 12, 12, 4);
    static constexpr std::uint16_t kSre = cpu::sysreg(3, 0, 12, 12, 5);
    static constexpr std::uint16_t kIgrpen0 = cpu::sysreg(3, 0, 12, 12, 6);
    static constexpr std::uint16_t kIgrpen1 = cpu::sysreg(3, 0, 12, 12, 7);

    GicFixture() : gic({}, mpidrs(), *this) {}

    void set_irq(unsigned pe, bool asserted) noexcept override { irq[pe] = asserted; }

    std::optional<std::uint64_t> load(std::uint64_t ipa, std::uint8_t size = 4)
    {
        cpu::MmioAccess access{.ipa = ipa, .size = size, .write = false, .value = 0};
        if (gic.mmio(0, access) != cpu::MmioOutcome::Done)
            return std::nullopt;
        return access.value;
    }
    bool store(std::uint64_t ipa, std::uint64_t value, std::uint8_t size = 4)
    {
        cpu::MmioAccess access{.ipa = ipa, .size = size, .write = true, .value = value};
        return gic.mmio(0, access) == cpu::MmioOutcome::Done;
    }
    std::optional<std::uint64_t> gicd(unsigned offset) { return load(kDistributor + offset); }
    std::optional<std::uint64_t> gicd(unsigned offset, std::uint32_t value)
    {
        store(kDistributor + offset, value);
        return gicd(offset);
    }
    std::optional<std::uint64_t> gicr(unsigned offset, unsigned pe = 0)
    {
        return load(kRedistributors + pe * kRedistributorSize + offset);
    }
    void write_gicr(unsigned offset, std::uint32_t value, unsigned pe = 0)
    {
        store(kRedistributors + pe * kRedistributorSize + offset, value);
    }
    /// The value of an ICC register; nullopt: UNDEFINED.
    std::optional<std::uint64_t> icc(std::uint16_t id, unsigned pe = 0)
    {
        std::uint64_t value = 0;
        return gic.read_register(pe, id, value) ? std::optional(value) : std::nullopt;
    }
    bool write_icc(std::uint16_t id, std::uint64_t value, unsigned pe = 0)
    {
        return gic.write_register(pe, id, value);
    }

    /// As Linux sets it up: all in group 1, everything enabled at priority 0xa0.
    void enable_all()
    {
        for (unsigned n = 1; n < 32; ++n) {
            gicd(GICD_IGROUPR + 4 * n, ~0u);
            gicd(GICD_ISENABLER + 4 * n, ~0u);
        }
        for (unsigned n = 32; n < 1020; n += 4)
            gicd(GICD_IPRIORITYR + n, 0xa0a0'a0a0);
        gicd(GICD_CTLR, 2);
        for (unsigned pe = 0; pe < PEs; ++pe)
            enable_pe(pe);
    }
    void enable_pe(unsigned pe)
    {
        write_gicr(kSgiFrame + GICD_IGROUPR, ~0u, pe);
        write_gicr(kSgiFrame + GICD_ISENABLER, ~0u, pe);
        for (unsigned n = 0; n < 32; n += 4)
            write_gicr(kSgiFrame + GICD_IPRIORITYR + n, 0xa0a0'a0a0, pe);
        write_icc(kPmr, 0xff, pe);
        write_icc(kIgrpen1, 1, pe);
    }
    void priority(unsigned intid, std::uint8_t value)
    {
        store(kDistributor + GICD_IPRIORITYR + intid, value, 1);
    }

    static std::vector<std::uint64_t> mpidrs()
    {
        std::vector<std::uint64_t> all;
        for (unsigned pe = 0; pe < PEs; ++pe)
            all.push_back(0x8000'0000 | pe);
        return all;
    }

    Gic gic;
    std::array<bool, PEs> irq{};
};

}  // namespace gh::hyp
