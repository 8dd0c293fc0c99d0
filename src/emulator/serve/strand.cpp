// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/strand.h"

#include <system_error>
#include <utility>

#include <pthread.h>

namespace gh::serve {

Strand::~Strand()
{
    {
        const std::scoped_lock lock(work_->mutex);
        work_->ending = true;
    }
    work_->added.notify_one();
    if (thread_.get_id() == std::this_thread::get_id())
        thread_.detach();
    else if (thread_.joinable())
        thread_.join();
}

bool Strand::add(std::function<void()> task)
{
    const std::scoped_lock lock(work_->mutex);
    try {
        if (!thread_.joinable())
            thread_ = std::thread([work = work_] { work->run(); });
    } catch (const std::system_error&) {
        return false;
    }
    work_->tasks.push_back(std::move(task));
    work_->added.notify_one();
    return true;
}

bool Strand::idle() const noexcept
{
    const std::scoped_lock lock(work_->mutex);
    return work_->tasks.empty() && !work_->busy;
}

void Strand::Work::run()
{
    ::pthread_setname_np(::pthread_self(), name);
    std::unique_lock lock(mutex);
    for (;;) {
        added.wait(lock, [this] { return ending || !tasks.empty(); });
        if (tasks.empty())
            return;
        auto task = std::move(tasks.front());
        tasks.pop_front();
        busy = true;
        lock.unlock();
        task();
        task = nullptr;  // what it holds may end here, and must not under the lock
        lock.lock();
        busy = false;
    }
}

}  // namespace gh::serve
