// SPDX-License-Identifier: BSD-3-Clause
#include "control/connection.h"

#include "control/protocol.h"

#include <array>
#include <cerrno>

#include <sys/socket.h>

namespace gh::control {
namespace {

constexpr std::size_t kMostUnread = 64 << 10;

bool is_transient(int error)
{
    return error == EAGAIN || error == EINTR;
}

}  // namespace

void Connection::receive()
{
    if (packets_)
        return receive_packet();
    std::array<char, kLongestRequest> bytes{};
    const ssize_t count = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (count > 0)
        input_.append(bytes.data(), static_cast<std::size_t>(count));
    else if (count == 0 || !is_transient(errno))
        over_ = true;
}

// A packet too long for us comes in part, and is no request then.
void Connection::receive_packet()
{
    std::array<char, kLongestRequest> bytes{};
    const ssize_t count = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (count > 0)
        input_.assign(bytes.data(), static_cast<std::size_t>(count));
    else if (count == 0 || !is_transient(errno))
        over_ = true;
}

std::optional<std::string> Connection::next_message()
{
    if (over_ || waits_to_write() || input_.empty())
        return std::nullopt;
    const auto end = input_.find('\n');
    bare_ = packets_ || (end == std::string::npos && is_crosvm_message(input_));
    if (bare_)
        return std::exchange(input_, {});
    if (end != std::string::npos) {
        std::string line = input_.substr(0, end);
        input_.erase(0, end + 1);
        return line;
    }
    if (input_.size() >= kLongestRequest)
        dismiss(refused("a request has at most " + std::to_string(kLongestRequest - 1) + " bytes",
                        false));
    return std::nullopt;
}

void Connection::send(const std::string& message)
{
    const bool would_merge = packets_ && waits_to_write();
    if (would_merge || output_.size() + message.size() > kMostUnread) {
        over_ = true;
        return;
    }
    output_ += bare_ ? message : message + "\n";
    flush();
}

void Connection::dismiss(const std::string& message)
{
    send(message);
    over_ = true;
}

void Connection::flush()
{
    while (!over_ && !output_.empty()) {
        const ssize_t count = ::send(fd_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
        if (count > 0)
            output_.erase(0, static_cast<std::size_t>(count));
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR)
            over_ = true;
    }
}

}  // namespace gh::control
