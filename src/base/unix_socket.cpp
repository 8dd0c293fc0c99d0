// SPDX-License-Identifier: BSD-3-Clause
#include "base/unix_socket.h"

#include "base/error.h"

#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace gh {
namespace {

sockaddr_un address_of(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path))
        throw Error("socket " + path + ": the path is longer than " +
                    std::to_string(sizeof(address.sun_path) - 1) + " bytes; use a shorter one");
    std::memcpy(&address.sun_path[0], path.c_str(), path.size());
    return address;
}

const sockaddr* generic(const sockaddr_un& address)
{
    return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

Fd make_socket(int type)
{
    Fd fd{::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd)
        throw_errno("socket");
    return fd;
}

std::optional<ucred> peer_of(const Fd& socket) noexcept
{
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return std::nullopt;
    return peer;
}

void remove_stale(const std::string& path, int type)
{
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    if (!connect_unix(path, type) && errno == ECONNREFUSED)
        (void)::unlink(path.c_str());
}

}  // namespace

Fd listen_unix(const std::string& path, int type, unsigned mode)
{
    constexpr int kBacklog = 16;
    const sockaddr_un address = address_of(path);
    remove_stale(path, type);
    Fd fd = make_socket(type);
    // bind() makes the file with the mode that the socket has, so there is no moment of a wider
    // one.
    if (::fchmod(fd.get(), mode) != 0)
        throw_errno("fchmod the socket " + path);
    if (::bind(fd.get(), generic(address), sizeof(address)) != 0)
        throw_errno("bind the socket " + path);
    if (::listen(fd.get(), kBacklog) != 0)
        throw_errno("listen at " + path);
    return fd;
}

std::optional<uid_t> peer_user(const Fd& socket) noexcept
{
    const auto peer = peer_of(socket);
    return peer ? std::optional(peer->uid) : std::nullopt;
}

std::optional<pid_t> peer_process(const Fd& socket) noexcept
{
    const auto peer = peer_of(socket);
    return peer ? std::optional(peer->pid) : std::nullopt;
}

Fd connect_unix(const std::string& path, int type)
{
    const sockaddr_un address = address_of(path);
    Fd fd = make_socket(type);
    if (::connect(fd.get(), generic(address), sizeof(address)) != 0) {
        const int error = errno;
        fd = Fd{};
        errno = error;
    }
    return fd;
}

}  // namespace gh
