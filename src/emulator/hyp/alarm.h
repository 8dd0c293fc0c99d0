// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace gh::hyp {

/// Deadlines of many slots, served by one thread on one timerfd. Nobody waits for time any other
/// way, so a VM without a deadline costs nothing.
class Alarm {
public:
    static constexpr std::uint64_t kNever = ~std::uint64_t{0};

    /// `ring(slot)` is called on the alarm's thread, with nothing locked, when counter_now() has
    /// reached the slot's deadline; the deadline is then kNever. Throws Error.
    Alarm(std::size_t slots, std::function<void(std::size_t)> ring);
    ~Alarm();
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

    /// Any thread. Only a deadline before all others costs a system call: a later or cancelled one
    /// is found out when the thread wakes.
    void set(std::size_t slot, std::uint64_t deadline) noexcept;

private:
    void serve(const std::stop_token& stop);
    void arm(std::uint64_t deadline) noexcept;
    void take_due(std::vector<std::size_t>& due) noexcept;

    std::function<void(std::size_t)> ring_;
    Fd timer_;
    std::mutex mutex_;
    std::vector<std::uint64_t> deadlines_;
    std::uint64_t armed_ = kNever;  // what the timerfd is set to
    std::jthread thread_;
};

}  // namespace gh::hyp
