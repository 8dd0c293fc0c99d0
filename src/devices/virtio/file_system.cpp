// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/file_system.h"

#include "base/error.h"
#include "base/log.h"
#include "devices/virtio/layout.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/epoll.h>

namespace gh::virtio {
namespace {

/// 5.11.4: the configuration space.
struct Configuration {
    std::array<char, FileSystem::kTagSize> tag{};  // zeros behind it, if it is shorter
    std::uint32_t num_request_queues = 1;
};
static_assert(sizeof(Configuration) == 40);

/// linux/fuse.h: what begins a request, and an answer (fuse_in_header, fuse_out_header).
struct FuseIn {
    std::uint32_t len;
    std::uint32_t opcode;
    std::uint64_t unique;
};
struct FuseOut {
    std::uint32_t len;
    std::int32_t error;
    std::uint64_t unique;
};
static_assert(sizeof(FuseOut) == 16);

}  // namespace

FileSystem::FileSystem(Options options, const DmaMemory& memory, VhostUser& backend)
    : options_(std::move(options)), memory_(memory), backend_(backend)
{
}

FileSystem::~FileSystem()
{
    stop();
}

void FileSystem::read_config(std::uint64_t offset, std::span<std::byte> to) noexcept
{
    Configuration config;
    std::copy_n(options_.tag.begin(), std::min(options_.tag.size(), kTagSize), config.tag.begin());
    read_layout(config, offset, to);
}

void FileSystem::start(std::uint64_t features, std::vector<ActiveQueue> queues, Notifier& notifier)
{
    queues_ = std::move(queues);
    std::vector<VhostUser::Vring> vrings;
    for (const ActiveQueue& active : queues_)
        vrings.push_back({.index = active.index,
                          .setup = active.queue.setup(),
                          .kick = active.kick->get(),
                          .call = calls_.at(active.index).get()});
    running_ = true;
    try {
        backend_.start(features, memory_, vrings);
    } catch (const Error& error) {
        stop();
        if (backend_.trouble().empty())
            return notifier.needs_reset(error.what());
        say_trouble();
    }
    worker_ = std::make_unique<Worker>(options_.name, notifier, [&](Poller& poller) {
        running_ ? watch_backend(poller, notifier) : take_over(poller, notifier);
    });
}

void FileSystem::watch_backend(Poller& poller, Notifier& notifier)
{
    for (const EventFd& call : calls_)
        poller.add(call.get(), EPOLLIN, [&call, &notifier](std::uint32_t) {
            (void)call.drain();
            notifier.used_buffers();
        });
    poller.add(backend_.socket(), EPOLLIN | EPOLLRDHUP, [this, &poller, &notifier](std::uint32_t) {
        poller.remove(backend_.socket());
        if (backend_.is_alive())
            return;
        say_trouble();
        for (ActiveQueue& active : queues_)
            active.queue.resume();
        take_over(poller, notifier);
    });
}

// The kick that the back-end has taken may be the last one.
void FileSystem::take_over(Poller& poller, Notifier& notifier)
{
    for (ActiveQueue& active : queues_) {
        poller.add(active.kick->get(), EPOLLIN, [this, &poller, &active, &notifier](std::uint32_t) {
            refuse(poller, active, notifier);
        });
        active.kick->signal();
    }
}

void FileSystem::refuse(Poller& poller, ActiveQueue& queue, Notifier& notifier)
{
    const bool works = serve(queue, chain_, notifier, [](const Chain& chain) -> std::uint32_t {
        FuseIn request{};
        if (!chain.readable.read(0, bytes_of(request)))
            return 0;
        const FuseOut answer{.len = sizeof answer, .error = -ENOTCONN, .unique = request.unique};
        return chain.writable.write(0, bytes_of(answer)) ? sizeof answer : 0;
    });
    if (!works)
        poller.remove(queue.kick->get());
}

void FileSystem::say_trouble()
{
    if (!std::exchange(said_trouble_, true))
        log(LogLevel::Error, "%s: %s; the guest's folder fails from now on", options_.name.c_str(),
            backend_.trouble().c_str());
}

// The worker comes first: it looks at the back-end's socket, too.
void FileSystem::stop() noexcept
{
    worker_.reset();
    if (!std::exchange(running_, false))
        return;
    try {
        backend_.stop();
    } catch (const Error&) {
        say_trouble();
    }
}

}  // namespace gh::virtio
