// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config_error.h"
#include "config/vm.h"

#include <string>
#include <vector>

namespace gh::config {

/// Whether the files that a configuration names must be there. `Trust` is for those who only want
/// to see what a VM would look like.
enum class Files { Check, Trust };

/// A configuration as text, for those who have it in memory.
struct Source {
    std::string file;                     // how messages call it
    std::string text;                     // JSON
    std::string folder;                   // absolute; relative paths begin here
    std::vector<std::string> settings{};  // "memory.size=2GiB": stronger than the text
    Files files = Files::Check;
};

/// Turns JSON into the structs of vm.h and checks all that can be checked without reading an
/// image. Throws ConfigError with everything that is wrong.
[[nodiscard]] Vm parse(const Source& source);

/// Reads `path` and parses it. Relative paths inside are relative to the file's folder, or to the
/// working directory if the file is a descriptor (/proc/self/fd/N, /dev/stdin). Throws
/// ConfigError, also for a file that cannot be read.
[[nodiscard]] Vm load(const std::string& path, const std::vector<std::string>& settings = {},
                      Files files = Files::Check);

}  // namespace gh::config
