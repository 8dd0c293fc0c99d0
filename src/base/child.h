// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace gh {

/// Another program to start: its standard input and output are /dev/null, no signal is blocked, and
/// of our descriptors it has but these.
struct ChildSetup {
    std::vector<std::string> arguments;  // the first is the program, looked for in PATH
    int socket = -1;                     // its descriptor 3
    int messages = -1;                   // its standard error
    bool own_session = false;            // what a terminal's keys signal does not reach it
    /// What the child does before it is the program; async-signal-safe things alone
    /// (signal-safety(7)). False, said on standard error: it is not to be.
    std::function<bool()> prepare{};
};

/// The program could not be started: `code()` is the host's errno.
class ChildError : public Error {
public:
    explicit ChildError(int code);
    [[nodiscard]] int code() const noexcept { return code_; }

private:
    int code_;
};

/// A program that we have started; going, it waits for the program's end, and makes it after some
/// seconds.
class Child {
public:
    /// The descriptor that ChildSetup::socket is in the child.
    static constexpr int kSocket = 3;

    /// Throws ChildError.
    explicit Child(const ChildSetup& setup);
    ~Child();
    Child(Child&& other) noexcept;
    Child& operator=(Child&& other) noexcept;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// Waits for its end, however long; its status as waitpid(2) has it.
    int wait() noexcept;
    /// Ends it at once, and waits.
    void kill() noexcept;

private:
    pid_t pid_ = -1;
    Fd end_;  // a pidfd; empty where the kernel has none
};

/// How a program has ended: its status as waitpid(2) has it, and what it has said on standard
/// error.
struct Ended {
    int status = 0;
    std::string said;
};

/// Runs a program until it, and whoever else has its standard error, has ended. Throws ChildError.
[[nodiscard]] Ended run_child(ChildSetup setup);

/// What can be read until the end, or until there is nothing more at the moment.
[[nodiscard]] std::string read_all(int fd);

}  // namespace gh
