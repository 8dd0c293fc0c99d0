// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/passt.h"

#include "base/child.h"
#include "base/error.h"
#include "base/log.h"
#include "base/pretence.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

/// How passt's first process ended: 0 once its second has the socket and is ready.
struct Started {
    int error = 0;  // of starting it at all
    int status = 0;
    std::string said;
};

std::vector<std::string> arguments_of(std::uint16_t mtu, const std::vector<PortForward>& forwards)
{
    std::vector<std::string> arguments{
        "passt", "-q", "-F", std::to_string(Child::kSocket), "-m", std::to_string(mtu)};
    for (const PortForward& forward : forwards) {
        arguments.emplace_back(forward.udp ? "-u" : "-t");
        arguments.push_back(forward.address + "/" + std::to_string(forward.host) + ":" +
                            std::to_string(forward.guest));
    }
    return arguments;
}

Started start(int socket, const std::vector<std::string>& arguments,
              const Pretence* pretence = nullptr)
{
    try {
        auto ended = run_child({.arguments = arguments, .socket = socket, .prepare = [pretence] {
                                    return pretence == nullptr || pretence->begin();
                                }});
        return {.error = 0, .status = ended.status, .said = std::move(ended.said)};
    } catch (const ChildError& error) {
        return {.error = error.code(), .status = 0, .said = {}};
    }
}

Started start_without_namespaces(int socket, const std::vector<std::string>& arguments)
{
    const Pretence pretence{SYS_unshare, SYS_mount, SYS_umount2, SYS_pivot_root};
    return start(socket, arguments, &pretence);
}

/// Starts it, without namespaces where there are none to be had.
Started start_somehow(const std::string& name, int socket,
                      const std::vector<std::string>& arguments)
{
    Started started = start(socket, arguments);
    if (started.status == 0 || started.said.find("namespace") == std::string::npos)
        return started;
    log(LogLevel::Info, "%s: no namespaces can be made here; passt runs without its own",
        name.c_str());
    return start_without_namespaces(socket, arguments);
}

/// A passt whose VM has just ended, to be restarted now, may hold its ports for a moment.
Started start_once_ports_are_free(const std::string& name, int socket,
                                  const std::vector<std::string>& arguments)
{
    constexpr int kTries = 20;
    Started started = start_somehow(name, socket, arguments);
    for (int i = 0; i < kTries && started.said.find("ailed to bind") != std::string::npos; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        started = start_somehow(name, socket, arguments);
    }
    return started;
}

/// passt drops what its socket does not take, and a stream to the guest then waits until TCP
/// notices: with the kernel's default, it has a tenth of its rate.
void enlarge(const std::string& name, int socket)
{
    constexpr int kBytes = 4 << 20;
    int granted = 0;  // twice what was asked for, the kernel's own needs included; socket(7)
    socklen_t size = sizeof granted;
    if (::setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &kBytes, sizeof kBytes) != 0)
        (void)::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kBytes, sizeof kBytes);
    if (::getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &granted, &size) == 0 && granted < 2 * kBytes)
        log(LogLevel::Info,
            "%s: net.core.wmem_max allows %d bytes between passt and the guest; with %d large "
            "transfers "
            "to the guest are faster",
            name.c_str(), granted / 2, kBytes);
}

/// Without what it says about the system log that is not there, and about being root.
std::string essence(const std::string& said)
{
    std::string text;
    for (std::size_t at = 0; at < said.size();) {
        const std::size_t end = std::min(said.find('\n', at), said.size());
        const std::string line = said.substr(at, end - at);
        if (!line.empty() && line.find("to syslog") == std::string::npos &&
            line.find("Don't run as root") == std::string::npos)
            text += (text.empty() ? "" : "; ") + line;
        at = end + 1;
    }
    return text;
}

}  // namespace

Fd start_passt(const std::string& name, std::uint16_t mtu, const std::vector<PortForward>& forwards)
{
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
        throw_errno("socketpair");
    Fd ours{pair[0]};
    const Fd theirs{pair[1]};
    for (const int end : pair)
        enlarge(name, end);
    const Started started =
        start_once_ports_are_free(name, theirs.get(), arguments_of(mtu, forwards));
    if (started.error == ENOENT)
        throw Error(name +
                    ": user-mode networking needs passt, which is not installed; "
                    "on Debian: apt install passt; or use a tap");
    if (started.error != 0)
        throw_errno(name + ": start passt", started.error);
    if (started.status != 0)
        throw Error(name + ": passt ended: " + essence(started.said));
    if (const auto said = essence(started.said); !said.empty())
        log(LogLevel::Info, "%s: passt: %s", name.c_str(), said.c_str());
    return ours;
}

}  // namespace gh::virtio
