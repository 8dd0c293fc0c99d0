// SPDX-License-Identifier: BSD-3-Clause
#include "devices/terminal.h"

#include "base/error.h"
#include "base/fd.h"

#include <array>
#include <csignal>
#include <cstdlib>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace gh {
namespace {

// A pseudo-terminal whose modes outlive the process that plays with it.
struct Pty {
    Pty() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC))
    {
        REQUIRE(::grantpt(master.get()) == 0);
        REQUIRE(::unlockpt(master.get()) == 0);
        REQUIRE(::ptsname_r(master.get(), name.data(), name.size()) == 0);
        slave = open_file(name.data(), O_RDWR | O_NOCTTY);
    }
    [[nodiscard]] bool is_cooked() const
    {
        termios mode{};
        REQUIRE(::tcgetattr(slave.get(), &mode) == 0);
        return (mode.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG);
    }
    Fd master, slave;
    std::array<char, 64> name{};
};

// Runs `body` in a child whose terminal this is, as a shell's foreground job.
template <class F>
int in_session(const Pty& pty, F body)
{
    const pid_t child = ::fork();
    if (child == 0) {
        ::setsid();
        (void)::ioctl(pty.slave.get(), TIOCSCTTY, 0);
        body(pty.slave.get());
        ::_exit(0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

}  // namespace

TEST_CASE("a raw terminal gives every key to the guest and is as it was afterwards")
{
    const Pty pty;
    const int status = in_session(pty, [&](int fd) {
        {
            const RawTerminal raw(fd);
            if (pty.is_cooked())
                ::_exit(1);
        }
        ::_exit(pty.is_cooked() ? 0 : 2);
    });
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("the terminal is as it was after exit() without a destructor")
{
    const Pty pty;
    const int status = in_session(pty, [](int fd) {
        (void)new RawTerminal(fd);
        std::exit(7);
    });
    CHECK(WEXITSTATUS(status) == 7);
    CHECK(pty.is_cooked());
}

TEST_CASE("the terminal is as it was after a crash, and the crash stays one")
{
    for (const int signal : {SIGSEGV, SIGABRT, SIGBUS}) {
        const Pty pty;
        const int status = in_session(pty, [&](int fd) {
            for (const int reset : {SIGSEGV, SIGABRT, SIGBUS})
                (void)std::signal(reset, SIG_DFL);  // the test's own handlers
            const RawTerminal raw(fd);
            (void)std::raise(signal);
        });
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == signal);
        CHECK(pty.is_cooked());
    }
}

TEST_CASE("a job in the background leaves the terminal alone")
{
    const Pty pty;
    const int status = in_session(pty, [&](int fd) {
        (void)std::signal(SIGTTOU, SIG_DFL);
        const pid_t background = ::fork();
        if (background == 0) {
            ::setpgid(0, 0);
            const RawTerminal raw(fd);
            ::_exit(pty.is_cooked() ? 0 : 1);
        }
        int result = -1;
        ::waitpid(background, &result, WUNTRACED);
        ::_exit(WIFEXITED(result) ? WEXITSTATUS(result) : 9);
    });
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("what is no terminal is refused")
{
    const Fd file = open_file("/dev/null", O_RDWR);
    CHECK_THROWS_AS(RawTerminal{file.get()}, Error);
}

}  // namespace gh
