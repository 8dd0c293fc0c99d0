// SPDX-License-Identifier: BSD-3-Clause
#include "machine/run_gate.h"

#include <utility>

namespace gh::machine {

void RunGate::enter(bool carries)
{
    std::unique_lock lock(mutex_);
    waits_ = true;
    changed_.wait(lock, [this] { return !closed_; });
    waits_ = false;
    inside_ = true;
    carries_ = carries;
    if (carries)
        entered_ = Clock::now();
}

bool RunGate::leave()
{
    const std::scoped_lock lock(mutex_);
    inside_ = false;
    return std::exchange(nudged_, false);
}

void RunGate::close()
{
    const std::scoped_lock lock(mutex_);
    closed_ = true;
}

void RunGate::open()
{
    const std::scoped_lock lock(mutex_);
    closed_ = false;
    changed_.notify_all();
}

bool RunGate::holds()
{
    const std::scoped_lock lock(mutex_);
    return closed_ && waits_;
}

void RunGate::nudge(const std::function<void()>& interrupt, Clock::time_point now)
{
    const std::scoped_lock lock(mutex_);
    if (!inside_ || (carries_ && now - entered_ < kDelivered))
        return;
    nudged_ = true;
    interrupt();
}

}  // namespace gh::machine
