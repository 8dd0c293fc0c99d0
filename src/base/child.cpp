// SPDX-License-Identifier: BSD-3-Clause
#include "base/child.h"

#include "base/pipe.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gh {
namespace {

constexpr int kGrace = 5000;  // milliseconds
constexpr int kAboveOthers = 10;

/// The same open file as descriptor `as`, for the program.
bool put(int fd, int as)
{
    return fd == as ? ::fcntl(fd, F_SETFD, 0) == 0 : ::dup2(fd, as) == as;
}

// The messages come before what their descriptor may be overwritten by.
bool put_descriptors(const ChildSetup& setup)
{
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    return null >= 0 && (setup.messages < 0 || put(setup.messages, STDERR_FILENO)) &&
           (setup.socket < 0 || put(setup.socket, Child::kSocket)) && put(null, STDIN_FILENO) &&
           put(null, STDOUT_FILENO);
}

/// In the child. The report is closed by the program's start, or says why there was none.
[[noreturn]] void become(const ChildSetup& setup, char* const* words, int report)
{
    report = ::fcntl(report, F_DUPFD_CLOEXEC, kAboveOthers);
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    // Those that we were given by whoever started us; Linux before 5.11 leaves them.
    static_cast<void>(::close_range(Child::kSocket, ~0u, CLOSE_RANGE_CLOEXEC));
    if (put_descriptors(setup) && (!setup.own_session || ::setsid() >= 0)) {
        if (setup.prepare && !setup.prepare())
            ::_exit(1);
        ::execvp(words[0], words);
    }
    const int error = errno;
    static_cast<void>(!::write(report, &error, sizeof error));
    ::_exit(1);
}

}  // namespace

ChildError::ChildError(int code) : Error(errno_text(code)), code_(code) {}

Child::Child(const ChildSetup& setup)
{
    std::vector<char*> words(setup.arguments.size() + 1);  // the last stays nullptr
    std::transform(setup.arguments.begin(), setup.arguments.end(), words.begin(),
                   [](const std::string& argument) { return const_cast<char*>(argument.data()); });
    Pipe report = make_pipe();
    if (!report)
        throw ChildError(errno);
    pid_ = ::fork();
    if (pid_ < 0)
        throw ChildError(errno);
    if (pid_ == 0)
        become(setup, words.data(), report.write_end.get());
    report.write_end = Fd{};
    const std::string reported = read_all(report.read_end.get());
    int error = 0;
    if (reported.size() == sizeof error) {
        std::memcpy(&error, reported.data(), sizeof error);
        wait();
        throw ChildError(error);
    }
    end_ = Fd{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), end_(std::move(other.end_))
{
}

Child& Child::operator=(Child&& other) noexcept
{
    std::swap(pid_, other.pid_);
    std::swap(end_, other.end_);
    return *this;
}

Child::~Child()
{
    if (pid_ < 0)
        return;
    pollfd end{.fd = end_.get(), .events = POLLIN, .revents = 0};
    while (end_ && ::poll(&end, 1, kGrace) < 0 && errno == EINTR) {
    }
    kill();
}

int Child::wait() noexcept
{
    int status = 0;
    while (pid_ > 0 && ::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
}

void Child::kill() noexcept
{
    if (pid_ <= 0)
        return;
    // Who is confined may signal by descriptor alone.
    const long sent = end_ ? ::syscall(SYS_pidfd_send_signal, end_.get(), SIGKILL, nullptr, 0)
                           : ::kill(pid_, SIGKILL);
    if (sent == 0)
        wait();
}

Ended run_child(ChildSetup setup)
{
    Pipe messages = make_pipe();
    if (!messages)
        throw ChildError(errno);
    setup.messages = messages.write_end.get();
    Child child(setup);
    messages.write_end = Fd{};
    Ended ended;
    ended.said = read_all(messages.read_end.get());
    ended.status = child.wait();
    return ended;
}

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

}  // namespace gh
