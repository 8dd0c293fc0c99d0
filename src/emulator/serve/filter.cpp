// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/filter.h"

#include "sandbox/syscall_filter.h"

#include <cerrno>
#include <cstdint>

#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::serve {

std::vector<sock_filter> make_filter()
{
    using sandbox::Action;
    constexpr std::uint64_t kTypeOfIoctl = 0xff00;
    // A 32-bit program is not served, but runs.
    sandbox::SyscallFilter filter(Action::Allow, Action::Allow);
    for (const unsigned type : {0x47u, 0x41u})  // 'G', 'A'
        filter.on("ioctl", Action::Notify, {{1, kTypeOfIoctl, std::uint64_t{type} << 8}});
    filter.on("mmap", Action::Notify, {{3, MAP_ANONYMOUS, 0}});
    for (const char* call :
         {"open", "openat", "openat2", "access", "faccessat", "faccessat2", "stat", "lstat",
          "fstat", "newfstatat", "statx", "lseek", "fallocate", "ftruncate", "fsync", "close"})
        filter.on(call, Action::Notify);
    return filter.program();
}

int install_filter(std::span<sock_filter> filter) noexcept
{
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    const auto install = [&] {
        return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                          SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
    };
    int listener = install();
    // Without CAP_SYS_ADMIN one must give up gaining rights by exec first.
    if (listener < 0 && errno == EACCES && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        listener = install();
    return listener >= 0 ? listener : -errno;
}

}  // namespace gh::serve
