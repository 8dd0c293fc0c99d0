// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/serve/conversation.h"

#include <array>
#include <cstdint>
#include <vector>

#include <sys/user.h>

namespace gh::serve {

/// The caller's own thread, borrowed to do system calls in its process (ptrace(2)): mapping memory
/// there is something that only the process itself can do. The thread waits in the call that we are
/// to answer; that call is cut short, and begun again when this object goes, unless it was
/// concluded. One thread uses it.
class BorrowedThread {
public:
    explicit BorrowedThread(Conversation& conversation) noexcept;
    /// Lets the thread go and waits for its call to come again.
    ~BorrowedThread();
    BorrowedThread(const BorrowedThread&) = delete;
    BorrowedThread& operator=(const BorrowedThread&) = delete;

    /// 0, or why the thread could not be had: EBUSY where it is traced by another, EINTR where a
    /// signal came first.
    [[nodiscard]] int error() const noexcept { return error_; }
    /// What the system call returns there: a result or -errno.
    [[nodiscard]] long call(long number, const std::array<std::uint64_t, 6>& arguments) noexcept;
    /// Lets the call that was cut short return `result` (or -errno) when this object goes.
    void conclude(long result) noexcept;

private:
    int stop() noexcept;
    bool begin_again() noexcept;
    void send_signals() const noexcept;
    void let_go() const noexcept;
    bool run_to_syscall_stop() noexcept;
    bool get(user_regs_struct& registers) const noexcept;
    bool set(const user_regs_struct& registers) const noexcept;

    Conversation& conversation_;
    pid_t thread_;
    bool seized_ = false;
    bool concluded_ = false;
    user_regs_struct saved_{};
    std::vector<int> signals_;  // that came meanwhile
    int error_ = 0;             // last: stop() fills the others
};

}  // namespace gh::serve
