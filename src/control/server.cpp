// SPDX-License-Identifier: BSD-3-Clause
#include "control/server.h"

#include "base/unix_socket.h"

#include <algorithm>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gh::control {
namespace {

constexpr std::size_t kMostConnections = 64;

bool is_allowed(const Fd& client)
{
    const auto user = peer_user(client);
    return user == ::geteuid() || user == 0u;
}

}  // namespace

// Whoever holds the claim may take away what lies at the path: nobody alive listens there.
Server::Server(Poller& poller, Target& target, const std::string& path, Kind kind)
    : poller_(poller),
      target_(target),
      path_(path),
      kind_(kind),
      claim_(path),
      listener_(listen_unix(path, kind == Kind::Packets ? SOCK_SEQPACKET : SOCK_STREAM, 0600))
{
    poller_.add(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
}

Server::~Server()
{
    for (const auto& [fd, connection] : connections_)
        poller_.remove(fd);
    poller_.remove(listener_.get());
    (void)::unlink(path_.c_str());
}

void Server::accept()
{
    Fd client = listener_.accept();
    if (!client)
        return;
    Connection connection(std::move(client), kind_ == Kind::Packets, accepted_++);
    if (!is_allowed(connection.fd()))
        return connection.dismiss(refused("this VM is another user's", false));
    make_room();
    if (connections_.size() >= kMostConnections)
        return connection.dismiss(refused("too many connections", false));
    const int fd = connection.fd().get();
    connections_.emplace(fd, std::move(connection));
    poller_.add(fd, EPOLLIN, [this, fd](std::uint32_t events) { ready(fd, events); });
}

// Who has been there longest and does not watch events has least to lose: a request takes no time.
void Server::make_room()
{
    if (connections_.size() < kMostConnections)
        return;
    const auto rank = [](const auto& entry) {
        return std::pair(entry.second.streams(), entry.second.age());
    };
    const auto oldest = std::min_element(
        connections_.begin(), connections_.end(),
        [&](const auto& one, const auto& other) { return rank(one) < rank(other); });
    if (oldest->second.streams())
        return;
    poller_.remove(oldest->first);
    connections_.erase(oldest);
}

void Server::ready(int fd, std::uint32_t events)
{
    Connection& connection = connections_.at(fd);
    serving_ = true;
    connection.flush();
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0 && !connection.waits_to_write())
        connection.receive();
    while (const auto message = connection.next_message())
        answer(connection, *message);
    serving_ = false;
    sweep();
}

void Server::answer(Connection& connection, const std::string& message)
{
    const auto parsed = parse_request(message);
    if (const auto* const nonsense = std::get_if<Nonsense>(&parsed))
        return connection.send(refused(nonsense->why, nonsense->crosvm || kind_ == Kind::Packets));
    const auto& request = std::get<Request>(parsed);
    if (request.command == Command::Status)
        return connection.send(done(target_.status()));
    if (request.command == Command::Events) {
        connection.stream_events();
        return connection.send(done(target_.status()));
    }
    const std::string why_not = target_.obey(request);
    connection.send(why_not.empty() ? done(request) : refused(why_not, request.crosvm));
}

void Server::publish(const std::string& line)
{
    for (auto& [fd, connection] : connections_)
        if (connection.streams())
            connection.send(line);
    if (!serving_)
        sweep();
}

// While an answer waits, nothing more is read: the client's own socket buffer fills.
void Server::sweep()
{
    for (auto entry = connections_.begin(); entry != connections_.end();) {
        const auto& [fd, connection] = *entry;
        if (!connection.over()) {
            poller_.watch(fd, connection.waits_to_write() ? EPOLLOUT : EPOLLIN);
            ++entry;
            continue;
        }
        poller_.remove(fd);
        entry = connections_.erase(entry);
    }
}

}  // namespace gh::control
