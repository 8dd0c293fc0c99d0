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
#include <string_view>

#include <seccomp.h>
#include <ucontext.h>

namespace gh::sandbox {
namespace {

/// What a signal handler needs to know of a system call, since it may not allocate.
struct Known {
    std::array<char, 32> name{};
    std::atomic<bool> told{false};
};
std::array<Known, 512> known{};  // by number

void learn_names()
{
    for (std::size_t number = 0; number < known.size(); ++number) {
        const std::unique_ptr<char, void (*)(void*)> name(
            ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(number)),
            &std::free);
        auto& to = known.at(number).name;
        if (name)
            std::string_view(name.get()).copy(to.data(), to.size() - 1);
    }
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

void answer(int, siginfo_t* info, void* raw)
{
    const int before = errno;
    auto& context = *static_cast<ucontext_t*>(raw);
    const auto number = static_cast<std::size_t>(info->si_syscall);
    if (number < known.size() && !known.at(number).told.exchange(true)) {
        const auto arguments = arguments_of(context);
        log(LogLevel::Warn,
            "the sandbox has refused the system call %s (%d; %#llx, %#llx, %#llx); see \"sandbox\" "
            "in gh-vmm.json(5)",
            known.at(number).name.data(), info->si_syscall, arguments[0], arguments[1],
            arguments[2]);
    }
    set_result(context, -EPERM);
    errno = before;
}

}  // namespace

void tell_refusals()
{
    learn_names();
    struct sigaction action {};
    action.sa_sigaction = answer;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    if (::sigaction(SIGSYS, &action, nullptr) != 0)
        throw_errno("sigaction SIGSYS");
}

}  // namespace gh::sandbox
