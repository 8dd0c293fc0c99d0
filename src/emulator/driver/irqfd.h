// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace gh::driver {

/// The eventfds whose writes ring a VM's doorbells, and the thread that waits for them (made when
/// the first one is added). Counters are never consumed, as in the kernel. Any thread.
class Irqfds {
public:
    /// `ring` is called with the label of an eventfd that was written to, under this object's lock.
    explicit Irqfds(std::function<void(std::uint32_t label)> ring) : ring_(std::move(ring)) {}
    Irqfds(const Irqfds&) = delete;
    Irqfds& operator=(const Irqfds&) = delete;
    /// No doorbell is rung after this.
    ~Irqfds();

    /// EEXIST if the label has one; else 0, or the errno of a host that has no more descriptors.
    /// What was written before is not rung.
    [[nodiscard]] int add(std::uint32_t label, bool level, Fd eventfd);
    [[nodiscard]] int remove(std::uint32_t label);  // ENOENT if there is none
    [[nodiscard]] bool has(std::uint32_t label) const;

    /// Calls body(label, level) for each.
    template <class F>
    void for_each(F&& body) const
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& [label, irqfd] : irqfds_)
            body(label, irqfd.level);
    }

private:
    struct Irqfd {
        Fd eventfd;
        std::uint64_t serial = 0;
        bool level = false;
        // What it held when it was added, if anything: an event with nothing more is old news.
        std::optional<std::uint64_t> premature;
    };

    int start();
    void serve();
    void written(std::uint64_t serial);

    std::function<void(std::uint32_t)> ring_;
    mutable std::mutex mutex_;
    std::map<std::uint32_t, Irqfd> irqfds_;  // by label
    std::uint64_t next_serial_ = 1;          // 0 is the stop event's
    Fd epoll_;
    Fd stop_;  // eventfd
    std::thread thread_;
};

}  // namespace gh::driver
