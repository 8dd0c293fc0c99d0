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
    /// Opens `pid_file` and `log_file` (empty: none); until running(), messages still go to the
    /// caller's stderr. Throws Error.
    Daemon(const std::string& pid_file, const std::string& log_file);
    /// Removes the pid file.
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Writes our process id to the pid file and lets the caller go; from now on messages go to the
    /// log file, appended, or nowhere. Opens nothing. Throws Error.
    void running();

private:
    void open_pid_file(const std::string& path);

    Fd tell_;
    Fd null_;
    Fd log_;
    Fd pid_;
    std::string pid_file_;  // what to remove: the one that we have made or filled
    std::string pid_path_;
};

}  // namespace gh::machine
