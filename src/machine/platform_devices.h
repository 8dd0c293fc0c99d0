// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"
#include "devices/pl031.h"
#include "devices/power_button.h"
#include "devices/pvpanic.h"
#include "devices/sp805.h"
#include "fdt/machine_tree.h"
#include "machine/ending.h"

#include <optional>
#include <string_view>
#include <vector>

namespace gh::machine {

/// Where the small devices of a board lie that `vm` has: clock, power button, watchdog, pvpanic.
/// Always the same place for each.
[[nodiscard]] std::vector<fdt::MmioDevice> platform_devices_of(const config::Vm& vm);

/// The devices themselves. What they have to say about the VM's end goes to the ending.
class PlatformDevices {
public:
    /// A device on the bus; `irq` is nullptr for one that has no interrupt.
    struct Part {
        Device* device = nullptr;
        const IrqLine* irq = nullptr;
    };

    /// Both must outlive it, and the poller must not run yet. Throws Error.
    PlatformDevices(const config::Vm& vm, Poller& poller, Ending& ending);

    /// The device behind a node of that name (fdt::MmioDevice::name); nothing: none of ours.
    [[nodiscard]] std::optional<Part> find(std::string_view name) noexcept;

    /// nullptr: there is none.
    [[nodiscard]] PowerButton* power_button() noexcept { return button_ ? &*button_ : nullptr; }

    /// Why the guest does not run for a while, which is no neglect of its watchdog.
    enum class Standstill : std::uint8_t { Paused = 1, Debugged = 2 };
    /// Its watchdog stands still until no reason is left. Again, or without the other, they do
    /// nothing. Any thread.
    void hold_watchdog(Standstill reason) noexcept;
    void release_watchdog(Standstill reason) noexcept;

private:
    struct Rtc {
        explicit Rtc(Poller& poller);
        IrqLine irq;
        HostTimer timer;
        Pl031 device{irq, timer};
    };
    struct Watchdog {
        Watchdog(Poller& poller, Ending& ending);
        IrqLine irq;
        HostTimer timer;
        Sp805 device;
        unsigned standstills = 0;  // a bit a reason; guarded by the device's door
    };

    std::optional<Rtc> rtc_;
    std::optional<PowerButton> button_;
    std::optional<Watchdog> watchdog_;
    std::optional<Pvpanic> pvpanic_;
};

}  // namespace gh::machine
