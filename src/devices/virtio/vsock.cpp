// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/vsock.h"

#include "base/error.h"
#include "base/log.h"
#include "base/unix_socket.h"
#include "devices/virtio/layout.h"

#include <algorithm>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

// The guest waits where it makes us refuse more than it takes answers for.
constexpr std::size_t kMaxRefusals = 64;
// As firecracker: above what people choose.
constexpr std::uint32_t kFirstHostPort = 1u << 30;

std::string path_of(const std::string& path, std::uint32_t port)
{
    return path + "_" + std::to_string(port);
}

/// The path of every port must fit in a socket's address.
Vsock::Options checked(Vsock::Options options)
{
    const std::size_t longest = path_of(options.path, ~std::uint32_t{0}).size();
    constexpr std::size_t kRoom = sizeof(sockaddr_un::sun_path) - 1;
    if (longest > kRoom)
        throw Error("vsock " + options.path + ": the path is longer than " +
                    std::to_string(kRoom - (longest - options.path.size())) +
                    " bytes; use a shorter one");
    return options;
}

/// Empty if nobody listens there, or the host has no socket left.
Fd call(const std::string& path)
{
    try {
        return connect_unix(path, SOCK_STREAM);
    } catch (const Error& error) {
        GH_LOG_ONCE(LogLevel::Warn, "vsock: %s; the guest's connection is refused", error.what());
        return Fd{};
    }
}

bool is_op(const VsockHeader& header, VsockOp op)
{
    return header.op == static_cast<std::uint16_t>(op);
}

}  // namespace

Vsock::Vsock(Options options)
    : options_(checked(std::move(options))),
      listener_(listen_unix(options_.path, SOCK_STREAM)),
      next_port_(kFirstHostPort)
{
}

Vsock::~Vsock()
{
    stop();
    (void)::unlink(options_.path.c_str());
}

void Vsock::read_config(std::uint64_t offset, std::span<std::byte> to) noexcept
{
    read_layout(options_.cid, offset, to);
}

void Vsock::start(std::uint64_t /*features*/, std::vector<ActiveQueue> queues, Notifier& notifier)
{
    notifier_ = &notifier;
    for (const ActiveQueue& queue : queues) {
        if (queue.index == 0)
            to_guest_ = std::make_unique<ActiveQueue>(queue);
        if (queue.index == 1)
            from_guest_ = std::make_unique<ActiveQueue>(queue);
    }
    if (!to_guest_ || !from_guest_)
        return;
    worker_ = std::make_unique<Worker>(name(), notifier, [this](Poller& poller) {
        poller_ = &poller;
        poller.add(from_guest_->kick->get(), EPOLLIN, [this](std::uint32_t) {
            serve_guest();
            tell_guest();
        });
        poller.add(to_guest_->kick->get(), EPOLLIN, [this](std::uint32_t) {
            (void)to_guest_->kick->drain();
            tell_guest();
        });
        callers_ = std::make_unique<VsockCallers>(
            listener_, poller, [this] { return has_room_for_caller(); },
            [this](Fd socket, std::uint32_t port) { connect_caller(std::move(socket), port); });
    });
}

// Whoever was connected finds his socket closed.
void Vsock::stop() noexcept
{
    worker_.reset();
    poller_ = nullptr;
    connections_.clear();
    callers_.reset();
    ready_.clear();
    refusals_.clear();
    guest_waits_ = false;
    has_room_ = false;
    to_guest_.reset();
    from_guest_.reset();
}

// --- from the guest

void Vsock::serve_guest()
{
    (void)from_guest_->kick->drain();
    Queue& queue = from_guest_->queue;
    queue.suppress_kicks();
    for (unsigned served = 0; served < queue.size(); ++served) {
        guest_waits_ = refusals_.size() >= kMaxRefusals;
        if (guest_waits_)
            return;  // tell_guest() brings us back
        switch (queue.pop(chain_)) {
        case Queue::Popped::Broken: return notifier_->needs_reset(queue.trouble());
        case Queue::Popped::Empty:
            if (!queue.expect_kicks())
                return;
            queue.suppress_kicks();
            break;
        case Queue::Popped::Chain:
            hear(chain_);
            queue.push(chain_.head, 0);
            if (queue.wants_interrupt())
                notifier_->used_buffers();
            break;
        }
    }
    from_guest_->kick->signal();
}

/// 5.10.6.4: what does not come from the guest's own CID is dropped; what is no stream to the host
/// is refused.
void Vsock::hear(const Chain& chain)
{
    VsockHeader header{};
    if (!chain.readable.read(0, bytes_of(header)) || header.src_cid != options_.cid)
        return;
    if (header.dst_cid != kHostCid || header.type != kVsockStream)
        return refuse(header);
    const VsockPorts ports{.host = header.dst_port, .guest = header.src_port};
    const auto found = connections_.find(ports);
    if (found == connections_.end())
        return is_op(header, VsockOp::Request) ? answer_request(header) : refuse(header);
    if (is_op(header, VsockOp::Rst))
        return forget(ports);
    if (header.len > chain.readable.size() - sizeof header)
        found->second.connection->reset();
    else
        found->second.connection->hear(header, chain.readable);
    update(ports);
}

