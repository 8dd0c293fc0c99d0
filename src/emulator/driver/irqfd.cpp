// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/irqfd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace gh::driver {
namespace {

/// The count of an eventfd, without taking it.
std::uint64_t count_of(const Fd& eventfd)
{
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(eventfd.get()));
    for (std::string word; info >> word;)
        if (word == "eventfd-count:") {
            std::uint64_t count = 0;
            info >> std::hex >> count;
            return count;
        }
    return 0;
}

std::optional<std::uint64_t> premature_count(const Fd& eventfd)
{
    pollfd poll{eventfd.get(), POLLIN, 0};
    if (::poll(&poll, 1, 0) == 1)
        return count_of(eventfd);
    return std::nullopt;
}

int watch(int epoll, int fd, std::uint64_t serial)
{
    epoll_event event{};
    // Edge-triggered: each write is one event, whatever the counter says.
    event.events = EPOLLIN | EPOLLET;
    event.data.u64 = serial;
    return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

}  // namespace

Irqfds::~Irqfds()
{
    if (!thread_.joinable())
        return;
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one);
    thread_.join();
}

int Irqfds::add(std::uint32_t label, bool level, Fd eventfd)
{
    const std::scoped_lock lock(mutex_);
    if (irqfds_.contains(label))
        return EEXIST;
    if (!thread_.joinable())
        if (const int error = start())
            return error;
    const std::uint64_t serial = next_serial_++;
    const auto premature = premature_count(eventfd);
    if (const int error = watch(epoll_.get(), eventfd.get(), serial))
        return error;
    irqfds_.emplace(label, Irqfd{std::move(eventfd), serial, level, premature});
    return 0;
}

int Irqfds::remove(std::uint32_t label)
{
    const std::scoped_lock lock(mutex_);
    const auto found = irqfds_.find(label);
    if (found == irqfds_.end())
        return ENOENT;
    // Closing our copy would not do: the registration lives as long as the client's descriptor.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.eventfd.get(), nullptr);
    irqfds_.erase(found);
    return 0;
}

bool Irqfds::has(std::uint32_t label) const
{
    const std::scoped_lock lock(mutex_);
    return irqfds_.contains(label);
}

int Irqfds::start()
{
    epoll_ = Fd{::epoll_create1(EPOLL_CLOEXEC)};
    stop_ = Fd{::eventfd(0, EFD_CLOEXEC)};
    if (!epoll_ || !stop_)
        return EMFILE;
    if (const int error = watch(epoll_.get(), stop_.get(), 0))
        return error;
    // The thread is the kernel's, so to say: signals of the process are not for it.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigdelset(&all, SIGSYS);  // its own: it calls what a sandbox refuses
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = 0;
    try {
        thread_ = std::thread([this] { serve(); });
    } catch (const std::system_error& failure) {
        error = failure.code().value();
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return error;
}

void Irqfds::serve()
{
    ::pthread_setname_np(::pthread_self(), "gunyah-irqfd");
    std::array<epoll_event, 16> events{};
    for (;;) {
        const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
        for (int i = 0; i < count; ++i) {
            const std::uint64_t serial = events[static_cast<std::size_t>(i)].data.u64;
            if (serial == 0)
                return;
            written(serial);
        }
    }
}

void Irqfds::written(std::uint64_t serial)
{
    const std::scoped_lock lock(mutex_);
    const auto found = std::find_if(irqfds_.begin(), irqfds_.end(), [&](const auto& entry) {
        return entry.second.serial == serial;
    });
    if (found == irqfds_.end())
        return;  // removed since
    const auto premature = std::exchange(found->second.premature, std::nullopt);
    if (premature && *premature == count_of(found->second.eventfd))
        return;
    ring_(found->first);
}

}  // namespace gh::driver
