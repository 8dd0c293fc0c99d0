// SPDX-License-Identifier: BSD-3-Clause
#include "base/listener.h"
#include "base/unix_socket.h"
#include "devices/serial_port.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gh {
namespace {

class SocketBackend final : public SerialBackend {
public:
    SocketBackend(Poller& poller, const std::string& path)
        : poller_(poller),
          path_(path),
          listener_(listen_unix(path, SOCK_STREAM)),
          link_(poller, hooks())
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
    std::string path() const override { return path_; }

private:
    SerialLink::Hooks hooks()
    {
        return {.typed = nullptr, .closed = [this](SerialLink&, SerialLink::End) { hang_up(); }};
    }

    // Further callers wait in the backlog until this one has gone.
    void accept()
    {
        client_ = listener_.accept();
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
    Listener listener_;
    Fd client_;
    SerialLink link_;
};

}  // namespace

std::unique_ptr<SerialBackend> make_socket_backend(Poller& poller, const std::string& path)
{
    return std::make_unique<SocketBackend>(poller, path);
}

}  // namespace gh
