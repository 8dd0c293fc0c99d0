// SPDX-License-Identifier: BSD-3-Clause
#include "sandbox/syscall_filter.h"

#include "base/error.h"
#include "base/fd.h"

#include <cerrno>

#include <seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh::sandbox {
namespace {

void check(int result, const std::string& what)
{
    if (result < 0)
        throw_errno("seccomp filter: " + what, -result);
}

std::uint32_t raw(Action action)
{
    switch (action) {
    case Action::Allow: return SCMP_ACT_ALLOW;
    case Action::Refuse: return SCMP_ACT_ERRNO(EPERM);
    case Action::Trap: return SCMP_ACT_TRAP;
    case Action::Deny: return SCMP_ACT_ERRNO(ENOSYS);
    case Action::Notify: return SCMP_ACT_NOTIFY;
    }
    return SCMP_ACT_ERRNO(EPERM);
}

}  // namespace

SyscallFilter::SyscallFilter(Action otherwise, Action foreign)
    : context_(::seccomp_init(raw(otherwise)), &::seccomp_release)
{
    if (!context_)
        throw Error("seccomp filter: seccomp_init failed: out of memory");
    check(::seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, raw(foreign)),
          "seccomp_attr_set");
    // A tree in place of a list: each call that a vCPU's byte costs goes through it.
    check(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "seccomp_attr_set");
}

void SyscallFilter::on(const std::string& name, Action action,
                       std::initializer_list<Argument> arguments)
{
    const int number = ::seccomp_syscall_resolve_name(name.c_str());
    GH_CHECK(number != __NR_SCMP_ERROR);
    std::vector<scmp_arg_cmp> compares;
    for (const Argument& argument : arguments)
        compares.push_back(
            {argument.index, SCMP_CMP_MASKED_EQ, argument.mask, argument.value & argument.mask});
    check(::seccomp_rule_add_array(context_.get(), raw(action), number,
                                   static_cast<unsigned>(compares.size()), compares.data()),
          "seccomp_rule_add " + name);
}

std::vector<sock_filter> SyscallFilter::program() const
{
    const Fd file = make_memfd("seccomp-filter", 0);
    check(::seccomp_export_bpf(context_.get(), file.get()), "seccomp_export_bpf");
    struct stat info {};
    if (::fstat(file.get(), &info) != 0)
        throw_errno("seccomp filter: fstat");
    std::vector<sock_filter> filter(static_cast<std::size_t>(info.st_size) / sizeof(sock_filter));
    if (::pread(file.get(), filter.data(), filter.size() * sizeof(sock_filter), 0) != info.st_size)
        throw_errno("seccomp filter: pread");
    return filter;
}

void SyscallFilter::install(Tell tell)
{
    check(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_TSYNC, 1), "all threads at once");
    // Older kernels lack these two. Before Linux 5.16 a filter without the second one slows all
    // stores of the process down (Speculative Store Bypass).
    (void)::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_LOG, tell == Tell::Refusals ? 1 : 0);
    (void)::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_SSB, 1);
    // A tree instead of a list; the kernel remembers which calls are always allowed, besides.
    (void)::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    check(::seccomp_load(context_.get()), "seccomp_load");
}

}  // namespace gh::sandbox
