// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/console.h"

#include "base/error.h"
#include "devices/virtio/layout.h"

#include <algorithm>

#include <sys/epoll.h>

namespace gh::virtio {
namespace {

// virtio 1.2, 5.3.3: feature bits
constexpr unsigned kSize = 0;
constexpr unsigned kMultiport = 1;

/// 5.3.4: the configuration space.
struct Configuration {
    std::uint16_t columns = 0;
    std::uint16_t rows = 0;
    std::uint32_t max_ports = 0;
    std::uint32_t emergency_write = 0;
};
static_assert(sizeof(Configuration) == 12);

// 5.3.6.2: events of control messages; those that the device sends are bits of what it owes, and
// go in the order of theirs.
constexpr std::uint16_t kDeviceReady = 0;
constexpr std::uint16_t kDeviceAdd = 1;
constexpr std::uint16_t kPortReady = 3;
constexpr std::uint16_t kConsolePort = 4;
constexpr std::uint16_t kResize = 5;
constexpr std::uint16_t kPortOpen = 6;
constexpr std::uint16_t kPortName = 7;

// 5.3.2: queues 2 and 3 are for control; those of port N > 0 follow in pairs.
constexpr unsigned kControlInput = 2;
constexpr unsigned kControlOutput = 3;

unsigned input_queue(unsigned port)
{
    return port == 0 ? 0 : 2 + 2 * port;
}

unsigned port_of(unsigned queue)
{
    return queue < kControlInput ? 0 : queue / 2 - 1;
}

constexpr std::uint32_t owing(std::uint16_t event)
{
    return std::uint32_t{1} << event;
}

template <class T>
void append(std::vector<std::byte>& to, const T& value)
{
    const auto bytes = bytes_of(value);
    to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

Console::Console(std::vector<ConsolePort::Options> ports)
{
    GH_CHECK(!ports.empty());
    for (auto& port : ports)
        ports_.push_back(std::make_unique<ConsolePort>(std::move(port), wake_));
    owed_.resize(ports_.size());
}

Console::~Console()
{
    stop();
}

bool Console::is_multiport() const noexcept
{
    return ports_.size() > 1 || !ports_.front()->is_console();
}

std::uint64_t Console::features() const noexcept
{
    return feature_flag(kSize) | (is_multiport() ? feature_flag(kMultiport) : 0);
}

std::vector<std::uint16_t> Console::queue_sizes() const
{
    std::vector<std::uint16_t> sizes;
    sizes.assign(is_multiport() ? 2 * (ports_.size() + 1) : 2, kQueueSize);
    return sizes;
}

void Console::read_config(std::uint64_t offset, std::span<std::byte> to) noexcept
{
    const TerminalSize size = size_;
    read_layout(Configuration{.columns = size.columns,
                              .rows = size.rows,
                              .max_ports = static_cast<std::uint32_t>(ports_.size()),
                              .emergency_write = 0},
                offset, to);
}

void Console::resize(TerminalSize size) noexcept
{
    size_ = size;
    resized_ = true;
    wake_.signal();
}

void Console::drain() const noexcept
{
    for (const auto& port : ports_)
        port->drain();
}

// --- between start() and stop()

void Console::start(std::uint64_t features, std::vector<ActiveQueue> queues, Notifier& notifier)
{
    notifier_ = &notifier;
    queues_ = std::move(queues);
    const bool multiport = has_feature(features, kMultiport);
    if (!multiport)
        std::erase_if(queues_,
                      [](const ActiveQueue& queue) { return queue.index >= kControlInput; });
    for (unsigned port = 0; port < (multiport ? ports_.size() : 1); ++port)
        connect(port, queues_, notifier);
    for (ActiveQueue& queue : queues_) {
        if (multiport && queue.index == kControlInput)
            to_driver_ = &queue;
        if (multiport && queue.index == kControlOutput)
            from_driver_ = &queue;
    }
    // Without control messages the driver is ready, and its port open, from the start.
    if (!multiport)
        ports_.front()->set_open(true);
    worker_ =
        std::make_unique<Worker>(name(), notifier, [this](Poller& poller) { prepare(poller); });
}

void Console::connect(unsigned port, const std::vector<ActiveQueue>& queues, Notifier& notifier)
{
    const auto find = [&](unsigned index) -> std::optional<ActiveQueue> {
        for (const ActiveQueue& queue : queues)
            if (queue.index == index)
                return queue;
        return std::nullopt;
    };
    const unsigned input = input_queue(port);
    ports_[port]->start(find(input), find(input + 1), notifier);
}

void Console::stop() noexcept
{
    worker_.reset();
    for (const auto& port : ports_)
        port->stop();
    to_driver_ = nullptr;
    from_driver_ = nullptr;
    queues_.clear();
    std::fill(owed_.begin(), owed_.end(), 0);
}

void Console::prepare(Poller& poller)
{
    for (const ActiveQueue& queue : queues_)
        if (&queue != to_driver_ && &queue != from_driver_)
            poller.add(queue.kick->get(), EPOLLIN,
                       [&port = *ports_[port_of(queue.index)]](std::uint32_t) { port.serve(); });
    if (to_driver_ != nullptr)
        poller.add(to_driver_->kick->get(), EPOLLIN, [this](std::uint32_t) {
            (void)to_driver_->kick->drain();
            pay();
        });
    if (from_driver_ != nullptr)
        poller.add(from_driver_->kick->get(), EPOLLIN, [this](std::uint32_t) {
            (void)serve(*from_driver_, chain_, *notifier_, [this](const Chain& chain) {
                Control control{};
                if (chain.readable.read(0, bytes_of(control)))
                    hear(control);
                return 0u;
            });
            pay();
        });
    poller.add(wake_.get(), EPOLLIN, [this](std::uint32_t) { wake_up(); });
}

void Console::wake_up()
{
    (void)wake_.drain();
    if (resized_.exchange(false)) {
        notifier_->config_changed();
        for (unsigned port = 0; port < ports_.size(); ++port)
            if (ports_[port]->is_terminal())
                owe(port, owing(kResize));
        pay();
    }
    for (const auto& port : ports_)
        port->serve();
}

// --- control messages

void Console::hear(const Control& control)
{
    if (control.event == kDeviceReady && control.value == 1) {
        for (unsigned port = 0; port < ports_.size(); ++port)
            owe(port, owing(kDeviceAdd));
        return;
    }
    if (control.id >= ports_.size())
        return;
    ConsolePort& port = *ports_[control.id];
    if (control.event == kPortReady && control.value == 1)
        owe(control.id, owing(kPortOpen) |
                            (port.is_console() ? owing(kConsolePort) : owing(kPortName)) |
                            (port.is_terminal() ? owing(kResize) : 0));
    if (control.event == kPortOpen)
        port.set_open(control.value == 1);
}

/// What is owed twice is sent once, so that no driver makes us remember more and more.
void Console::owe(unsigned port, std::uint32_t messages)
{
    owed_[port] |= messages;
}

void Console::pay()
{
    if (to_driver_ == nullptr)
        return;
    for (unsigned port = 0; port < owed_.size(); ++port)
        while (owed_[port] != 0) {
            const std::uint32_t first = owed_[port] & (~owed_[port] + 1);
            if (!tell(port, first))
                return;
            owed_[port] &= ~first;
        }
}

/// False: the driver has no room for it now.
bool Console::tell(unsigned port, std::uint32_t message)
{
    Queue& queue = to_driver_->queue;
    for (;;) {
        const auto popped = queue.pop(chain_);
        if (popped == Queue::Popped::Broken) {
            notifier_->needs_reset(queue.trouble());
            return false;
        }
        if (popped == Queue::Popped::Chain)
            break;
        if (!queue.expect_kicks())
            return false;
    }
    // A buffer that is too short for it takes nothing.
    const auto bytes = message_of(port, message);
    const bool fits = chain_.writable.write(0, bytes);
    queue.push(chain_.head, fits ? static_cast<std::uint32_t>(bytes.size()) : 0);
    if (queue.wants_interrupt())
        notifier_->used_buffers();
    return true;
}

std::vector<std::byte> Console::message_of(unsigned port, std::uint32_t message) const
{
    std::vector<std::byte> bytes;
    const auto begin = [&](std::uint16_t event) {
        append(bytes, Control{.id = port, .event = event, .value = 1});
    };
    switch (message) {
    case owing(kDeviceAdd): begin(kDeviceAdd); break;
    case owing(kConsolePort): begin(kConsolePort); break;
    case owing(kPortOpen): begin(kPortOpen); break;
    case owing(kResize): {
        begin(kResize);
        append(bytes, size_.load());
        break;
    }
    case owing(kPortName):
        begin(kPortName);
        for (const char c : ports_[port]->name())
            bytes.push_back(static_cast<std::byte>(c));
        break;
    default: GH_CHECK(false);
    }
    return bytes;
}

}  // namespace gh::virtio
