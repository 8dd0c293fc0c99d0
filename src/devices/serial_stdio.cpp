// SPDX-License-Identifier: BSD-3-Clause
#include "devices/escape.h"
#include "devices/serial_port.h"
#include "devices/terminal.h"

#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh {
namespace {

bool is_open(int fd)
{
    return ::fcntl(fd, F_GETFL) >= 0;
}

// O_NONBLOCK belongs to the open file, which the shell and others share: set on theirs it would
// outlive us. So pipes and terminals are opened again; anything else is written to as it is.
Fd own_output()
{
    struct stat status {};
    if (::fstat(STDOUT_FILENO, &status) != 0 ||
        (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode)))
        return {};
    return Fd{::open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
}

class StdioBackend final : public SerialBackend {
public:
    StdioBackend(Poller& poller, std::function<void()> end)
        : end_(std::move(end)),
          is_terminal_(::isatty(STDIN_FILENO) == 1),
          output_(own_output()),
          link_(poller, hooks())
    {
        if (is_terminal_)
            terminal_.emplace(STDIN_FILENO);
        const int output = output_ ? output_.get() : STDOUT_FILENO;
        link_.connect({.input = is_open(STDIN_FILENO) ? STDIN_FILENO : -1,
                       .output = is_open(output) ? output : -1,
                       .lossy = false});
    }

    SerialLink& link() noexcept override { return link_; }

private:
    SerialLink::Hooks hooks()
    {
        if (!is_terminal_)
            return {};
        return {.typed = [this](SerialLink&, auto bytes) { typed(bytes); }, .closed = nullptr};
    }

    void typed(std::span<const std::uint8_t> bytes)
    {
        const auto result = escape_.filter(bytes);
        link_.to_guest(result.bytes);
        if (result.send_break)
            link_.break_to_guest();
        if (result.help)
            (void)!::write(STDERR_FILENO, kEscapeHelp.data(), kEscapeHelp.size());
        if (result.end)
            end_();
    }

    std::function<void()> end_;
    bool is_terminal_;
    std::optional<RawTerminal> terminal_;
    EscapeFilter escape_;
    Fd output_;
    SerialLink link_;
};

}  // namespace

std::unique_ptr<SerialBackend> make_stdio_backend(Poller& poller, std::function<void()> end)
{
    return std::make_unique<StdioBackend>(poller, std::move(end));
}

}  // namespace gh
