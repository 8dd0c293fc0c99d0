// SPDX-License-Identifier: BSD-3-Clause
#include "control/client.h"

#include "base/error.h"
#include "base/text.h"
#include "base/unix_socket.h"
#include "control/place.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gh::control {
namespace {

// A VM that is being built or taken down answers late.
constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kPause{5};
constexpr std::size_t kLongestLine = 1 << 20;

/// In /tmp others may have made a folder of ours before us. Root asks anybody's VM.
bool is_trusted(std::optional<uid_t> user)
{
    return user == ::geteuid() || user == 0u || ::geteuid() == 0;
}

Fd call(const std::string& name)
{
    if (name.empty())
        throw Error("which VM? Its name is empty; gh-vmm list shows those that run");
    const std::string path = find_socket(name);
    Fd fd = connect_unix(path, SOCK_STREAM);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!fd && errno == EAGAIN && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(kPause);  // more callers than it has let in
        fd = connect_unix(path, SOCK_STREAM);
    }
    if (!fd && (errno == ENOENT || errno == ECONNREFUSED))
        throw Error("no VM " + name + " is running (nobody listens at " + path +
                    "); gh-vmm list shows those that are");
    if (!fd)
        throw_errno("connect to " + path);
    if (!is_trusted(peer_user(fd)))
        throw Error(path +
                    " is another user's, who is not to be believed; remove it or set "
                    "XDG_RUNTIME_DIR");
    return fd;
}

}  // namespace

Client::Client(const std::string& name) : name_(name), fd_(call(name)) {}

bool Client::is_served_by_vm(const Fd& socket) const noexcept
{
    const auto process = peer_process(socket);
    return process && process == peer_process(fd_);
}

// A request is shorter than any socket's buffer.
std::string Client::ask(const Request& request)
{
    const std::string line = to_json(request) + "\n";
    if (::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(line.size()))
        throw_errno("send to the VM " + name_);
    const auto reply = next_line(kPatience);
    if (!reply)
        throw Error("the VM " + name_ + " ended before it answered");
    return result_of(*reply);
}

std::optional<std::string> Client::next_line(std::optional<std::chrono::milliseconds> patience)
{
    for (;;) {
        if (const auto end = input_.find('\n'); end != std::string::npos) {
            std::string line = input_.substr(0, end);
            input_.erase(0, end + 1);
            make_printable(line);
            return line;
        }
        if (input_.size() > kLongestLine)
            throw Error("the VM " + name_ + " talks without end");
        pollfd readable{.fd = fd_.get(), .events = POLLIN, .revents = 0};
        const int timeout = patience ? static_cast<int>(patience->count()) : -1;
        if (::poll(&readable, 1, timeout) == 0)
            throw Error("the VM " + name_ + " does not answer");
        std::array<char, 4096> bytes{};
        const ssize_t count = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
        if (count > 0)
            input_.append(bytes.data(), static_cast<std::size_t>(count));
        else if (count == 0 || (errno != EAGAIN && errno != EINTR))
            return std::nullopt;
    }
}

}  // namespace gh::control
