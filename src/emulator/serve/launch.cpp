// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/launch.h"

#include "base/error.h"
#include "base/fd.h"
#include "emulator/serve/filter.h"
#include "emulator/serve/server.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gh::serve {
namespace {

struct Pair {
    Fd ours, theirs;
};

Pair make_pair()
{
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0)
        throw_errno("socketpair");
    return {Fd{fds[0]}, Fd{fds[1]}};
}

/// What the child says before its exec: the number of its listener and, only if exec failed, why.
struct Word {
    int listener = -1;
    int error = 0;
};

/// Between fork and exec: system calls alone.
[[noreturn]] void become(char* const* arguments, std::span<sock_filter> filter, int channel,
                         const sigset_t& mask) noexcept
{
    Word word;
    // Without us its calls would fail with ENOSYS.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    word.listener = install_filter(filter);
    if (word.listener < 0)
        word.error = -word.listener;
    (void)!::write(channel, &word, sizeof word);
    char taken = 0;  // the listener is, by whom serves us: from here on exec itself can be answered
    if (word.listener >= 0 && ::read(channel, &taken, 1) == 1) {
        ::close(word.listener);
        (void)::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
        ::execvp(arguments[0], arguments);
        word.error = errno;
    }
    (void)!::write(channel, &word, sizeof word);
    ::_exit(127);
}

[[noreturn]] void refuse(int error)
{
    const std::string what = "the device cannot be served: ";
    if (error == EBUSY)
        throw Error(what +
                    "another program serves this process's system calls already (seccomp "
                    "user notification); run gh-vmm emulate outside of it");
    if (error == EINVAL || error == ENOSYS)
        throw Error(what +
                    "this kernel lacks seccomp user notification (Linux 5.14 with "
                    "CONFIG_SECCOMP_FILTER is needed)");
    throw Error(what + "the kernel refuses a seccomp filter: " + errno_text(error));
}

class Child {
public:
    Child(const std::vector<std::string>& command, std::span<sock_filter> filter,
          const sigset_t& mask);

    /// The child's listener; throws if it has none.
    [[nodiscard]] Fd listener() const;
    /// Lets it go on to its program.
    void proceed() const;
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// Why exec failed, once the channel has closed; 0: it did not.
    [[nodiscard]] int exec_error() const;
    /// Waits for its end: as a shell says it.
    [[nodiscard]] int wait() const;

private:
    Pair channel_ = make_pair();
    pid_t pid_ = -1;
};

Child::Child(const std::vector<std::string>& command, std::span<sock_filter> filter,
             const sigset_t& mask)
{
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& argument : command)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ < 0)
        throw_errno("fork");
    if (pid_ == 0)
        become(arguments.data(), filter, channel_.theirs.get(), mask);
    channel_.theirs = Fd{};
}

Fd Child::listener() const
{
    Word word;
    if (::read(channel_.ours.get(), &word, sizeof word) != sizeof word)
        throw Error("the command's process ended before it began");
    if (word.error != 0)
        refuse(word.error);
    const Fd process{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
    Fd listener{static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), word.listener, 0))};
    if (!listener)
        throw_errno("pidfd_getfd of the seccomp listener");
    return listener;
}

void Child::proceed() const
{
    (void)!::write(channel_.ours.get(), "", 1);
}

int Child::exec_error() const
{
    Word word;
    const bool told = ::recv(channel_.ours.get(), &word, sizeof word, MSG_DONTWAIT) == sizeof word;
    return told ? word.error : 0;
}

int Child::wait() const
{
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void log_to(const std::string& path)
{
    const Fd file = open_file(path, O_WRONLY | O_CREAT | O_APPEND);
    if (::dup2(file.get(), STDERR_FILENO) < 0)
        throw_errno("dup2 " + path);
}

/// A terminal's Ctrl-C reaches the command as well, and it decides; what is meant for us alone is
/// passed on.
class PassedSignals {
public:
    PassedSignals()
    {
        sigset_t all;
        ::sigemptyset(&all);
        for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP})
            ::sigaddset(&all, signal);
        (void)::pthread_sigmask(SIG_BLOCK, &all, &before_);
        events_ = Fd{::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK)};
    }
    ~PassedSignals() { (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    PassedSignals(const PassedSignals&) = delete;
    PassedSignals& operator=(const PassedSignals&) = delete;

    [[nodiscard]] const sigset_t& before() const noexcept { return before_; }
    [[nodiscard]] int get() const noexcept { return events_.get(); }
    void pass_on(pid_t to) const
    {
        signalfd_siginfo info{};
        while (::read(events_.get(), &info, sizeof info) == sizeof info)
            if (info.ssi_code != SI_KERNEL)
                ::kill(to, static_cast<int>(info.ssi_signo));
    }

private:
    sigset_t before_{};
    Fd events_;
};

}  // namespace

int launch(const std::vector<std::string>& command, const LaunchOptions& options)
{
    auto filter = make_filter();
    const PassedSignals signals;
    Child child(command, filter, signals.before());
    if (!options.log.empty())
        log_to(options.log);
    // Every part of a client's memory that a guest has may be a file of its own; the command keeps
    // the limit that it was born with.
    raise_open_files();
    Server server(Listener(child.listener()), options.device, options.path);
    child.proceed();
    while (!server.run(signals.get()))
        signals.pass_on(child.pid());
    const int status = child.wait();
    if (const int error = child.exec_error())
        throw Error("cannot run '" + command.front() + "': " + errno_text(error));
    return status;
}

}  // namespace gh::serve
