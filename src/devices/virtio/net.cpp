// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/net.h"

#include "base/error.h"
#include "base/log.h"
#include "devices/virtio/layout.h"
#include "devices/virtio/net_receiver.h"
#include "devices/virtio/net_sender.h"

#include <algorithm>
#include <cstring>

#include <sys/epoll.h>

namespace gh::virtio {
namespace {

constexpr unsigned kReceiveQueue = 0;
constexpr unsigned kTransmitQueue = 1;
constexpr std::uint16_t kLinkUp = 1;  // of Configuration::status

/// 5.1.4: the configuration space.
struct Configuration {
    MacAddress mac{};
    std::uint16_t status = 0;
    std::uint16_t max_virtqueue_pairs = 0;
    std::uint16_t mtu = 0;
};
static_assert(sizeof(Configuration) == 12);

}  // namespace

struct Net::Activation {
    Activation(Net& owner, Notifier& told) : net(owner), notifier(told) {}

    void begin(std::uint64_t features, const std::vector<ActiveQueue>& queues);
    void prepare(Poller& to);
    void serve_backend(std::uint32_t events);
    void receive();
    void send();
    void watch();
    void look_at_backend();
    void finish(const char* trouble);
    void stop(const char* trouble);

    Net& net;
    Notifier& notifier;
    std::optional<NetReceiver> receiver;
    std::optional<NetSender> sender;
    Poller* poller = nullptr;
    std::unique_ptr<Worker> worker;
};

Net::Net(Options options, std::shared_ptr<NetBackend> backend)
    : options_(std::move(options)),
      backend_(std::move(backend)),
      link_up_(backend_->trouble().empty())
{
}

Net::~Net()
{
    stop();
}

std::uint64_t Net::features() const noexcept
{
    return feature_flag(kNetMac) | feature_flag(kNetStatus) | feature_flag(kNetMergeBuffers) |
           (options_.mtu != 0 ? feature_flag(kNetMtu) : 0) | backend_->offloads();
}

std::vector<std::uint16_t> Net::queue_sizes() const
{
    return {kQueueSize, kQueueSize};
}

void Net::read_config(std::uint64_t offset, std::span<std::byte> to) noexcept
{
    const Configuration config{.mac = options_.mac,
                               .status = link_up_ ? kLinkUp : std::uint16_t{0},
                               .max_virtqueue_pairs = 1,
                               .mtu = options_.mtu};
    read_layout(config, offset, to);
}

void Net::start(std::uint64_t features, std::vector<ActiveQueue> queues, Notifier& notifier)
{
    backend_->agree(features);
    active_ = std::make_unique<Activation>(*this, notifier);
    active_->begin(features, queues);
}

void Net::stop() noexcept
{
    active_.reset();
}

// --- in the worker's thread, but for begin() and prepare(), which come before it

void Net::Activation::begin(std::uint64_t features, const std::vector<ActiveQueue>& queues)
{
    for (const ActiveQueue& queue : queues) {
        if (queue.index == kReceiveQueue)
            receiver.emplace(queue, *net.backend_, has_feature(features, kNetMergeBuffers));
        if (queue.index == kTransmitQueue)
            sender.emplace(queue, *net.backend_, features);
    }
    worker =
        std::make_unique<Worker>(net.options_.name, notifier, [this](Poller& to) { prepare(to); });
}

void Net::Activation::prepare(Poller& to)
{
    poller = &to;
    if (receiver)
        to.add(receiver->kick().get(), EPOLLIN, [this](std::uint32_t) { receive(); });
    if (sender)
        to.add(sender->kick().get(), EPOLLIN, [this](std::uint32_t) { send(); });
    to.add(net.backend_->fd(), 0, [this](std::uint32_t events) { serve_backend(events); });
    watch();
}

// A hang-up comes whatever is waited for; who waits finds it.
void Net::Activation::serve_backend(std::uint32_t events)
{
    const bool writable = (events & ~std::uint32_t{EPOLLIN}) != 0;
    const bool readable = (events & ~std::uint32_t{EPOLLOUT}) != 0;
    if (writable && sender && sender->waits_for_host())
        send();
    else if (readable && receiver && !receiver->waits_for_buffers())
        receive();
}

void Net::Activation::receive()
{
    const char* const trouble = receiver->run();
    if (receiver->wants_interrupt())
        notifier.used_buffers();
    finish(trouble);
}

void Net::Activation::send()
{
    const char* const trouble = sender->run();
    if (sender->wants_interrupt())
        notifier.used_buffers();
    finish(trouble);
}

void Net::Activation::finish(const char* trouble)
{
    if (trouble != nullptr)
        return stop(trouble);
    look_at_backend();
    watch();
}

// Nothing wakes us any more, for nothing of the queues counts.
void Net::Activation::stop(const char* trouble)
{
    poller->watch(net.backend_->fd(), 0);
    if (receiver)
        poller->watch(receiver->kick().get(), 0);
    if (sender)
        poller->watch(sender->kick().get(), 0);
    notifier.needs_reset(trouble);
}

// Frames that nobody takes wait in the host, and the host need not say that they do.
void Net::Activation::watch()
{
    std::uint32_t events = 0;
    if (net.link_up_) {
        if (receiver && !receiver->waits_for_buffers())
            events |= EPOLLIN;
        if (sender && sender->waits_for_host())
            events |= EPOLLOUT;
    }
    poller->watch(net.backend_->fd(), events);
}

void Net::Activation::look_at_backend()
{
    if (net.backend_->trouble().empty() || !net.link_up_.exchange(false))
        return;
    log(LogLevel::Error, "%s: %s; the guest's link is down", net.name(),
        net.backend_->trouble().c_str());
    notifier.config_changed();
}

}  // namespace gh::virtio
