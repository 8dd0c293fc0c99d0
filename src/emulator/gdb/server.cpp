// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/server.h"

#include "base/error.h"
#include "base/log.h"
#include "base/unix_socket.h"
#include "emulator/gdb/packet.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gh::gdb {
namespace {

sockaddr* generic(sockaddr_in& address)
{
    return static_cast<sockaddr*>(static_cast<void*>(&address));
}

/// Listens at a port of 127.0.0.1, and says which it is.
Fd listen_tcp(unsigned& port)
{
    Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd)
        throw_errno("socket");
    const int on = 1;
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    socklen_t size = sizeof address;
    if (::bind(fd.get(), generic(address), sizeof address) != 0 || ::listen(fd.get(), 1) != 0 ||
        ::getsockname(fd.get(), generic(address), &size) != 0)
        throw_errno("--gdb: listen at port " + std::to_string(port));
    port = ntohs(address.sin_port);
    return fd;
}

/// Whether `fd` is ready for `events`; false once `stop` is asked for.
bool wait_for(int fd, short events, const EventFd& stop)
{
    std::array<pollfd, 2> all{pollfd{.fd = fd, .events = events, .revents = 0},
                              pollfd{.fd = stop.get(), .events = POLLIN, .revents = 0}};
    while (::poll(all.data(), all.size(), -1) < 0 && errno == EINTR) {
    }
    return all[1].revents == 0;
}

/// The connection, with acknowledgements as long as they are wanted.
class Wire {
public:
    Wire(const Fd& client, const EventFd& stop) : client_(client), stop_(stop) {}

    /// Takes what has come; false: the other side is gone.
    bool fill()
    {
        std::array<char, 4096> bytes{};
        const ssize_t count = ::recv(client_.get(), bytes.data(), bytes.size(), 0);
        if (count > 0)
            reader_.add(std::span(bytes).first(static_cast<std::size_t>(count)));
        return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
    }
    std::optional<Incoming> next() { return reader_.next(); }

    bool reply(std::string_view body)
    {
        last_ = frame(body);
        return send(last_);
    }
    bool repeat() { return send(last_); }
    bool send(std::string_view text)
    {
        while (!text.empty()) {
            const ssize_t count = ::send(client_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (count > 0)
                text.remove_prefix(static_cast<std::size_t>(count));
            else if ((errno != EAGAIN && errno != EINTR) ||
                     !wait_for(client_.get(), POLLOUT, stop_))
                return false;
        }
        return true;
    }

private:
    const Fd& client_;
    const EventFd& stop_;
    PacketReader reader_;
    std::string last_;
};

/// Tells the machine when the VM stands and when it goes, each once.
class Standstill {
public:
    explicit Standstill(const MachineHooks& hooks) : hooks_(hooks) {}
    ~Standstill() { is(false); }
    Standstill(const Standstill&) = delete;
    Standstill& operator=(const Standstill&) = delete;

    void is(bool stands)
    {
        if (std::exchange(stands_, stands) != stands && hooks_.stands)
            hooks_.stands(stands);
    }

private:
    const MachineHooks& hooks_;
    bool stands_ = false;
};

/// Answers one thing that came; false: the other side is gone.
bool answer(Wire& wire, Session& session, const Incoming& incoming)
{
    switch (incoming.kind) {
    case Incoming::Kind::Interrupt: session.interrupt(); return true;
    case Incoming::Kind::Resend: return wire.repeat();
    case Incoming::Kind::Damaged: return session.without_acks() || wire.send("-");
    case Incoming::Kind::Packet: break;
    }
    if (!session.without_acks() && !wire.send("+"))
        return false;
    const auto reply = session.answer(incoming.body);
    return !reply || wire.reply(*reply);
}

}  // namespace

Server::Server(const std::string& where, std::shared_ptr<hyp::Debugger> debugger,
               MachineHooks hooks)
    : debugger_(std::move(debugger)), hooks_(std::move(hooks)), listener_(listen(where))
{
    thread_ = std::jthread([this] {
        (void)::pthread_setname_np(::pthread_self(), "gdb");
        serve();
    });
}

Server::~Server()
{
    stop_.signal();
    thread_.join();
    if (!path_.empty())
        (void)::unlink(path_.c_str());
}

/// Says where, in address_ and path_, too.
Fd Server::listen(const std::string& where)
{
    unsigned port = 0;
    const char* const end = where.data() + where.size();
    const auto [rest, error] = std::from_chars(where.data(), end, port);
    if (where.empty() || (rest == end && (error != std::errc{} || port > 0xffff)))
        throw Error("--gdb: expected a port up to 65535 or the path of a socket, got \"" + where +
                    "\"");
    if (rest == end) {
        Fd listener = listen_tcp(port);
        address_ = "127.0.0.1:" + std::to_string(port);
        return listener;
    }
    Fd listener = listen_unix(where, SOCK_STREAM, 0600);
    address_ = path_ = where;
    return listener;
}

/// Callers wait in the backlog until there is a VM to talk about.
void Server::serve()
{
    for (;;) {
        while (debugger_->vcpus() == 0) {
            if (!wait_for(debugger_->event().get(), POLLIN, stop_))
                return;
            debugger_->event().drain();
        }
        if (!wait_for(listener_.get(), POLLIN, stop_))
            return;
        const Fd client = listener_.accept();
        if (client)
            talk(client);
    }
}

void Server::talk(const Fd& client)
{
    const int on = 1;
    (void)::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    log(LogLevel::Info, "a debugger is there");
    Standstill standstill(hooks_);
    Session session(*debugger_, hooks_);
    Wire wire(client, stop_);
    std::array<pollfd, 3> events{
        pollfd{.fd = client.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = debugger_->event().get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0}};
    while (!session.over()) {
        standstill.is(debugger_->stopped().has_value());
        if (::poll(events.data(), events.size(), -1) < 0 && errno != EINTR)
            return;
        if (events[2].revents != 0)
            return;
        debugger_->event().drain();
        if (events[0].revents != 0 && !wire.fill())
            return;
        while (const auto incoming = wire.next()) {
            if (!answer(wire, session, *incoming))
                return;
            if (session.over())
                return;
        }
        const auto reply = session.stop_reply();
        if (reply && !wire.reply(*reply))
            return;
    }
}

}  // namespace gh::gdb
