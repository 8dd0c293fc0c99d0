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
    const auto found = expected().by_thread.find(call_.thread);
    if (found != expected().by_thread.end() && found->second == this)
        expected().by_thread.erase(found);
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

void Conversation::expect_again() noexcept
{
    const std::scoped_lock lock(expected().mutex);
    again_ = false;
    expected().by_thread[call_.thread] = this;
}

bool Conversation::await_again() noexcept
{
    using namespace std::chrono_literals;
    std::unique_lock lock(expected().mutex);
    while (!expected().arrived.wait_for(lock, 100ms, [this] { return again_; }))
        if (!is_alive(call_.thread))
            return false;
    return true;
}

void Conversation::borrow() const noexcept
{
    const std::scoped_lock lock(expected().mutex);
    expected().borrowed.insert(call_.thread);
}

void Conversation::give_back() const noexcept
{
    const std::scoped_lock lock(expected().mutex);
    expected().borrowed.erase(call_.thread);
}

bool Conversation::is_borrowed(pid_t thread) noexcept
{
    const std::scoped_lock lock(expected().mutex);
    return expected().borrowed.contains(thread);
}

bool Conversation::is_again(const Call& call) noexcept
{
    const std::scoped_lock lock(expected().mutex);
    const auto found = expected().by_thread.find(call.thread);
    if (found == expected().by_thread.end() || found->second->call_.number != call.number ||
        found->second->call_.arguments != call.arguments)
        return false;
    found->second->call_.id = call.id;
    found->second->again_ = true;
    expected().by_thread.erase(found);
    expected().arrived.notify_all();
    return true;
}

}  // namespace gh::serve
