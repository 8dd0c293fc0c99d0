// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/device.h"
#include "devices/device_timer.h"
#include "devices/irq_line.h"

#include <cstdint>

namespace gh {

/// The PrimeCell real time clock PL031 (Arm DDI 0224): seconds in 32 bits, and an alarm. It shows
/// the host's time; a guest that sets it moves its own clock only. It always runs: what is written
/// to RTCCR is ignored. An alarm that somebody sets the host's clock past rings then.
class Pl031 final : public Device {
public:
    static constexpr std::uint64_t kSize = 0x1000;

    /// `timer` is on CLOCK_REALTIME, and expired() is to be called when it expires. Both must
    /// outlive it.
    Pl031(const IrqLine& irq, DeviceTimer& timer) : irq_(irq), timer_(timer) {}

    std::uint64_t read(MmioAccess access) noexcept override;
    void write(MmioAccess access, std::uint64_t value) noexcept override;

    /// The timer says so; with the door held.
    void expired() noexcept;

private:
    enum Register : std::uint16_t {
        RTCDR = 0x00,
        RTCMR = 0x04,
        RTCLR = 0x08,
        RTCCR = 0x0c,
        RTCIMSC = 0x10,
        RTCRIS = 0x14,
        RTCMIS = 0x18,
        RTCICR = 0x1c,
    };

    [[nodiscard]] std::uint32_t host_seconds() const noexcept;
    void set_alarm() noexcept;

    const IrqLine& irq_;
    DeviceTimer& timer_;
    std::uint32_t offset_ = 0;  // the guest's time less the host's
    std::uint32_t match_ = 0;
    std::uint32_t load_ = 0;
    bool alarm_set_ = false;
    DeviceTimer::Time alarm_{};  // when, by the host's clock
    bool raw_ = false;           // RTCRIS
    bool enabled_ = false;       // RTCIMSC
};

}  // namespace gh
