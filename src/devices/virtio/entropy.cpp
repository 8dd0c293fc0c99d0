// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/entropy.h"

#include "base/error.h"
#include "base/log.h"

#include <algorithm>

#include <sys/epoll.h>
#include <sys/random.h>

namespace gh::virtio {
namespace {

/// How many bytes came; fewer where the host has no more.
std::uint64_t fill(std::byte* to, std::uint64_t size)
{
    std::uint64_t done = 0;
    while (done < size) {
        const ssize_t count = ::getrandom(to + done, size - done, 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            GH_LOG_ONCE(LogLevel::Error, "rng: getrandom: %s; the guest gets less",
                        errno_text(errno).c_str());
            break;
        }
        done += static_cast<std::uint64_t>(count);
    }
    return done;
}

std::uint32_t answer(const Chain& chain)
{
    std::uint64_t written = 0;
    for (const iovec& piece : chain.writable.pieces()) {
        const std::uint64_t wanted =
            std::min<std::uint64_t>(piece.iov_len, Entropy::kMaxBytes - written);
        const std::uint64_t got = fill(static_cast<std::byte*>(piece.iov_base), wanted);
        written += got;
        if (got < piece.iov_len)
            break;
    }
    return static_cast<std::uint32_t>(written);
}

}  // namespace

Entropy::~Entropy()
{
    stop();
}

void Entropy::start(std::uint64_t /*features*/, std::vector<ActiveQueue> queues, Notifier& notifier)
{
    if (queues.empty())
        return;
    requests_ = queues.front();
    worker_ = std::make_unique<Worker>(name(), notifier, [&](Poller& poller) {
        poller.add(requests_->kick->get(), EPOLLIN, [this, &notifier](std::uint32_t) {
            (void)serve(*requests_, chain_, notifier, answer);
        });
    });
}

void Entropy::stop() noexcept
{
    worker_.reset();
}

}  // namespace gh::virtio
