// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <optional>
#include <string>

#include <sys/types.h>

namespace gh {

/// Unix sockets (unix(7)) at paths. All are non-blocking and close-on-exec; `type` is SOCK_STREAM
/// or SOCK_SEQPACKET. All throw Error, which names the path.

/// Listens at `path`, readable and writable by `mode`. A socket file that nobody listens at is what
/// a killed process leaves behind: it is replaced.
[[nodiscard]] Fd listen_unix(const std::string& path, int type, unsigned mode = 0777);

/// Calls whoever listens at `path`. Empty, with errno, if nobody does.
[[nodiscard]] Fd connect_unix(const std::string& path, int type);

/// Whose process the other end of a connection is: of a caller, who called; of whoever was called,
/// who listened. Nothing where the kernel does not say.
[[nodiscard]] std::optional<uid_t> peer_user(const Fd& socket) noexcept;
/// Which process that is or was, in the same sense.
[[nodiscard]] std::optional<pid_t> peer_process(const Fd& socket) noexcept;

}  // namespace gh
