// SPDX-License-Identifier: BSD-3-Clause
#include "devices/serial_port.h"

#include <fcntl.h>

namespace gh {
namespace {

class FileBackend final : public SerialBackend {
public:
    FileBackend(Poller& poller, Fd file) : file_(std::move(file)), link_(poller, {})
    {
        link_.connect({.input = -1, .output = file_ ? file_.get() : -1, .lossy = !file_});
    }

    SerialLink& link() noexcept override { return link_; }

private:
    Fd file_;
    SerialLink link_;
};

}  // namespace

std::unique_ptr<SerialBackend> make_file_backend(Poller& poller, const std::string& path)
{
    return std::make_unique<FileBackend>(
        poller, open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK));
}

std::unique_ptr<SerialBackend> make_null_backend(Poller& poller)
{
    return std::make_unique<FileBackend>(poller, Fd{});
}

}  // namespace gh
