// SPDX-License-Identifier: BSD-3-Clause
#include "devices/terminal.h"

#include "base/error.h"

#include <array>
#include <atomic>
#include <cstdlib>

#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace gh {
namespace {

// All that a signal handler needs, set before the descriptor becomes valid.
struct Saved {
    termios before{};
    termios raw{};
    std::atomic<int> fd{-1};
};
Saved g_saved;

constexpr std::array kFatal{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGSYS, SIGTRAP};

// tcsetattr() from the background would stop us, and the terminal is not ours then.
void apply(const termios& mode) noexcept
{
    const int fd = g_saved.fd.load();
    if (fd >= 0 && ::tcgetpgrp(fd) == ::getpgrp())
        (void)::tcsetattr(fd, TCSADRAIN, &mode);
}

void die_restored(int signal)
{
    RawTerminal::restore();
    (void)::raise(signal);  // its default action stands again (SA_RESETHAND)
}

// Only where nobody else has a handler: another's business is not ours to end.
void restore_on_fatal_signals()
{
    for (const int signal : kFatal) {
        struct sigaction old {};
        if (::sigaction(signal, nullptr, &old) != 0 || old.sa_handler != SIG_DFL)
            continue;
        struct sigaction action {};
        action.sa_handler = die_restored;
        action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
        (void)::sigaction(signal, &action, nullptr);
    }
}

// Output processing stays on, so that our own messages begin at the left.
termios raw_mode(termios mode)
{
    mode.c_iflag &=
        ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    mode.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    mode.c_cflag = (mode.c_cflag & ~static_cast<tcflag_t>(CSIZE | PARENB)) | CS8;
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    return mode;
}

}  // namespace

std::optional<TerminalSize> terminal_size(int fd) noexcept
{
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        return std::nullopt;
    return TerminalSize{size.ws_col, size.ws_row};
}

RawTerminal::RawTerminal(int fd)
{
    GH_CHECK(g_saved.fd.load() < 0);
    if (::tcgetattr(fd, &g_saved.before) != 0)
        throw_errno("tcgetattr");
    g_saved.raw = raw_mode(g_saved.before);
    static const bool registered = std::atexit([] { RawTerminal::restore(); }) == 0;
    GH_CHECK(registered);
    restore_on_fatal_signals();
    g_saved.fd.store(fd);
    reapply();
}

RawTerminal::~RawTerminal()
{
    restore();
    g_saved.fd.store(-1);
}

void RawTerminal::reapply() noexcept
{
    apply(g_saved.raw);
}
void RawTerminal::restore() noexcept
{
    apply(g_saved.before);
}

}  // namespace gh
