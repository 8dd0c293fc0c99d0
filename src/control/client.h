// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "control/protocol.h"

#include <chrono>
#include <optional>
#include <string>

namespace gh::control {

/// The other end of a control socket. One thread.
class Client {
public:
    /// `name`: a VM's, or the path of its socket. Throws Error if no such VM runs.
    explicit Client(const std::string& name);

    /// The result as JSON text. Throws Error if the VM refuses, does not answer or goes away.
    [[nodiscard]] std::string ask(const Request& request);

    /// The next line; nothing once the VM has gone. Throws Error if none comes within `patience`.
    [[nodiscard]] std::optional<std::string> next_line(
        std::optional<std::chrono::milliseconds> patience = std::nullopt);

    /// Whether who listens at the other end of `socket` is the VM's process, too.
    [[nodiscard]] bool is_served_by_vm(const Fd& socket) const noexcept;

private:
    std::string name_;
    Fd fd_;
    std::string input_;
};

}  // namespace gh::control
