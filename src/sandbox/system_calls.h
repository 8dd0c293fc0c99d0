// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace gh::sandbox {

/// From now on this process, with all its threads, can make only the system calls that a running VM
/// needs: none that starts a program, reaches into another process, changes rights or who it is,
/// mounts, or loads code into the kernel; no memory that is writable and executable at once. What
/// is refused is EPERM and a warning, once for each call (refusals.h). Sockets are of AF_UNIX, with
/// `internet` also of AF_INET. Throws Error where there is no seccomp.
void restrict_system_calls(bool internet = false);

}  // namespace gh::sandbox
