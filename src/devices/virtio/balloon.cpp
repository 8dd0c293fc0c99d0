// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/balloon.h"

#include "base/error.h"
#include "base/log.h"
#include "devices/virtio/layout.h"
#include "memory/release.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include <sys/epoll.h>

namespace gh::virtio {
namespace {

// virtio 1.2, 5.5.3: feature bits
constexpr unsigned kDeflateOnOom = 2;
constexpr unsigned kPageReporting = 5;

// 5.5.2
constexpr unsigned kInflateQueue = 0;
constexpr unsigned kReportingQueue = 2;

/// 5.5.4: the configuration space.
struct Configuration {
    std::uint32_t num_pages = 0;
    std::uint32_t actual = 0;
};
static_assert(sizeof(Configuration) == 8);

// Of one request; what is beyond stays where it is, which harms nobody. Linux names 256.
constexpr std::size_t kMaxPages = 1024;

std::uint32_t pages_of(std::uint64_t bytes)
{
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::min(bytes / Balloon::kPage, kMost));
}

}  // namespace

Balloon::Balloon(const DmaMemory& memory, std::uint64_t target)
    : memory_(memory), target_(pages_of(target))
{
}

Balloon::~Balloon()
{
    stop();
}

void Balloon::set_target(std::uint64_t bytes)
{
    target_ = pages_of(bytes);
    listener_.with([](Notifier* notifier) {
        if (notifier != nullptr)
            notifier->config_changed();
    });
}

std::uint64_t Balloon::features() const noexcept
{
    return feature_flag(kDeflateOnOom) | feature_flag(kPageReporting);
}

void Balloon::read_config(std::uint64_t offset, std::span<std::byte> to) noexcept
{
    read_layout(Configuration{.num_pages = target_, .actual = actual_}, offset, to);
}

void Balloon::write_config(std::uint64_t offset, std::span<const std::byte> from) noexcept
{
    std::uint32_t value = 0;
    if (offset != offsetof(Configuration, actual) || from.size() != sizeof value)
        return;
    std::memcpy(&value, from.data(), sizeof value);
    actual_ = value;
}

void Balloon::start(std::uint64_t /*features*/, std::vector<ActiveQueue> queues, Notifier& notifier)
{
    notifier_ = &notifier;
    queues_ = std::move(queues);
    worker_ = std::make_unique<Worker>(name(), notifier, [this](Poller& poller) {
        for (ActiveQueue& queue : queues_)
            poller.add(queue.kick->get(), EPOLLIN,
                       [this, &queue](std::uint32_t) { serve_queue(queue); });
    });
    listener_.with([&](Notifier*& listener) { listener = &notifier; });
}

void Balloon::stop() noexcept
{
    listener_.with([](Notifier*& listener) { listener = nullptr; });
    worker_.reset();
    queues_.clear();
    actual_ = 0;
}

// Nothing is to be done for pages that come out: they come into being as the guest touches them.
void Balloon::serve_queue(ActiveQueue& queue)
{
    (void)serve(queue, chain_, *notifier_, [&](const Chain& chain) {
        if (queue.index == kInflateQueue)
            inflate(chain);
        else if (queue.index == kReportingQueue)
            report(chain);
        return 0u;
    });
}

/// Sorted, since the host takes neighbours together at the price of one.
void Balloon::inflate(const Chain& chain)
{
    std::array<std::uint32_t, kMaxPages> numbers{};
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(chain.readable.size() / sizeof(std::uint32_t), kMaxPages));
    const auto pages = std::span(numbers).first(count);
    GH_CHECK(chain.readable.read(0, std::as_writable_bytes(pages)));
    std::sort(pages.begin(), pages.end());
    for (std::size_t first = 0; first < count;) {
        std::size_t last = first;
        while (last + 1 < count && pages[last + 1] - pages[last] <= 1)
            ++last;
        const std::uint64_t size = (std::uint64_t{pages[last]} - pages[first] + 1) * kPage;
        if (const auto bytes = memory_.writable(Gpa{pages[first] * kPage}, size))
            release(*bytes);
        first = last + 1;
    }
}

void Balloon::report(const Chain& chain)
{
    for (const iovec& piece : chain.writable.pieces())
        release({static_cast<std::byte*>(piece.iov_base), piece.iov_len});
}

void Balloon::release(std::span<std::byte> pages)
{
    if (!release_pages(pages))
        GH_LOG_ONCE(LogLevel::Warn, "balloon: the host does not take memory back: %s",
                    errno_text(errno).c_str());
}

}  // namespace gh::virtio
