// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/device.h"
#include "devices/device_timer.h"
#include "devices/irq_line.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace gh {

/// The watchdog SP805 (Arm DDI 0270): a counter that interrupts as it reaches zero, begins again,
/// and bites if it gets there once more before somebody has cleared the interrupt. Integration test
/// registers are left out.
class Sp805 final : public Device {
public:
    static constexpr std::uint64_t kSize = 0x1000;
    static constexpr std::uint32_t kClock = 24'000'000;  // WDOGCLK, in Hz

    /// `timer` is on CLOCK_MONOTONIC, and expired() is to be called when it expires; `bite` is
    /// WDOGRES, told once, with the door held. All must outlive it.
    Sp805(const IrqLine& irq, DeviceTimer& timer, std::function<void()> bite)
        : irq_(irq), timer_(timer), bite_(std::move(bite))
    {
    }

    std::uint64_t read(MmioAccess access) noexcept override;
    void write(MmioAccess access, std::uint64_t value) noexcept override;

    /// The timer says so; with the door held.
    void expired() noexcept;

    /// Stands still from now on, until go_on(): the guest does not run meanwhile. With the door
    /// held; again, or without the other, they do nothing.
    void hold() noexcept;
    void go_on() noexcept;

private:
    enum Register : std::uint16_t {
        WDOGLOAD = 0x000,
        WDOGVALUE = 0x004,
        WDOGCONTROL = 0x008,
        WDOGINTCLR = 0x00c,
        WDOGRIS = 0x010,
        WDOGMIS = 0x014,
        WDOGLOCK = 0xc00,
    };

    [[nodiscard]] DeviceTimer::Time now() const noexcept;
    [[nodiscard]] bool counts() const noexcept;
    [[nodiscard]] bool resets() const noexcept;
    [[nodiscard]] std::uint64_t ticks_gone() const noexcept;
    [[nodiscard]] std::uint32_t value() const noexcept;
    void write_control(std::uint32_t value) noexcept;
    void restart() noexcept;
    void await_zero() noexcept;

    const IrqLine& irq_;
    DeviceTimer& timer_;
    std::function<void()> bite_;
    std::uint32_t load_ = 0xffff'ffff;
    std::uint32_t control_ = 0;
    bool locked_ = false;
    bool raw_ = false;  // WDOGRIS
    bool bitten_ = false;
    DeviceTimer::Time begun_{};              // when the counter was load_
    DeviceTimer::Time deadline_{};           // when it is zero next
    std::optional<DeviceTimer::Time> held_;  // when hold() was called
};

}  // namespace gh
