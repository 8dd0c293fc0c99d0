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

using Arguments = std::array<unsigned long long, 3>;  // the first three

constexpr unsigned long long as_unsigned(long long value)
{
    return static_cast<unsigned long long>(value);
}

#if defined(__x86_64__)
Arguments arguments_of(const ucontext_t& context)
{
    const auto& registers = context.uc_mcontext.gregs;
    return {as_unsigned(registers[REG_RDI]), as_unsigned(registers[REG_RSI]),
            as_unsigned(registers[REG_RDX])};
}

void set_result(ucontext_t& context, int result)
{
    context.uc_mcontext.gregs[REG_RAX] = result;
}
#elif defined(__aarch64__)
Arguments arguments_of(const ucontext_t& context)
{
    const auto& registers = context.uc_mcontext.regs;
    return {registers[0], registers[1], registers[2]};
}

void set_result(ucontext_t& context, int result)
{
    context.uc_mcontext.regs[0] = as_unsigned(result);
}
#endif

// The signal is the call's own: it interrupts nothing that holds a lock or allocates, for what does
// makes no call that is refused.
void answer(int, siginfo_t* info, void* raw)
{
    const int before = errno;
    auto& context = *static_cast<ucontext_t*>(raw);
    if (is_first(info->si_syscall)) {
        const std::unique_ptr<char, void (*)(void*)> name(
            ::seccomp_syscall_resolve_num_arch(info->si_arch, info->si_syscall), &std::free);
        const auto arguments = arguments_of(context);
        log(LogLevel::Warn,
            "the sandbox has refused the system call %s (%d; %#llx, %#llx, %#llx); see \"sandbox\" "
            "in gh-vmm.json(5)",
            name ? name.get() : "?", info->si_syscall, arguments[0], arguments[1], arguments[2]);
    }
    set_result(context, -EPERM);
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
