// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"
#include "base/fd.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace gh {

/// Waits for descriptors and calls who wants to know: one thread's event loop. Costs nothing while
/// nothing happens. Everything but stop() belongs to the thread in run(), or comes before it.
class Poller {
public:
    /// `events` are epoll's (EPOLLIN, EPOLLOUT; EPOLLHUP and EPOLLERR come unasked).
    using Handler = std::function<void(std::uint32_t events)>;

    Poller();

    /// Watches `fd`, which stays the caller's and is removed before it is closed. What epoll cannot
    /// watch, such as a regular file, counts as ready at all times.
    void add(int fd, std::uint32_t events, Handler handler);

    /// Other events from now on. With 0 not even a hang-up is told: it would come without end.
    void watch(int fd, std::uint32_t events);

    /// Also from inside a handler, its own included.
    void remove(int fd);

    /// Calls handlers until stop(). Throws what they throw.
    void run();

    /// Makes run() return soon, also if it has not begun. Any thread.
    void stop() noexcept;

private:
    struct Watched {
        Handler handler;
        std::uint32_t events = 0;
        bool always_ready = false;
    };

    void call(int fd, std::uint32_t events);
    void call_always_ready();
    [[nodiscard]] bool any_always_ready() const;

    Fd epoll_;
    EventFd wake_;
    std::atomic<bool> stopped_{false};
    std::map<int, std::shared_ptr<Watched>> watched_;
};

}  // namespace gh
