// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "sandbox/landlock.h"
#include "sandbox/system_calls.h"

#include <string>
#include <vector>

namespace gh::sandbox {

/// What a process keeps when it confines itself.
struct Policy {
    struct File {
        std::string path;
        FileUse use = FileUse::Read;
    };
    std::vector<File> files;        // what may still be opened
    std::vector<int> capabilities;  // capabilities(7) that stay, of those that it has
    Reach reach{};
};

/// Confines the process for good: no rights by exec, no capabilities, no files and no system calls
/// but those of `policy` and system_calls.h. What is open stays so. The caller's is the only
/// thread: Landlock and capabilities are each thread's own, and those that follow inherit them.
/// What this kernel does not have is left out and returned in words. Throws Error.
[[nodiscard]] std::vector<std::string> confine(const Policy& policy);

}  // namespace gh::sandbox
