// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace gh::serve {

/// A thread that does one thing after the other: what a VM or a vCPU is asked for that may take
/// long. The thread begins with the first task. Any thread may add tasks; the destructor waits for
/// all of them.
class Strand {
public:
    explicit Strand(const char* name) noexcept : name_(name) {}
    ~Strand();
    Strand(const Strand&) = delete;
    Strand& operator=(const Strand&) = delete;

    void add(std::function<void()> task);
    /// Whether it has nothing to do: what would be added could as well be done by the caller, as
    /// long as only one thread adds.
    [[nodiscard]] bool idle() const noexcept;
    /// Waits until it is.
    void drain() noexcept;

private:
    void work();

    const char* name_;
    mutable std::mutex mutex_;
    std::condition_variable added_;
    std::condition_variable done_;
    std::deque<std::function<void()>> tasks_;
    bool busy_ = false;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace gh::serve
