// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/poller.h"

#include <algorithm>
#include <chrono>
#include <functional>

namespace gh {

/// Calls somebody back in a poller's thread when a time has passed on CLOCK_MONOTONIC. Belongs to
/// that thread; the poller must outlive it.
class Timer {
public:
    /// Throws Error.
    Timer(Poller& poller, std::function<void()> handler);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    /// Once, after `delay`, instead of what was asked for before. Also from inside the handler.
    void start(std::chrono::milliseconds delay) noexcept { set(std::max(delay, kSoonest), {}); }
    /// Every `period`, which is not 0, from now on.
    void repeat(std::chrono::milliseconds period) noexcept { set(period, period); }
    void cancel() noexcept { set({}, {}); }

private:
    static constexpr std::chrono::milliseconds kSoonest{1};  // 0 would be never

    void set(std::chrono::milliseconds first, std::chrono::milliseconds period) noexcept;

    Poller& poller_;
    Fd fd_;
};

}  // namespace gh
