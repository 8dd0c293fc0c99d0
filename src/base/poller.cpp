// SPDX-License-Identifier: BSD-3-Clause
#include "base/poller.h"

#include "base/error.h"

#include <algorithm>
#include <array>
#include <vector>

#include <sys/epoll.h>

namespace gh {

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC))
{
    if (!epoll_)
        throw_errno("epoll_create1");
    add(wake_.get(), EPOLLIN, [this](std::uint32_t) { (void)wake_.drain(); });
}

void Poller::add(int fd, std::uint32_t events, Handler handler)
{
    auto& entry = watched_[fd];
    GH_CHECK(!entry);
    entry = std::make_shared<Watched>(Watched{.handler = std::move(handler)});
    watch(fd, events);
}

void Poller::watch(int fd, std::uint32_t events)
{
    Watched& entry = *watched_.at(fd);
    if (entry.events == events)
        return;
    const int operation = events == 0         ? EPOLL_CTL_DEL
                          : entry.events == 0 ? EPOLL_CTL_ADD
                                              : EPOLL_CTL_MOD;
    entry.events = events;
    if (entry.always_ready)
        return;
    epoll_event event{.events = events, .data = {.fd = fd}};
    if (::epoll_ctl(epoll_.get(), operation, fd, &event) == 0)
        return;
    if (errno != EPERM)
        throw_errno("epoll_ctl");
    entry.always_ready = true;
}

void Poller::remove(int fd)
{
    watch(fd, 0);
    watched_.erase(fd);
}

// The entry is held while its handler runs, which may remove it.
void Poller::call(int fd, std::uint32_t events)
{
    const auto found = watched_.find(fd);
    if (found == watched_.end())
        return;
    const auto entry = found->second;
    if ((entry->events | EPOLLHUP | EPOLLERR) & events && entry->events != 0)
        entry->handler(events);
}

bool Poller::any_always_ready() const
{
    return std::any_of(watched_.begin(), watched_.end(), [](const auto& entry) {
        return entry.second->always_ready && entry.second->events != 0;
    });
}

void Poller::call_always_ready()
{
    std::vector<int> ready;
    for (const auto& [fd, entry] : watched_)
        if (entry->always_ready && entry->events != 0)
            ready.push_back(fd);
    for (const int fd : ready)
        if (const auto found = watched_.find(fd); found != watched_.end())
            call(fd, found->second->events);
}

void Poller::run()
{
    std::array<epoll_event, 16> events{};
    while (!stopped_.load()) {
        const int timeout = any_always_ready() ? 0 : -1;
        const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout);
        if (count < 0 && errno != EINTR)
            throw_errno("epoll_wait");
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events.at(static_cast<std::size_t>(i));
            call(event.data.fd, event.events);
        }
        call_always_ready();
    }
}

void Poller::stop() noexcept
{
    stopped_.store(true);
    wake_.signal();
}

}  // namespace gh
