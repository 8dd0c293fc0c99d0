// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "machine/ending.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gh::machine {

/// Named threads of a machine. What one throws becomes the machine's ending; all are joined when
/// this goes, so their bodies must end soon after an ending is requested.
class Threads {
public:
    explicit Threads(Ending& ending) : ending_(ending) {}

    /// `name`: at most 15 bytes, for /proc.
    void start(const std::string& name, std::function<void()> body);

    /// Waits until every body has returned; false after `milliseconds`.
    [[nodiscard]] bool wait(int milliseconds);

    /// Waits without end.
    void join() noexcept { threads_.clear(); }

private:
    void count(int change) noexcept;

    Ending& ending_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int running_ = 0;  // guarded by mutex_
    std::vector<std::jthread> threads_;
};

}  // namespace gh::machine
