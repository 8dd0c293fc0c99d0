// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/device.h"

#include <cstdint>
#include <functional>
#include <utility>

namespace gh {

/// The guest's cry for help (QEMU, docs/specs/pvpanic): one byte. Reading it says which events the
/// host knows, writing it that one of them happened.
class Pvpanic final : public Device {
public:
    static constexpr std::uint64_t kSize = 2;

    /// Told with the door held, as often as the guest says so.
    struct Host {
        std::function<void()> panicked;      // and will not go on by itself
        std::function<void()> crash_loaded;  // and goes on into its crash kernel
    };

    explicit Pvpanic(Host host) : host_(std::move(host)) {}

    std::uint64_t read(MmioAccess access) noexcept override;
    void write(MmioAccess access, std::uint64_t value) noexcept override;

private:
    enum Event : std::uint8_t { Panicked = 1, CrashLoaded = 2 };

    Host host_;
};

}  // namespace gh
