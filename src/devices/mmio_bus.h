// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/device.h"
#include "memory/gpa.h"

#include <map>
#include <optional>
#include <string>

namespace gh {

/// Finds the device behind a guest-physical address. Filled before the vCPUs start and only read
/// from then on, so look-ups take no lock; each device has its own. Any vCPU thread.
class MmioBus {
public:
    /// The device must outlive the bus. Throws Error if [at, at + size) is empty, wraps, or
    /// overlaps a neighbour.
    void attach(std::string name, Gpa at, std::uint64_t size, Device& device);

    /// Nothing if no device claims the whole of an aligned access.
    [[nodiscard]] std::optional<std::uint64_t> read(Gpa at, unsigned size) const noexcept;
    /// False, likewise.
    [[nodiscard]] bool write(Gpa at, unsigned size, std::uint64_t value) const noexcept;

private:
    struct Slot {
        std::string name;
        std::uint64_t size;
        Device* device;
    };
    struct Found {
        Device* device = nullptr;
        MmioAccess access;
    };

    [[nodiscard]] Found find(Gpa at, unsigned size) const noexcept;

    std::map<std::uint64_t, Slot> slots_;  // by base address
};

}  // namespace gh
