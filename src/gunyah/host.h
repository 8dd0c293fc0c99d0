// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/inspect.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::gunyah {

/// What a host allows its VMs, as far as a process can see it. Sizes are bytes.
struct Host {
    std::string kernel;  // release, as uname -r
    std::uint64_t page_size = 4096;
    std::uint64_t memory = 0;                   // all of it
    std::uint64_t available = 0;                // without swapping
    std::optional<std::uint64_t> cgroup_limit;  // the tightest memory.max above this process
    std::optional<std::uint64_t> memlock;       // RLIMIT_MEMLOCK's hard limit; none: unlimited
    std::string huge_pages;                     // always, madvise, never; empty: not known
    bool selinux_enforcing = false;
    bool vendor_node = false;  // /dev/qgunyah, of the vendor's older driver, is there
    bool privileged = false;   // may lock any amount of memory (root)
};

/// `root` is put before each path of a file, "" for the running system. What cannot be read stays
/// unknown.
[[nodiscard]] Host read_host(const std::string& root = "");

/// What of the host limits VMs of a device of that generation (nullptr: the emulated device, which
/// locks nothing). None of it is fatal.
[[nodiscard]] std::vector<Obstacle> limits_of(const Host& host, const Abi* abi);

/// Why `path` cannot be opened, from the errno, and what to do. `kernel_config` is the text of the
/// kernel's configuration, empty where it is not known.
[[nodiscard]] Obstacle no_device(const std::string& path, int error, const Host& host,
                                 std::string_view kernel_config);

}  // namespace gh::gunyah
