// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/device.h"

#include <string>
#include <vector>

namespace gh::serve {

struct LaunchOptions {
    driver::DeviceOptions device;
    std::string path = "/dev/gunyah";  // where clients find the device
    std::string log;                   // a file for our own lines; empty: stderr
};

/// Runs `command` (a program and its arguments, found by PATH) and all that it starts with the
/// emulated device in place, until the last of them has ended: what the command's process returned,
/// or 128 and the signal that ended it. Throws Error if it cannot be started or served.
[[nodiscard]] int launch(const std::vector<std::string>& command, const LaunchOptions& options);

}  // namespace gh::serve
