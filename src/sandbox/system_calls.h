// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace gh::sandbox {

/// What a VM needs beyond what all do.
struct Reach {
    bool internet = false;  ///< sockets of IPv4
    bool call = false;  ///< connect: whichever unix socket it is, no filter and no Landlock sees
    bool end_children = false;  ///< SIGKILL by a descriptor of a process
};

/// From now on this process, with all its threads, can make only the system calls that a running VM
/// needs: none that starts a program, reaches into another process, changes rights or who it is,
/// mounts, or loads code into the kernel; no memory that is writable and executable at once. What
/// is refused is EPERM and a warning, once for each call (refusals.h). Sockets are streams of
/// AF_UNIX, with `reach.internet` also of AF_INET. Throws Error where there is no seccomp.
void restrict_system_calls(const Reach& reach = {});

}  // namespace gh::sandbox
