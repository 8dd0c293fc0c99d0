// SPDX-License-Identifier: BSD-3-Clause
#include "machine/platform_devices.h"

#include "base/log.h"
#include "machine/outcome.h"

#include <mutex>

namespace gh::machine {
namespace {

// Below these are the serial lines, with SPIs 0 to 3.
constexpr std::uint64_t kRtcBase = 0x3001'0000;
constexpr std::uint64_t kGpioBase = 0x3001'1000;
constexpr std::uint64_t kWatchdogBase = 0x3001'2000;
constexpr std::uint64_t kPvpanicBase = 0x3001'3000;
constexpr std::uint32_t kRtcSpi = 4;
constexpr std::uint32_t kGpioSpi = 5;
constexpr std::uint32_t kWatchdogSpi = 6;

constexpr const char* kRtcName = "rtc";
constexpr const char* kGpioName = "gpio";
constexpr const char* kWatchdogName = "watchdog";
constexpr const char* kPvpanicName = "pvpanic";

static_assert(Sp805::kClock == fdt::kBusClock);

fdt::MmioDevice prime_cell(const char* name, const char* compatible, std::uint64_t base,
                           std::uint32_t spi)
{
    fdt::MmioDevice device;
    device.name = name;
    device.compatible = {compatible, "arm,primecell"};
    device.registers = {base, 0x1000};
    device.spi = spi;
    device.clocks = {"apb_pclk"};
    return device;
}

}  // namespace

std::vector<fdt::MmioDevice> platform_devices_of(const config::Vm& vm)
{
    std::vector<fdt::MmioDevice> devices;
    if (vm.rtc)
        devices.push_back(prime_cell(kRtcName, "arm,pl031", kRtcBase, kRtcSpi));
    if (vm.power_button) {
        devices.push_back(prime_cell(kGpioName, "arm,pl061", kGpioBase, kGpioSpi));
        devices.back().power_key = PowerButton::kLine;
    }
    if (vm.watchdog) {
        devices.push_back(prime_cell(kWatchdogName, "arm,sp805", kWatchdogBase, kWatchdogSpi));
        devices.back().clocks = {"wdog_clk", "apb_pclk"};
    }
    if (vm.pvpanic) {
        fdt::MmioDevice device;
        device.name = kPvpanicName;
        device.compatible = {"qemu,pvpanic-mmio"};
        device.registers = {kPvpanicBase, Pvpanic::kSize};
        devices.push_back(std::move(device));
    }
    return devices;
}

PlatformDevices::Rtc::Rtc(Poller& poller)
    : timer(poller, CLOCK_REALTIME, [this] {
          const std::scoped_lock lock(device.door());
          device.expired();
      })
{
}

PlatformDevices::Watchdog::Watchdog(Poller& poller, Ending& ending)
    : timer(poller, CLOCK_MONOTONIC,
            [this] {
                const std::scoped_lock lock(device.door());
                device.expired();
            }),
      device(irq, timer, [&ending] {
          ending.request({kWatchdog, "the guest's watchdog bit (SP805)"});
      })
{
}

PlatformDevices::PlatformDevices(const config::Vm& vm, Poller& poller, Ending& ending)
{
    if (vm.rtc)
        rtc_.emplace(poller);
    if (vm.power_button)
        button_.emplace(poller);
    if (vm.watchdog)
        watchdog_.emplace(poller, ending);
    if (vm.pvpanic)
        pvpanic_.emplace(
            Pvpanic::Host{.panicked =
                              [&ending] {
                                  ending.request({kGuestPanic, "the guest panicked (pvpanic)"});
                              },
                          .crash_loaded =
                              [] {
                                  GH_LOG_ONCE(LogLevel::Warn,
                                              "the guest panicked and goes on in its crash "
                                              "kernel (pvpanic)");
                              }});
}

std::optional<PlatformDevices::Part> PlatformDevices::find(std::string_view name) noexcept
{
    if (rtc_ && name == kRtcName)
        return Part{&rtc_->device, &rtc_->irq};
    if (button_ && name == kGpioName)
        return Part{&button_->gpio(), &button_->irq()};
    if (watchdog_ && name == kWatchdogName)
        return Part{&watchdog_->device, &watchdog_->irq};
    if (pvpanic_ && name == kPvpanicName)
        return Part{&*pvpanic_, nullptr};
    return std::nullopt;
}

void PlatformDevices::hold_watchdog(Standstill reason) noexcept
{
    if (!watchdog_)
        return;
    const std::scoped_lock lock(watchdog_->device.door());
    watchdog_->standstills |= static_cast<unsigned>(reason);
    watchdog_->device.hold();
}

void PlatformDevices::release_watchdog(Standstill reason) noexcept
{
    if (!watchdog_)
        return;
    const std::scoped_lock lock(watchdog_->device.door());
    watchdog_->standstills &= ~static_cast<unsigned>(reason);
    if (watchdog_->standstills == 0)
        watchdog_->device.go_on();
}

}  // namespace gh::machine
