// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"
#include "machine/ending.h"

#include <atomic>
#include <functional>
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
    [[nodiscard]] bool wait(int milliseconds) const;

    /// Waits without end.
    void join() noexcept { threads_.clear(); }

private:
    Ending& ending_;
    EventFd finished_;  // signalled by the last body to return
    std::atomic<int> running_{0};
    std::vector<std::jthread> threads_;
};

}  // namespace gh::machine
