// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/passt.h"

#include "base/error.h"
#include "base/log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <thread>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

constexpr int kSocketOfChild = 3;

/// How passt's first process ended: 0 once its second has the socket and is ready.
struct Started {
    int error = 0;  // of starting it at all
    int status = 0;
    std::string said;
};

std::vector<std::string> arguments_of(std::uint16_t mtu, const std::vector<PortForward>& forwards)
{
    std::vector<std::string> arguments{
        "passt", "-q", "-F", std::to_string(kSocketOfChild), "-m", std::to_string(mtu)};
    for (const PortForward& forward : forwards) {
        arguments.emplace_back(forward.udp ? "-u" : "-t");
        arguments.push_back(forward.address + "/" + std::to_string(forward.host) + ":" +
                            std::to_string(forward.guest));
    }
    return arguments;
}

/// posix_spawn(3)'s two objects, with what the child does before it is passt.
class Preparation {
public:
    Preparation(int socket, int messages)
    {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDWR, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, STDIN_FILENO, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, messages, STDERR_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, socket, kSocketOfChild);
        ::posix_spawnattr_init(&attributes_);
        sigset_t none;
        ::sigemptyset(&none);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
    }
    ~Preparation()
    {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    Preparation(const Preparation&) = delete;
    Preparation& operator=(const Preparation&) = delete;

    [[nodiscard]] int spawn(pid_t& pid, std::vector<std::string>& arguments) const
    {
        std::vector<char*> words(arguments.size() + 1);  // the last stays nullptr
        std::transform(arguments.begin(), arguments.end(), words.begin(),
                       [](std::string& argument) { return argument.data(); });
        return ::posix_spawnp(&pid, words[0], &actions_, &attributes_, words.data(), environ);
    }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

std::string read_all(int fd)
{
    std::string text;
    std::array<char, 4096> bytes{};
    for (ssize_t size = 0; (size = ::read(fd, bytes.data(), bytes.size())) != 0;) {
        if (size < 0 && errno != EINTR)
            break;
        if (size > 0)
            text.append(bytes.data(), static_cast<std::size_t>(size));
    }
    return text;
}

Started start(int socket, std::vector<std::string> arguments)
{
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
        throw_errno("pipe2");
    const Fd messages{pipe[0]};
    Started started;
    pid_t pid = 0;
    {
        const Fd write_end{pipe[1]};
        started.error = Preparation(socket, write_end.get()).spawn(pid, arguments);
    }
    if (started.error != 0)
        return started;
    started.said = read_all(messages.get());
    while (::waitpid(pid, &started.status, 0) < 0)
        if (errno != EINTR)
            throw_errno("waitpid");
    return started;
}

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

/// From now on those calls of this thread and its children do nothing, and say that all went well.
/// That takes rights from them and gives them none.
bool pretend_namespaces()
{
    constexpr auto load = [](std::uint32_t offset) {
        return sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offset};
    };
    constexpr auto match = [](std::uint32_t value, std::uint8_t otherwise, std::uint8_t skip) {
        return sock_filter{BPF_JMP | BPF_JEQ | BPF_K, skip, otherwise, value};
    };
    std::array filter{
        load(offsetof(seccomp_data, arch)),
        match(kArchitecture, 5, 0),
        load(offsetof(seccomp_data, nr)),
        match(SYS_unshare, 0, 4),
        match(SYS_mount, 0, 3),
        match(SYS_umount2, 0, 2),
        match(SYS_pivot_root, 0, 1),
        sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
        sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO},
    };
    sock_fprog program{.len = filter.size(), .filter = filter.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// In a thread of its own, as the filter stays with whom it was given to.
Started start_without_namespaces(int socket, const std::vector<std::string>& arguments)
{
    Started started;
    std::thread([&] {
        try {
            if (pretend_namespaces())
                started = start(socket, arguments);
            else
                started.error = errno;
        } catch (const Error& error) {
            started = {.error = 0, .status = -1, .said = error.what()};
        }
    }).join();
    return started;
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
