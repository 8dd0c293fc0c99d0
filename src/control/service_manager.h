// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <chrono>
#include <optional>
#include <string>

namespace gh::control {

/// Whoever started us as a service and wants to know how it goes, by the protocol of sd_notify(3):
/// datagrams to $NOTIFY_SOCKET. Says nothing where there is none; a manager that does not listen
/// is no trouble of the VM's.
class ServiceManager {
public:
    ServiceManager();

    /// Lines such as "READY=1" or "STATUS=running".
    void tell(const std::string& lines) const noexcept;

    /// How often "WATCHDOG=1" is wanted at least (half of $WATCHDOG_USEC); nothing if it is not, or
    /// of another process ($WATCHDOG_PID).
    [[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_period() const;

private:
    std::string address_;
    Fd socket_;
};

}  // namespace gh::control