void Vsock::answer_request(const VsockHeader& header)
{
    if (is_full())
        return refuse(header);
    Fd socket = call(path_of(options_.path, header.dst_port));
    if (!socket)
        return refuse(header);
    add(std::make_unique<VsockConnection>(
        VsockPorts{.host = header.dst_port, .guest = header.src_port}, std::move(socket),
        VsockConnection::Origin::Guest, header));
}

void Vsock::refuse(const VsockHeader& header)
{
    if (is_op(header, VsockOp::Rst))
        return;
    VsockHeader answer{};
    answer.src_cid = header.dst_cid;
    answer.dst_cid = options_.cid;
    answer.src_port = header.dst_port;
    answer.dst_port = header.src_port;
    answer.type = header.type;
    answer.op = static_cast<std::uint16_t>(VsockOp::Rst);
    refusals_.push_back(answer);
}

// --- to the guest

bool Vsock::has_news() const noexcept
{
    return !refusals_.empty() || !ready_.empty();
}

/// A buffer that holds a header and data; false: there is none now.
bool Vsock::take_room()
{
    Queue& queue = to_guest_->queue;
    while (!has_room_) {
        const auto popped = queue.pop(room_);
        if (popped == Queue::Popped::Chain && room_.writable.size() <= sizeof(VsockHeader)) {
            notifier_->needs_reset("a buffer for packets has no room behind their header");
            return false;
        }
        has_room_ = popped == Queue::Popped::Chain;
        if (popped == Queue::Popped::Broken)
            notifier_->needs_reset(queue.trouble());
        if (popped == Queue::Popped::Broken ||
            (popped == Queue::Popped::Empty && !queue.expect_kicks()))
            return false;
    }
    return true;
}

// Connections have their turns one packet each.
void Vsock::tell_guest()
{
    for (unsigned told = 0; told < to_guest_->queue.size(); ++told) {
        if (!has_news() || !take_room())
            return;
        if (!refusals_.empty()) {
            const VsockHeader header = refusals_.front();
            refusals_.pop_front();
            give(header);
            if (guest_waits_)
                from_guest_->kick->signal();
            continue;
        }
        const VsockPorts ports = ready_.front();
        ready_.pop_front();
        Entry& entry = connections_.at(ports);
        entry.waits = false;
        VsockHeader header{};
        header.src_cid = kHostCid;
        header.dst_cid = options_.cid;
        header.src_port = ports.host;
        header.dst_port = ports.guest;
        header.type = kVsockStream;
        if (entry.connection->next(header, room_.writable))
            give(header);
        update(ports);
    }
    to_guest_->kick->signal();
}

/// Its data are there already.
void Vsock::give(const VsockHeader& header)
{
    GH_CHECK(room_.writable.write(0, bytes_of(header)));
    has_room_ = false;
    Queue& queue = to_guest_->queue;
    queue.push(room_.head, static_cast<std::uint32_t>(sizeof header + header.len));
    if (queue.wants_interrupt())
        notifier_->used_buffers();
}

// --- from the host

bool Vsock::has_room_for_caller() const
{
    if (!is_full())
        return true;
    GH_LOG_ONCE(LogLevel::Warn, "vsock: more than %zu connections; callers are refused",
                kMaxConnections);
    return false;
}

void Vsock::connect_caller(Fd socket, std::uint32_t port)
{
    VsockPorts ports{.host = 0, .guest = port};
    do {
        ports.host = next_port_;
        next_port_ = std::max(next_port_ + 1, kFirstHostPort);
    } while (connections_.contains(ports));
    add(std::make_unique<VsockConnection>(ports, std::move(socket), VsockConnection::Origin::Host));
    tell_guest();
}

// --- connections

void Vsock::add(std::unique_ptr<VsockConnection> connection)
{
    const VsockPorts ports = connection->ports();
    const int fd = connection->socket();
    connections_[ports].connection = std::move(connection);
    poller_->add(fd, 0, [this, ports](std::uint32_t events) {
        connections_.at(ports).connection->socket_ready(events);
        update(ports);
        tell_guest();
    });
    update(ports);
}

/// After anything that may have changed what it waits for.
void Vsock::update(VsockPorts ports)
{
    Entry& entry = connections_.at(ports);
    if (entry.connection->is_over())
        return forget(ports);
    poller_->watch(entry.connection->socket(), entry.connection->interest());
    if (entry.connection->owes() && !entry.waits) {
        entry.waits = true;
        ready_.push_back(ports);
    }
}

void Vsock::forget(VsockPorts ports)
{
    poller_->remove(connections_.at(ports).connection->socket());
    std::erase(ready_, ports);
    connections_.erase(ports);
}

}  // namespace gh::virtio
