// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <cstdint>
#include <string>

namespace gh::sandbox {

/// What may be done with a file, or with all files below a folder.
enum class FileUse {
    Read,
    ReadWrite,    ///< truncate as well
    MakeSockets,  ///< make and remove sockets in a folder
    Remove,       ///< remove files from a folder
    MakeLinks,    ///< make and remove symbolic links in a folder
};

/// The version of Landlock's interface that this kernel has: 0 for none.
[[nodiscard]] int landlock_version() noexcept;

/// A Landlock domain in the making (Linux, Documentation/userspace-api/landlock.rst): once entered,
/// no files can be opened, made or removed but those that were allowed, and from Linux 6.12 on
/// no abstract unix socket of a process outside can be called. What is open stays open.
class Landlock {
public:
    /// Throws Error where the kernel has none.
    Landlock();

    /// A file that is not there, or of a kind that Landlock never restricts (pipes, sockets,
    /// memfds), needs no rule. The rule is of the file that lies there now, wherever it is moved.
    /// Throws Error.
    void allow(const std::string& path, FileUse use);

    /// For the calling thread and the threads that it starts, for good; it must have given up
    /// gaining rights by exec. Throws Error.
    void enter() const;

private:
    std::uint64_t handled_ = 0;
    Fd ruleset_;
};

}  // namespace gh::sandbox
