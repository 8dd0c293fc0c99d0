// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/conversation.h"

#include "emulator/serve/process.h"

#include <chrono>

namespace gh::serve {
namespace {

thread_local Conversation* t_current = nullptr;

}  // namespace

Conversation::Conversation(Listener& listener, const Call& call) noexcept
    : listener_(listener), call_(call), before_(t_current)
{
    t_current = this;
}

Conversation::~Conversation()
{
    t_current = before_;
    const std::scoped_lock lock(expected().mutex);
    expect_no_more();
}

bool Conversation::is_expected() const noexcept
{
    const auto found = expected().by_thread.find(call_.thread);
    return found != expected().by_thread.end() && found->second == this;
}

void Conversation::expect_no_more() noexcept
{
    if (is_expected())
        expected().by_thread.erase(call_.thread);
}

Conversation* Conversation::current() noexcept
{
    return t_current;
}

Conversation::Expected& Conversation::expected() noexcept
{
    static Expected expected;
    return expected;
}

bool Conversation::is_forsaken() const noexcept
{
    const std::scoped_lock lock(expected().mutex);
    return !expected().borrowed.contains(call_.thread) &&
           !expected().by_thread.contains(call_.thread) && !listener_.waits(call_);
}

void Conversation::expect_again() noexcept
{
    const std::scoped_lock lock(expected().mutex);
    again_ = false;
    expected().by_thread[call_.thread] = this;
}

void Conversation::note_signal() noexcept
{
    {
        const std::scoped_lock lock(expected().mutex);
        expect_no_more();
    }
    on_signal_();
}

/// A signal may come just before the call does; then it does not, or after whatever the handler
/// does. It is a new one then, and finds in order what this one has done.
bool Conversation::await_again() noexcept
{
    using namespace std::chrono_literals;
    constexpr auto kLongest = 1s;
    std::unique_lock lock(expected().mutex);
    const auto deadline = std::chrono::steady_clock::now() + kLongest;
    while (is_expected() && is_alive(call_.thread) && std::chrono::steady_clock::now() < deadline)
        expected().arrived.wait_for(lock, 100ms, [&] { return !is_expected(); });
    expect_no_more();
    if (!again_ && on_signal_) {
        lock.unlock();
        on_signal_();
    }
    return again_;
}

void Conversation::borrow() const noexcept
{
    std::unique_lock lock(expected().mutex);
    expected().returned.wait(lock, [this] { return !expected().borrowed.contains(call_.thread); });
    expected().borrowed.insert(call_.thread);
}

void Conversation::give_back() const noexcept
{
    const std::scoped_lock lock(expected().mutex);
    expected().borrowed.erase(call_.thread);
    expected().returned.notify_all();
}

void Conversation::drive() const noexcept
{
    const std::scoped_lock lock(expected().mutex);
    expected().driven.insert(call_.thread);
}

void Conversation::stop_driving() const noexcept
{
    const std::scoped_lock lock(expected().mutex);
    expected().driven.erase(call_.thread);
}

bool Conversation::is_driven(pid_t thread) noexcept
{
    const std::scoped_lock lock(expected().mutex);
    return expected().driven.contains(thread);
}

bool Conversation::is_again(const Call& call) noexcept
{
    const std::scoped_lock lock(expected().mutex);
    const auto found = expected().by_thread.find(call.thread);
    if (found == expected().by_thread.end() || expected().driven.contains(call.thread))
        return false;
    Conversation& waiting = *found->second;
    expected().by_thread.erase(found);
    expected().arrived.notify_all();
    if (waiting.call_.number != call.number || waiting.call_.arguments != call.arguments)
        return false;
    waiting.call_.id = call.id;
    waiting.again_ = true;
    return true;
}

}  // namespace gh::serve
