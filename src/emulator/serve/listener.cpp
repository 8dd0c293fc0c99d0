// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/listener.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>

namespace gh::serve {

/// Caller and server take turns: waking the other on the same CPU saves half of the time, where the
/// kernel (6.6) can.
Listener::Listener(Fd fd) noexcept : fd_(std::move(fd))
{
#ifdef SECCOMP_IOCTL_NOTIF_SET_FLAGS
    ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
#else
    constexpr unsigned long kSetFlags = _IOW('!', 4, std::uint64_t);  // headers older than 6.6
    constexpr unsigned long kSyncWakeUp = 1;
    ::ioctl(fd_.get(), kSetFlags, kSyncWakeUp);
#endif
}

std::optional<Call> Listener::receive() const noexcept
{
    seccomp_notif notification{};
    if (::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_RECV, &notification) != 0)
        return std::nullopt;
    Call call{notification.id, static_cast<pid_t>(notification.pid), notification.data.nr, {}};
    std::copy(std::begin(notification.data.args), std::end(notification.data.args),
              call.arguments.begin());
    return call;
}

bool Listener::waits(const Call& call) const noexcept
{
    std::uint64_t id = call.id;
    return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

bool Listener::answer(const Call& call, long value, int error) const noexcept
{
    seccomp_notif_resp response{};
    response.id = call.id;
    response.val = value;
    response.error = -error;
    return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
}

bool Listener::let_through(const Call& call) const noexcept
{
    seccomp_notif_resp response{};
    response.id = call.id;
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
}

int Listener::add_fd(const Call& call, int fd, std::uint32_t fd_flags,
                     std::uint32_t flags) const noexcept
{
    seccomp_notif_addfd addition{};
    addition.id = call.id;
    addition.flags = flags;
    addition.srcfd = static_cast<std::uint32_t>(fd);
    addition.newfd_flags = fd_flags;
    const int number = ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &addition);
    return number >= 0 ? number : -errno;
}

int Listener::answer_with_fd(const Call& call, int fd, bool close_on_exec) const noexcept
{
    const int number = add_fd(call, fd, close_on_exec ? O_CLOEXEC : 0, SECCOMP_ADDFD_FLAG_SEND);
    return number >= 0 ? 0 : -number;
}

int Listener::hand_over(const Call& call, int fd) const noexcept
{
    return add_fd(call, fd, O_CLOEXEC, 0);
}

}  // namespace gh::serve
