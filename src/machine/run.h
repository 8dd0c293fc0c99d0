// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"

#include <optional>
#include <string>

namespace gh::machine {

struct RunOptions {
    /// Where each request to the device is told in a line; "-" is stderr.
    std::optional<std::string> trace_ioctls;
    /// Where the report goes that tells where time went; "-" is stderr. The emulated device only.
    std::optional<std::string> profile;
    /// Goes into the background before the device is opened; the process that called run() ends
    /// once the guest runs.
    bool daemon = false;
    /// Of the daemon: where its process id goes, and what it says from then on. Empty: nowhere.
    std::string pid_file;
    std::string log_file;
    /// Where GDB finds the guest (parse_gdb_option()). The emulated device only.
    std::optional<std::string> gdb;
    /// Symbols of the guest's kernel, for the profile.
    std::optional<std::string> symbols;
};

/// Builds the machine that `vm` describes, runs it until it ends, takes it down and says on stderr
/// in one line why it ended. Returns the exit code that says so: crosvm's numbers, see outcome.h.
/// Throws Error for what the person or the host must mend. Once in a process, in its main thread.
[[nodiscard]] int run(const config::Vm& vm, const RunOptions& options);

}  // namespace gh::machine
