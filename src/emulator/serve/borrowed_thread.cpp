// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/borrowed_thread.h"

#include "emulator/serve/process.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

#include <elf.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gh::serve {
namespace {

constexpr long kRestartSys = -512;  // the kernel's ERESTARTSYS: what an interrupted call holds
constexpr int kSyscallStop = SIGTRAP | 0x80;

// Where a system call's number, arguments and result stand, and how to make the thread at a system
// call instruction do another, or the same one again.
#if defined(__x86_64__)
constexpr std::uint64_t kInstruction = 2;  // syscall
bool was_interrupted(const user_regs_struct& r, long number, const std::array<std::uint64_t, 6>& a)
{
    return static_cast<long>(r.orig_rax) == number && static_cast<long>(r.rax) == kRestartSys &&
           std::array<std::uint64_t, 6>{r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9} == a;
}
user_regs_struct prepared(user_regs_struct r, long number, const std::array<std::uint64_t, 6>& a)
{
    r.rip -= kInstruction;
    r.rax = static_cast<std::uint64_t>(number);
    r.orig_rax = ~0ull;  // nothing to restart
    r.rdi = a[0];
    r.rsi = a[1];
    r.rdx = a[2];
    r.r10 = a[3];
    r.r8 = a[4];
    r.r9 = a[5];
    return r;
}
long result(const user_regs_struct& r)
{
    return static_cast<long>(r.rax);
}
void set_result(user_regs_struct& r, long value)
{
    r.rax = static_cast<std::uint64_t>(value);
    r.orig_rax = ~0ull;
}
#elif defined(__aarch64__)
constexpr std::uint64_t kInstruction = 4;  // svc #0
bool was_interrupted(const user_regs_struct& r, long number, const std::array<std::uint64_t, 6>& a)
{
    // The first argument has made room for the result.
    return static_cast<long>(r.regs[8]) == number && static_cast<long>(r.regs[0]) == kRestartSys &&
           std::equal(a.begin() + 1, a.end(), std::begin(r.regs) + 1);
}
user_regs_struct prepared(user_regs_struct r, long number, const std::array<std::uint64_t, 6>& a)
{
    r.pc -= kInstruction;
    r.regs[8] = static_cast<std::uint64_t>(number);
    for (std::size_t i = 0; i < a.size(); ++i)
        r.regs[i] = a[i];
    return r;
}
long result(const user_regs_struct& r)
{
    return static_cast<long>(r.regs[0]);
}
void set_result(user_regs_struct& r, long value)
{
    r.regs[0] = static_cast<std::uint64_t>(value);
}
#else
#error "system calls of this architecture are not known"
#endif

}  // namespace

BorrowedThread::BorrowedThread(Conversation& conversation) noexcept
    : conversation_(conversation), thread_(conversation.call().thread), error_(stop())
{
}

bool BorrowedThread::get(user_regs_struct& registers) const noexcept
{
    iovec area{&registers, sizeof registers};
    return ::ptrace(PTRACE_GETREGSET, thread_, NT_PRSTATUS, &area) == 0;
}

bool BorrowedThread::set(const user_regs_struct& registers) const noexcept
{
    user_regs_struct copy = registers;
    iovec area{&copy, sizeof copy};
    return ::ptrace(PTRACE_SETREGSET, thread_, NT_PRSTATUS, &area) == 0;
}

int BorrowedThread::stop() noexcept
{
    conversation_.borrow();
    if (!conversation_.listener().waits(conversation_.call()))
        return EINTR;
    if (::ptrace(PTRACE_SEIZE, thread_, nullptr, PTRACE_O_TRACESYSGOOD) != 0)
        return errno == EPERM ? EBUSY : errno;
    seized_ = true;
    int status = 0;
    if (::ptrace(PTRACE_INTERRUPT, thread_, nullptr, nullptr) != 0 ||
        ::waitpid(thread_, &status, __WALL) != thread_ || !WIFSTOPPED(status))
        return ESRCH;
    if (status >> 16 != PTRACE_EVENT_STOP)
        signals_.push_back(WSTOPSIG(status));
    if (!get(saved_))
        return ESRCH;
    const Call& call = conversation_.call();
    return was_interrupted(saved_, call.number, call.arguments) ? 0 : EINTR;
}

/// Signals that come are kept for later: their handlers must not run in between.
bool BorrowedThread::run_to_syscall_stop() noexcept
{
    for (;;) {
        int status = 0;
        if (::ptrace(PTRACE_SYSCALL, thread_, nullptr, nullptr) != 0 ||
            ::waitpid(thread_, &status, __WALL) != thread_ || !WIFSTOPPED(status))
            return false;
        if (WSTOPSIG(status) == kSyscallStop)
            return true;
        if (status >> 16 != PTRACE_EVENT_STOP)
            signals_.push_back(WSTOPSIG(status));
    }
}

long BorrowedThread::call(long number, const std::array<std::uint64_t, 6>& arguments) noexcept
{
    user_regs_struct registers{};
    conversation_.drive();
    const bool done = set(prepared(saved_, number, arguments)) && run_to_syscall_stop() &&
                      run_to_syscall_stop() && get(registers);
    conversation_.stop_driving();
    return done ? result(registers) : -ESRCH;
}

void BorrowedThread::conclude(long result) noexcept
{
    concluded_ = true;
    user_regs_struct registers = saved_;
    set_result(registers, result);
    (void)set(registers);
}

/// The thread at the start of its call, or as the kernel leaves a call that a signal ends: what
/// becomes of that is what the client has asked for (SA_RESTART).
bool BorrowedThread::begin_again() noexcept
{
    const Call& call = conversation_.call();
    (void)set(prepared(saved_, call.number, call.arguments));
    if (!conversation_.is_interruptible())
        return true;
    int status = 0;
    while (signals_.empty() && ::ptrace(PTRACE_SYSCALL, thread_, nullptr, nullptr) == 0 &&
           ::waitpid(thread_, &status, __WALL) == thread_ && WIFSTOPPED(status)) {
        if (WSTOPSIG(status) == kSyscallStop)
            return true;
        if (status >> 16 != PTRACE_EVENT_STOP)
            signals_.push_back(WSTOPSIG(status));
    }
    (void)set(saved_);
    return false;
}

void BorrowedThread::send_signals() const noexcept
{
    const pid_t process = process_of(thread_);
    for (const int signal : signals_)
        ::syscall(SYS_tgkill, process, thread_, signal);
}

/// A thread that was killed is dead for its parent only once its tracer has heard of it.
void BorrowedThread::let_go() const noexcept
{
    int status = 0;
    while (::ptrace(PTRACE_DETACH, thread_, nullptr, nullptr) != 0 &&
           ::waitpid(thread_, &status, __WALL) == thread_ && WIFSTOPPED(status)) {
    }
}

BorrowedThread::~BorrowedThread()
{
    if (!seized_) {
        conversation_.give_back();
        return;
    }
    bool again = error_ == 0 && !concluded_;
    if (again) {
        conversation_.expect_again();
        again = begin_again();
        if (!again)
            conversation_.note_signal();
    }
    send_signals();
    conversation_.give_back();
    let_go();
    if (again && !conversation_.await_again())
        error_ = ESRCH;
}

}  // namespace gh::serve
