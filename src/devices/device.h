// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <mutex>

namespace gh {

/// One guest access, already checked by the bus: inside the device, naturally aligned, 1, 2, 4 or
/// 8 bytes. A device never knows its own address.
struct MmioAccess {
    std::uint64_t offset = 0;
    unsigned size = 1;
};

/// Anything that the guest reaches through memory. Whoever comes in holds door(): the bus for a
/// vCPU, the io thread for the host's side. So a device never locks and is never entered twice.
class Device {
public:
    Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    virtual ~Device() = default;

    virtual std::uint64_t read(MmioAccess access) noexcept = 0;
    virtual void write(MmioAccess access, std::uint64_t value) noexcept = 0;

    [[nodiscard]] std::mutex& door() noexcept { return door_; }

private:
    std::mutex door_;
};

}  // namespace gh
