// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/device_timer.h"
#include "devices/irq_line.h"
#include "devices/pl061.h"

namespace gh {

/// A power button at a line of a GPIO controller, whole: what Linux's gpio-keys makes KEY_POWER of,
/// and systemd-logind or acpid an orderly shutdown.
class PowerButton {
public:
    static constexpr unsigned kLine = 3;

    explicit PowerButton(Poller& poller);

    [[nodiscard]] Pl061& gpio() noexcept { return gpio_; }
    [[nodiscard]] const IrqLine& irq() const noexcept { return irq_; }

    /// Presses and, a moment later, releases. While it is down, it stays so for longer. False: no
    /// driver in the guest looks at it. Any thread.
    [[nodiscard]] bool press() noexcept;

private:
    void release() noexcept;

    IrqLine irq_;
    Pl061 gpio_{irq_};
    HostTimer timer_;
    DeviceTimer::Time up_at_{};
};

}  // namespace gh
