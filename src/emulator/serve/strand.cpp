// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/strand.h"

#include <utility>

#include <pthread.h>

namespace gh::serve {

Strand::~Strand()
{
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    added_.notify_one();
    if (thread_.joinable())
        thread_.join();
}

void Strand::add(std::function<void()> task)
{
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
    if (!thread_.joinable())
        thread_ = std::thread([this] { work(); });
    added_.notify_one();
}

bool Strand::idle() const noexcept
{
    const std::scoped_lock lock(mutex_);
    return tasks_.empty() && !busy_;
}

void Strand::drain() noexcept
{
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return tasks_.empty() && !busy_; });
}

void Strand::work()
{
    ::pthread_setname_np(::pthread_self(), name_);
    std::unique_lock lock(mutex_);
    for (;;) {
        added_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
        if (tasks_.empty())
            return;
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        busy_ = true;
        lock.unlock();
        task();
        task = nullptr;  // what it holds may end here, and must not under the lock
        lock.lock();
        busy_ = false;
        done_.notify_all();
    }
}

}  // namespace gh::serve
