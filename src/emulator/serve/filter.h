// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <vector>

#include <linux/filter.h>

namespace gh::serve {

/// The system calls of a client that may concern /dev/gunyah: those that name a path, ioctls of its
/// two types, and what files of ours answer otherwise than memfds do. All others cost nothing.
/// Throws Error.
[[nodiscard]] std::vector<sock_filter> make_filter();

/// Puts the filter on the calling thread, for good and for whatever it starts: the listener's
/// descriptor, or -errno. Only system calls, so it may stand between fork and exec.
[[nodiscard]] int install_filter(std::span<sock_filter> filter) noexcept;

}  // namespace gh::serve
