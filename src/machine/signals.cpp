// SPDX-License-Identifier: BSD-3-Clause
#include "machine/signals.h"

#include "base/error.h"
#include "devices/terminal.h"
#include "machine/outcome.h"

#include <array>
#include <atomic>
#include <string_view>

#include <pthread.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

namespace gh::machine {
namespace {

constexpr std::array kEnding{SIGTERM, SIGINT, SIGHUP};

sigset_t set_of_ending()
{
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : kEnding)
        ::sigaddset(&set, signal);
    return set;
}

// timeout(1) and shells signal a child and then its whole group, which it is in: what follows so
// soon is the same wish told twice.
constexpr long kSameWish = 500;  // milliseconds

long now()
{
    timespec time{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1'000'000;
}

std::atomic<long> g_asked{0};  // when the machine began to end

void end_now(int)
{
    if (now() - g_asked.load() < kSameWish)
        return;
    constexpr std::string_view kMessage = "gh-vmm: ended by force; the VM may not be gone yet\n";
    RawTerminal::restore();
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
    ::_exit(kHostError);
}

}  // namespace

Signals::Signals()
{
    sigset_t wanted = set_of_ending();
    ::sigaddset(&wanted, SIGCONT);
    ::sigaddset(&wanted, SIGWINCH);
    (void)::signal(SIGPIPE, SIG_IGN);
    (void)::signal(SIGXFSZ, SIG_IGN);
    (void)::pthread_sigmask(SIG_BLOCK, &wanted, &before_);
    events_ = Fd{::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!events_)
        throw_errno("signalfd");
}

Signals::~Signals()
{
    (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> Signals::take() const noexcept
{
    signalfd_siginfo info{};
    if (::read(events_.get(), &info, sizeof(info)) != sizeof(info))
        return std::nullopt;
    return static_cast<int>(info.ssi_signo);
}

void Signals::force_next() const noexcept
{
    g_asked.store(now());
    struct sigaction action {};
    action.sa_handler = end_now;
    for (const int signal : kEnding)
        (void)::sigaction(signal, &action, nullptr);
    const sigset_t ending = set_of_ending();
    (void)::pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
}

}  // namespace gh::machine
