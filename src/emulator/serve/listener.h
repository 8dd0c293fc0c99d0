// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <array>
#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace gh::serve {

/// A system call of a client that waits for our answer (seccomp_unotify(2)).
struct Call {
    std::uint64_t id = 0;
    pid_t thread = 0;
    int number = 0;
    std::array<std::uint64_t, 6> arguments{};
};

/// The far end of a seccomp filter: receives the calls that it stops and answers them. Any thread,
/// in any order. An answer is false where nobody waits any more: a signal ended the call, or the
/// client died.
class Listener {
public:
    explicit Listener(Fd fd) noexcept;

    /// Readable when a call waits; hung up when no process has the filter any more.
    [[nodiscard]] int get() const noexcept { return fd_.get(); }
    /// The next call; nothing if it went away meanwhile.
    [[nodiscard]] std::optional<Call> receive() const noexcept;
    /// Whether the caller still waits.
    [[nodiscard]] bool waits(const Call& call) const noexcept;
    /// The call returns `value`, or fails with `error` if that is not 0.
    bool answer(const Call& call, long value, int error) const noexcept;
    /// The kernel does the call, as if nobody had stopped it.
    bool let_through(const Call& call) const noexcept;
    /// The caller gets a copy of `fd`, and the call returns its number there. 0 or an errno: EMFILE
    /// is the client's.
    int answer_with_fd(const Call& call, int fd, bool close_on_exec) const noexcept;
    /// The caller gets a copy of `fd` while it goes on waiting: its number there, or -errno.
    [[nodiscard]] int hand_over(const Call& call, int fd) const noexcept;

private:
    int add_fd(const Call& call, int fd, std::uint32_t fd_flags,
               std::uint32_t flags) const noexcept;

    Fd fd_;
};

}  // namespace gh::serve
