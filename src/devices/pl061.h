// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/device.h"
#include "devices/irq_line.h"

#include <cstdint>

namespace gh {

/// The PrimeCell general purpose I/O PL061 (Arm DDI 0190): eight lines, which the host drives and
/// the guest reads. What the guest drives leads nowhere.
///
/// GPIOINTR is level on the chip and an edge here: it pulses when a line newly interrupts, and when
/// one still does after a write, so that a driver that acknowledges one of several is called again.
class Pl061 final : public Device {
public:
    static constexpr std::uint64_t kSize = 0x1000;

    /// `irq` must outlive it.
    explicit Pl061(const IrqLine& irq) : irq_(irq) {}

    std::uint64_t read(MmioAccess access) noexcept override;
    void write(MmioAccess access, std::uint64_t value) noexcept override;

    /// What the host drives line `line`, 0 to 7, to; with the door held.
    void drive(unsigned line, bool level) noexcept;
    /// Whether the guest wants interrupts of a line; with the door held.
    [[nodiscard]] bool is_heeded(unsigned line) const noexcept
    {
        return (enabled_ >> line & 1) != 0;
    }

private:
    enum Register : std::uint16_t {
        GPIODATA_LAST = 0x3fc,  // from 0 on; address bits 9:2 are a mask of the lines meant
        GPIODIR = 0x400,
        GPIOIS = 0x404,
        GPIOIBE = 0x408,
        GPIOIEV = 0x40c,
        GPIOIE = 0x410,
        GPIORIS = 0x414,
        GPIOMIS = 0x418,
        GPIOIC = 0x41c,
        GPIOAFSEL = 0x420,
    };

    [[nodiscard]] std::uint8_t levels() const noexcept;
    [[nodiscard]] std::uint8_t raw() const noexcept;
    void write_register(std::uint64_t offset, std::uint8_t value) noexcept;
    void note_edges(std::uint8_t before) noexcept;

    const IrqLine& irq_;
    std::uint8_t inputs_ = 0;
    std::uint8_t outputs_ = 0;
    std::uint8_t direction_ = 0;    // GPIODIR; 1: the guest drives
    std::uint8_t level_sense_ = 0;  // GPIOIS
    std::uint8_t both_edges_ = 0;   // GPIOIBE
    std::uint8_t event_ = 0;        // GPIOIEV; 1: rising or high
    std::uint8_t enabled_ = 0;      // GPIOIE
    std::uint8_t edges_ = 0;        // seen and not cleared
    std::uint8_t function_ = 0;     // GPIOAFSEL
};

}  // namespace gh
