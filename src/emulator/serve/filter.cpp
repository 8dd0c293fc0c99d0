// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/filter.h"

#include "base/error.h"
#include "base/fd.h"

#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::serve {
namespace {

using Context = std::unique_ptr<void, decltype(&::seccomp_release)>;

void check(int result, const char* what)
{
    if (result < 0)
        throw_errno(std::string("seccomp filter: ") + what, -result);
}

void notify(const Context& context, int syscall)
{
    check(::seccomp_rule_add_array(context.get(), SCMP_ACT_NOTIFY, syscall, 0, nullptr),
          "seccomp_rule_add");
}

/// Only where argument `index`, masked, is `value`.
void notify_if(const Context& context, int syscall, unsigned index, std::uint64_t mask,
               std::uint64_t value)
{
    const scmp_arg_cmp compare{index, SCMP_CMP_MASKED_EQ, mask, value};
    check(::seccomp_rule_add_array(context.get(), SCMP_ACT_NOTIFY, syscall, 1, &compare),
          "seccomp_rule_add");
}

std::vector<sock_filter> exported(const Context& context)
{
    const Fd file = make_memfd("seccomp-filter", 0);
    check(::seccomp_export_bpf(context.get(), file.get()), "seccomp_export_bpf");
    struct stat info {};
    if (::fstat(file.get(), &info) != 0)
        throw_errno("seccomp filter: fstat");
    std::vector<sock_filter> filter(static_cast<std::size_t>(info.st_size) / sizeof(sock_filter));
    if (::pread(file.get(), filter.data(), filter.size() * sizeof(sock_filter), 0) != info.st_size)
        throw_errno("seccomp filter: pread");
    return filter;
}

}  // namespace

std::vector<sock_filter> make_filter()
{
    constexpr std::uint64_t kTypeOfIoctl = 0xff00;
    const Context context(::seccomp_init(SCMP_ACT_ALLOW), &::seccomp_release);
    if (!context)
        throw Error("seccomp filter: seccomp_init failed: out of memory");
    // A 32-bit program is not served, but runs.
    check(::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW),
          "seccomp_attr_set");
    for (const unsigned type : {0x47u, 0x41u})  // 'G', 'A'
        notify_if(context, SCMP_SYS(ioctl), 1, kTypeOfIoctl, std::uint64_t{type} << 8);
    notify_if(context, SCMP_SYS(mmap), 3, MAP_ANONYMOUS, 0);
    for (const int syscall :
         {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(access),
          SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(stat), SCMP_SYS(lstat),
          SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(lseek),
          SCMP_SYS(fallocate), SCMP_SYS(ftruncate), SCMP_SYS(fsync), SCMP_SYS(close)})
        notify(context, syscall);
    return exported(context);
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
