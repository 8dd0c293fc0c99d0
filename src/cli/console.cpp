// SPDX-License-Identifier: BSD-3-Clause
#include "base/error.h"
#include "base/unix_socket.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "control/client.h"
#include "devices/escape.h"
#include "devices/terminal.h"

#include <array>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gh::cli {
namespace {

constexpr std::string_view kHelp =
    "\r\n"
    "Ctrl-A x       leave the console; the VM goes on\r\n"
    "Ctrl-A Ctrl-A  send Ctrl-A\r\n"
    "Ctrl-A ?       this help\r\n";

struct ConsoleOptions {
    std::string name;
    std::string line = "0";
};

/// By its number among all, or by its name in the guest.
std::size_t find_line(const control::Status& vm, const std::string& wanted)
{
    std::string names;
    for (std::size_t i = 0; i < vm.consoles.size(); ++i) {
        if (wanted == vm.consoles[i].name || wanted == std::to_string(i))
            return i;
        names += (i == 0 ? " " : ", ") + vm.consoles[i].name;
    }
    throw Error("the VM " + vm.name + " has no line " + wanted + "; it has" +
                (names.empty() ? " none" : names));
}

/// Where the configuration has it: serial lines come first.
std::string key_of(const control::Status& vm, std::size_t line)
{
    std::size_t serials = 0;
    while (serials < vm.consoles.size() &&
           vm.consoles[serials].name == "ttyS" + std::to_string(serials))
        ++serials;
    return line < serials ? "serial." + std::to_string(line)
                          : "console." + std::to_string(line - serials);
}

// What a VM that was taken over names must not be any file or service of the person's, who types
// into it: a pseudoterminal it can make, and a socket it must serve itself.
Fd open_pty(const std::string& path)
{
    constexpr std::string_view kFolder = "/dev/pts/";
    const bool is_pty = path.starts_with(kFolder) && path.size() > kFolder.size() &&
                        path.find_first_not_of("0123456789", kFolder.size()) == std::string::npos;
    if (!is_pty)
        throw Error(path + ": the VM calls it a pseudoterminal, which it is not; do not trust it");
    return open_file(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
}

Fd call_socket(const control::Client& client, const std::string& path)
{
    Fd fd = connect_unix(path, SOCK_STREAM);
    if (!fd)
        throw_errno("connect to " + path);
    if (!client.is_served_by_vm(fd))
        throw Error(path + ": another process than the VM's listens there; do not trust it");
    return fd;
}

Fd open_line(const ConsoleOptions& options)
{
    control::Client client(options.name);
    const auto vm = control::status_from_json(client.ask({.command = control::Command::Status}));
    const std::size_t index = find_line(vm, options.line);
    const auto& line = vm.consoles[index];
    if (line.path.empty())
        throw Error(line.name + " of " + vm.name + " is of type " + line.type +
                    " and has nothing to attach to; run the VM with --set " + key_of(vm, index) +
                    "=pty");
    return line.type == "pty" ? open_pty(line.path) : call_socket(client, line.path);
}

/// Carries bytes both ways until the line ends or the person leaves.
class Attachment {
public:
    explicit Attachment(Fd line) : line_(std::move(line))
    {
        if (::isatty(STDIN_FILENO) == 1)
            terminal_.emplace(STDIN_FILENO);
    }

    void run()
    {
        std::array<pollfd, 2> events{pollfd{.fd = line_.get(), .events = POLLIN, .revents = 0},
                                     pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}};
        while (!over_) {
            if (::poll(events.data(), events.size(), -1) < 0 && errno != EINTR)
                throw_errno("poll");
            if (events[0].revents != 0)
                from_guest();
            if (events[1].revents != 0 && !from_person())
                events[1].fd = -1;  // input has ended, output goes on
        }
    }

private:
    // A terminal whose other end has closed answers EIO.
    void from_guest()
    {
        std::array<char, 4096> bytes{};
        const ssize_t count = ::read(line_.get(), bytes.data(), bytes.size());
        if (count > 0)
            write_output(std::string_view(bytes.data(), static_cast<std::size_t>(count)));
        else if (count == 0 || (errno != EAGAIN && errno != EINTR))
            over_ = true;
    }

    bool from_person()
    {
        std::array<std::uint8_t, 256> bytes{};
        const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (count <= 0)
            return count < 0 && errno == EINTR;
        const auto typed = std::span(bytes).first(static_cast<std::size_t>(count));
        if (!terminal_) {
            send(typed);
            return true;
        }
        const auto result = escape_.filter(typed);
        send(result.bytes);
        if (result.help)
            write_output(kHelp);
        over_ = over_ || result.end;
        return true;
    }

    void send(std::span<const std::uint8_t> bytes)
    {
        while (!bytes.empty() && !over_) {
            const ssize_t count = ::write(line_.get(), bytes.data(), bytes.size());
            if (count > 0)
                bytes = bytes.subspan(static_cast<std::size_t>(count));
            else if (errno == EAGAIN)
                wait_for_room();
            else if (errno != EINTR)
                over_ = true;
        }
    }

    // A guest that does not read need not keep the person from reading it.
    void wait_for_room()
    {
        pollfd event{.fd = line_.get(), .events = POLLIN | POLLOUT, .revents = 0};
        (void)::poll(&event, 1, -1);
        if ((event.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
            from_guest();
    }

    Fd line_;
    std::optional<RawTerminal> terminal_;
    EscapeFilter escape_;
    bool over_ = false;
};

int attach(const ConsoleOptions& options)
{
    (void)::signal(SIGPIPE, SIG_IGN);  // a line that ends is no reason to die
    Attachment(open_line(options)).run();
    return kExitOk;
}

}  // namespace

Action declare_console(CLI::App& app)
{
    const auto options = std::make_shared<ConsoleOptions>();  // shared by app and action
    app.add_option("NAME", options->name, "The VM's name, or the path of its control socket")
        ->required();
    app.add_option("--line", options->line,
                   "Which line: its name in the guest (ttyS0, hvc0) or its number, from 0")
        ->type_name("LINE");
    return [options] { return attach(*options); };
}

}  // namespace gh::cli
