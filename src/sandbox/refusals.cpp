// SPDX-License-Identifier: BSD-3-Clause
#include "sandbox/refusals.h"

#include "base/error.h"
#include "base/log.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <memory>

#include <seccomp.h>
#include <ucontext.h>

namespace gh::sandbox {
namespace {

constexpr std::size_t kNumbers = 512;
std::array<std::atomic<bool>, kNumbers> told{};

bool is_first(int number)
{
    const auto index = static_cast<std::size_t>(number);
    return index < kNumbers && !told.at(index).exchange(true);
}

void set_result(ucontext_t& context, int error)
{
#if defined(__x86_64__)
    context.uc_mcontext.gregs[REG_RAX] = -error;
#elif defined(__aarch64__)
    context.uc_mcontext.regs[0] = static_cast<unsigned long long>(-static_cast<long long>(error));
#endif
}

// The signal is the call's own: it interrupts nothing that holds a lock or allocates, for what does
// makes no call that is refused.
void answer(int, siginfo_t* info, void* context)
{
    const int before = errno;
    if (is_first(info->si_syscall)) {
        const std::unique_ptr<char, void (*)(void*)> name(
            ::seccomp_syscall_resolve_num_arch(info->si_arch, info->si_syscall), &std::free);
        log(LogLevel::Warn,
            "the sandbox has refused the system call %s (%d); either gh-vmm lacks a rule for it, "
            "which is worth a report, or somebody has got into this process",
            name ? name.get() : "?", info->si_syscall);
    }
    set_result(*static_cast<ucontext_t*>(context), EPERM);
    errno = before;
}

}  // namespace

void tell_refusals()
{
    struct sigaction action {};
    action.sa_sigaction = answer;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    if (::sigaction(SIGSYS, &action, nullptr) != 0)
        throw_errno("sigaction SIGSYS");
}

}  // namespace gh::sandbox
