// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/file.h"

#include <functional>
#include <memory>
#include <string>

namespace gh::gunyah {

/// Takes one finished line, without its newline. Called by any thread, perhaps by several at once.
using TraceSink = std::function<void(const std::string&)>;

/// Wraps `file` so that every request on it, and on every file that it makes, is told to `sink` in
/// one line: "vm: GH_VM_SET_DTB_CONFIG guest_phys_addr=0x80000000 size=0x200000 = 0". Names: what
/// the first file is called in the lines.
[[nodiscard]] std::unique_ptr<File> trace_file(std::unique_ptr<File> file, std::string name,
                                               TraceSink sink);

/// A sink that appends to the file `path` ("-": stderr), a line at a time, with the seconds since
/// it was made in front. Throws Error if the file cannot be opened.
[[nodiscard]] TraceSink trace_to(const std::string& path);

}  // namespace gh::gunyah
