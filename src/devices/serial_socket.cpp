// SPDX-License-Identifier: BSD-3-Clause
#include "base/error.h"
#include "devices/serial_port.h"

#include <cstring>

#include <sys/epoll.h>
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

Fd make_socket()
{
    Fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd)
        throw_errno("socket");
    return fd;
}

// A socket file that nobody listens at is what a killed process leaves behind.
void remove_stale(const std::string& path, const sockaddr_un& address)
{
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    const Fd caller = make_socket();
    if (::connect(caller.get(), generic(address), sizeof(address)) != 0 && errno == ECONNREFUSED)
        (void)::unlink(path.c_str());
}

Fd listen_at(const std::string& path)
{
    const sockaddr_un address = address_of(path);
    remove_stale(path, address);
    Fd fd = make_socket();
    if (::bind(fd.get(), generic(address), sizeof(address)) != 0)
        throw_errno("bind the socket " + path);
    if (::listen(fd.get(), 4) != 0)
        throw_errno("listen at " + path);
    return fd;
}

class SocketBackend final : public SerialBackend {
public:
    SocketBackend(Poller& poller, const std::string& path)
        : poller_(poller), path_(path), listener_(listen_at(path)), link_(poller, hooks())
    {
        poller_.add(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
        link_.connect({});
    }
    ~SocketBackend() override
    {
        poller_.remove(listener_.get());
        (void)::unlink(path_.c_str());
    }

    SerialLink& link() noexcept override { return link_; }

private:
    SerialLink::Hooks hooks()
    {
        return {.typed = nullptr, .closed = [this](SerialLink&, SerialLink::End) { hang_up(); }};
    }

    // Further callers wait in the backlog until this one has gone.
    void accept()
    {
        client_ = Fd{::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (!client_)
            return;
        poller_.watch(listener_.get(), 0);
        link_.connect({.input = client_.get(), .output = client_.get(), .lossy = false});
    }

    void hang_up()
    {
        link_.connect({});
        client_ = Fd{};
        poller_.watch(listener_.get(), EPOLLIN);
    }

    Poller& poller_;
    std::string path_;
    Fd listener_;
    Fd client_;
    SerialLink link_;
};

}  // namespace

std::unique_ptr<SerialBackend> make_socket_backend(Poller& poller, const std::string& path)
{
    return std::make_unique<SocketBackend>(poller, path);
}

}  // namespace gh
