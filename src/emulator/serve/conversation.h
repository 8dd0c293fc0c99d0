// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/serve/listener.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

namespace gh::serve {

/// A call that is being answered, which the emulated driver may find: Conversation::current().
/// Borrowing the caller's thread ends its call, and the kernel makes it anew.
class Conversation {
public:
    Conversation(Listener& listener, const Call& call) noexcept;
    ~Conversation();
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    /// What this thread answers now; nullptr: nothing.
    [[nodiscard]] static Conversation* current() noexcept;

    [[nodiscard]] const Call& call() const noexcept { return call_; }
    [[nodiscard]] Listener& listener() const noexcept { return listener_; }

    /// After the caller's thread was made to begin its call again: waits until it has. False: it
    /// did not, for its process ended.
    bool await_again() noexcept;
    /// True if `call` is one that await_again() waits for, or will: nobody else need answer it.
    static bool is_again(const Call& call) noexcept;
    /// While its thread is borrowed, the calls that it makes are ours, and go through.
    void borrow() const noexcept;
    void give_back() const noexcept;
    static bool is_borrowed(pid_t thread) noexcept;
    /// From now on until await_again() the caller's next call of this number is this one.
    void expect_again() noexcept;

private:
    struct Expected {
        std::mutex mutex;
        std::condition_variable arrived;
        std::map<pid_t, Conversation*> by_thread;
        std::set<pid_t> borrowed;
    };
    static Expected& expected() noexcept;

    Listener& listener_;
    Call call_;
    bool again_ = false;
    Conversation* const before_;
};

}  // namespace gh::serve
