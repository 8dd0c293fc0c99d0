// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/vsock_callers.h"

#include "base/error.h"
#include "base/log.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

constexpr std::size_t kMaxLine = 32;

/// The port of "CONNECT PORT"; nothing if it is something else.
std::optional<std::uint32_t> wanted_port(std::string_view line)
{
    constexpr std::string_view kConnect = "CONNECT ";
    if (!line.starts_with(kConnect))
        return std::nullopt;
    line.remove_prefix(kConnect.size());
    std::uint32_t port = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), port);
    if (error != std::errc{} || end != line.data() + line.size())
        return std::nullopt;
    return port;
}

}  // namespace

VsockCallers::VsockCallers(Listener& listener, Poller& poller, std::function<bool()> has_room,
                           std::function<void(Fd socket, std::uint32_t port)> connect)
    : listener_(listener),
      poller_(poller),
      has_room_(std::move(has_room)),
      connect_(std::move(connect))
{
    poller_.add(listener_.get(), EPOLLIN, [this](std::uint32_t) { take(); });
}

void VsockCallers::take()
{
    constexpr int kAtOnce = 16;
    for (int i = 0; i < kAtOnce; ++i) {
        Fd socket = listener_.accept();
        if (!socket && errno != EAGAIN)
            GH_LOG_ONCE(LogLevel::Warn, "vsock: accept: %s; a caller is refused",
                        errno_text(errno).c_str());
        if (!socket)
            return;
        if (!has_room_())
            continue;
        const int fd = socket.get();
        callers_.emplace(fd, Caller{std::move(socket), {}});
        poller_.add(fd, EPOLLIN, [this, fd](std::uint32_t) { ready(fd); });
    }
}

void VsockCallers::ready(int fd)
{
    Caller& caller = callers_.at(fd);
    if (!hear(caller))
        return forget(fd);
    if (!caller.line.ends_with('\n'))
        return;
    caller.line.pop_back();
    const auto port = wanted_port(caller.line);
    if (!port)
        return forget(fd);
    poller_.remove(fd);
    Fd socket = std::move(caller.socket);
    callers_.erase(fd);
    connect_(std::move(socket), *port);
}

/// Reads no byte beyond the line: what follows is the guest's. False: he is gone, or talks on.
bool VsockCallers::hear(Caller& caller)
{
    while (caller.line.size() < kMaxLine && !caller.line.ends_with('\n')) {
        char letter = 0;
        const ssize_t count = ::read(caller.socket.get(), &letter, 1);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR;
        if (count == 0)
            return false;
        caller.line.push_back(letter);
    }
    return caller.line.ends_with('\n');
}

void VsockCallers::forget(int fd)
{
    poller_.remove(fd);
    callers_.erase(fd);
}

}  // namespace gh::virtio
