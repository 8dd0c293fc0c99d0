// SPDX-License-Identifier: BSD-3-Clause
#include "machine/threads.h"

#include <chrono>

#include <pthread.h>

namespace gh::machine {

void Threads::start(const std::string& name, std::function<void()> body)
{
    count(1);
    threads_.emplace_back([this, name, body = std::move(body)] {
        (void)::pthread_setname_np(::pthread_self(), name.c_str());
        try {
            body();
        } catch (...) {
            ending_.fail(std::current_exception());
        }
        count(-1);
    });
}

void Threads::count(int change) noexcept
{
    const std::scoped_lock lock(mutex_);
    running_ += change;
    changed_.notify_all();
}

bool Threads::wait(int milliseconds)
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(milliseconds),
                             [this] { return running_ == 0; });
}

}  // namespace gh::machine
