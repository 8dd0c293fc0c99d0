// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/serve/listener.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <utility>

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

    /// True if nobody waits for the answer any more: a signal ended the call, or the caller died.
    /// Not while its thread is borrowed. Any thread.
    [[nodiscard]] bool is_forsaken() const noexcept;
    /// Makes it the conversation of a call that signals end, also while its thread is borrowed:
    /// then `action` is called, and nobody waits any more.
    void on_signal(std::function<void()> action) { on_signal_ = std::move(action); }
    [[nodiscard]] bool is_interruptible() const noexcept { return on_signal_ != nullptr; }
    void note_signal() noexcept;

    /// After the caller's thread was made to begin its call again: waits until it has. False: it
    /// did not, for a signal came first, or its process ended.
    bool await_again() noexcept;
    /// True if `call` is one that await_again() waits for, or will: nobody else need answer it.
    /// Another call of that thread ends the waiting.
    static bool is_again(const Call& call) noexcept;
    /// Its thread is this conversation's alone. Waits for another one that has borrowed it, and
    /// does not know yet that its call is over.
    void borrow() const noexcept;
    void give_back() const noexcept;
    /// A borrowed thread that stands is made to go, and stands again: the calls that it makes in
    /// between are ours, and go through. Before and after they are its own, for a signal may have
    /// ended the call that is to be answered, and the thread is where it likes.
    void drive() const noexcept;
    void stop_driving() const noexcept;
    static bool is_driven(pid_t thread) noexcept;
    /// From now on until await_again() the caller's next call of this number is this one.
    void expect_again() noexcept;

private:
    struct Expected {
        std::mutex mutex;
        std::condition_variable arrived;
        std::condition_variable returned;
        std::map<pid_t, Conversation*> by_thread;
        std::set<pid_t> borrowed;
        std::set<pid_t> driven;  // of the borrowed ones
    };
    static Expected& expected() noexcept;
    // With expected().mutex held:
    [[nodiscard]] bool is_expected() const noexcept;
    void expect_no_more() noexcept;

    Listener& listener_;
    Call call_;
    bool again_ = false;
    std::function<void()> on_signal_;
    Conversation* const before_;
};

}  // namespace gh::serve
