// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace gh::serve {

/// A thread that does one thing after the other: what a VM or a vCPU is asked for that may take
/// long. The thread begins with the first task. Any thread may add tasks; the destructor waits for
/// all of them, but for the one that destroys it, if a task does.
class Strand {
public:
    explicit Strand(const char* name) : work_(std::make_shared<Work>()) { work_->name = name; }
    ~Strand();
    Strand(const Strand&) = delete;
    Strand& operator=(const Strand&) = delete;

    /// False: the host has no thread for it, and the task was dropped.
    [[nodiscard]] bool add(std::function<void()> task);
    /// Whether it has nothing to do: what would be added could as well be done by the caller, as
    /// long as only one thread adds.
    [[nodiscard]] bool idle() const noexcept;

private:
    struct Work {
        const char* name = "";
        std::mutex mutex;
        std::condition_variable added;
        std::deque<std::function<void()>> tasks;
        bool busy = false;
        bool ending = false;

        void run();
    };
    std::shared_ptr<Work> work_;  // the thread has it too
    std::thread thread_;
};

}  // namespace gh::serve
