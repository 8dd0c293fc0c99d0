// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"
#include "control/status.h"
#include "devices/serial_port.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gh::machine {

/// What the host does with one line. `end`: what Ctrl-A x does. Throws Error.
[[nodiscard]] std::unique_ptr<SerialBackend> make_serial_backend(const config::Serial& wanted,
                                                                 Poller& poller,
                                                                 const std::function<void()>& end);

/// What there is to say of it under this name.
[[nodiscard]] control::ConsoleStatus console_status(std::string name, config::SerialType type,
                                                    SerialBackend& backend);

/// The serial ports of a configuration, in its order; likewise.
[[nodiscard]] std::vector<std::unique_ptr<SerialPort>> make_serial_lines(
    const std::vector<config::Serial>& wanted, Poller& poller, const std::function<void()>& end);

}  // namespace gh::machine
