// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace gh::machine {

/// /tmp/perf-PID.map, where perf looks for the names of code that a process makes as it runs
/// (Linux, tools/perf/Documentation/jit-interface.txt). Stays when the process is gone, for
/// perf-report. Any thread.
class PerfMap {
public:
    /// Replaces what an earlier process of that number left. Where the file cannot be made there is
    /// a warning and no map.
    PerfMap();

    void add(std::uintptr_t at, std::size_t size, const std::string& name) noexcept;

private:
    static constexpr unsigned kMostLines = 1u << 20;  // a guest may change its code for ever

    Fd file_;
    std::atomic<unsigned> lines_{0};
};

}  // namespace gh::machine
