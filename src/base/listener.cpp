// SPDX-License-Identifier: BSD-3-Clause
#include "base/listener.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>

namespace gh {

Listener::Listener(Fd socket) : socket_(std::move(socket)), spare_(open_file("/dev/null", O_RDONLY))
{
}

Fd Listener::accept() noexcept
{
    Fd caller{::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (caller || (errno != EMFILE && errno != ENFILE))
        return caller;
    const int error = errno;
    spare_ = Fd{};
    {
        const Fd refused{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    }
    spare_ = Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    errno = error;
    return {};
}

}  // namespace gh
