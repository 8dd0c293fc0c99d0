// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <string>

namespace gh::machine {

/// The process in the background: no terminal's, nobody's child. Made before a device is opened or
/// a thread started, since neither survives fork(2).
class Daemon {
public:
    /// Forks twice and begins a session. Returns in the new process; the one that called waits
    /// until running() is called there and exits with 0, or with 1 if that process ends before.
    /// Until running(), messages still go to the caller's stderr. Throws Error.
    Daemon();
    /// Removes the pid file.
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Writes our process id to `pid_file` and lets the caller go; from now on messages go to
    /// `log_file`, appended. Empty: none, nowhere. Throws Error.
    void running(const std::string& pid_file, const std::string& log_file);

private:
    Fd tell_;
    std::string pid_file_;
};

}  // namespace gh::machine
