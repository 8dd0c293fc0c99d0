// SPDX-License-Identifier: BSD-3-Clause
#include "control/service_manager.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace gh::control {
namespace {

std::string environment(const char* name)
{
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? "" : value;
}

std::optional<long> number(const std::string& text)
{
    long value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && rest == end ? std::optional(value) : std::nullopt;
}

// "@" stands for the zero byte of an abstract name.
struct Address {
    explicit Address(const std::string& name)
        : size(static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()))
    {
        bytes.sun_family = AF_UNIX;
        std::memcpy(&bytes.sun_path[0], name.data(), name.size());
        if (name.front() == '@')
            bytes.sun_path[0] = '\0';
    }
    [[nodiscard]] const sockaddr* generic() const
    {
        return static_cast<const sockaddr*>(static_cast<const void*>(&bytes));
    }
    sockaddr_un bytes{};
    socklen_t size;
};

}  // namespace

// Who is confined later may send to an abstract name only if it was connected to before.
ServiceManager::ServiceManager() : address_(environment("NOTIFY_SOCKET"))
{
    const bool usable = (address_.starts_with("/") || address_.starts_with("@")) &&
                        address_.size() < sizeof(sockaddr_un::sun_path);
    if (!usable)
        return;
    socket_ = Fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const Address address(address_);
    (void)::connect(socket_.get(), address.generic(), address.size);
}

void ServiceManager::tell(const std::string& lines) const noexcept
{
    if (!socket_)
        return;
    const Address address(address_);
    (void)::sendto(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL, address.generic(),
                   address.size);
}

std::optional<std::chrono::milliseconds> ServiceManager::watchdog_period() const
{
    const auto microseconds = number(environment("WATCHDOG_USEC"));
    const std::string pid = environment("WATCHDOG_PID");
    if (!socket_ || !microseconds || *microseconds <= 0 ||
        (!pid.empty() && number(pid) != ::getpid()))
        return std::nullopt;
    return std::chrono::milliseconds(std::max(*microseconds / 2000, 1L));
}

}  // namespace gh::control
