// SPDX-License-Identifier: BSD-3-Clause
// What a debugger does to a process on arm64: counts single steps to a known place, then sets a
// hardware breakpoint and a hardware watchpoint and sees both trap where they should. Prints one
// line; static, for an initramfs.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asm/ptrace.h>

static volatile uint64_t watched[2];

/// Eight instructions run from `walk` to `walk_end`; walk_store writes x0.
void walk(uint64_t value, volatile uint64_t* where);
extern char walk_loop[], walk_store[], walk_end[];
__asm__(
    ".globl walk, walk_loop, walk_store, walk_end\n"
    "walk:       mov x2, #3\n"
    "walk_loop:  subs x2, x2, #1\n"
    "            b.ne walk_loop\n"
    "walk_store: str x0, [x1]\n"
    "walk_end:   ret\n");

static void child(void)
{
    // Often enough for every tier of an emulator to have its own idea of the code.
    for (int i = 0; i < 100000; ++i)
        walk(1, &watched[1]);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    for (;;) {
        walk(42, &watched[1]);
        raise(SIGSTOP);
    }
}

static void die(const char* what)
{
    printf("hwdebug: %s: %s\n", what, strerror(errno));
    exit(1);
}

/// Continues the child; returns the signal that it stops with, and its siginfo.
static int go_on(pid_t pid, int request, siginfo_t* info)
{
    int status;
    if (ptrace(request, pid, 0, 0) != 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        die("the child did not stop");
    if (ptrace(PTRACE_GETSIGINFO, pid, 0, info) != 0)
        die("PTRACE_GETSIGINFO");
    return WSTOPSIG(status);
}

static uint64_t pc_of(pid_t pid)
{
    struct user_pt_regs regs;
    struct iovec io = {&regs, sizeof(regs)};
    if (ptrace(PTRACE_GETREGSET, pid, (void*)NT_PRSTATUS, &io) != 0)
        die("NT_PRSTATUS");
    return regs.pc;
}

/// Sets comparator 0 of breakpoints or watchpoints; control 0 switches it off.
static void set_comparator(pid_t pid, long type, uint64_t address, uint32_t control)
{
    struct user_hwdebug_state state;
    struct iovec io = {&state, sizeof(state)};
    if (ptrace(PTRACE_GETREGSET, pid, (void*)type, &io) != 0)
        die("reading the debug registers");
    state.dbg_regs[0].addr = address;
    state.dbg_regs[0].ctrl = control;
    io.iov_len = offsetof(struct user_hwdebug_state, dbg_regs[1]);
    if (ptrace(PTRACE_SETREGSET, pid, (void*)type, &io) != 0)
        die("writing the debug registers");
}

/// Bytes << 5 | type << 3 | privilege << 1 | enable, as the kernel's user interface has them.
enum { kExecute = 0xf << 5 | 1, kWrite = 0xff << 5 | 2 << 3 | 1 };

static void expect_trap(int signal, const siginfo_t* info, const void* address, const char* what)
{
    if (signal == SIGTRAP && info->si_code == TRAP_HWBKPT && info->si_addr == address)
        return;
    printf("hwdebug: %s: signal %d code %d address %p, expected %p\n", what, signal, info->si_code,
           info->si_addr, address);
    exit(1);
}

int main(void)
{
    siginfo_t info;
    int status;
    const pid_t pid = fork();
    if (pid == 0)
        child();
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        die("the child did not start");

    set_comparator(pid, NT_ARM_HW_BREAK, (uint64_t)walk, kExecute);
    expect_trap(go_on(pid, PTRACE_CONT, &info), &info, (void*)walk, "breakpoint");
    set_comparator(pid, NT_ARM_HW_BREAK, 0, 0);

    unsigned steps = 0;
    while (pc_of(pid) != (uint64_t)walk_end && steps < 1000) {
        if (go_on(pid, PTRACE_SINGLESTEP, &info) != SIGTRAP)
            die("a step did not trap");
        ++steps;
    }

    if (go_on(pid, PTRACE_CONT, &info) != SIGSTOP)
        die("the child did not finish its walk");
    set_comparator(pid, NT_ARM_HW_WATCH, (uint64_t)&watched[1], kWrite);
    expect_trap(go_on(pid, PTRACE_CONT, &info), &info, (void*)&watched[1], "watchpoint");
    const int at_store = pc_of(pid) == (uint64_t)walk_store;
    set_comparator(pid, NT_ARM_HW_WATCH, 0, 0);
    if (go_on(pid, PTRACE_CONT, &info) != SIGSTOP)
        die("the child did not go on");

    kill(pid, SIGKILL);
    printf("hwdebug: breakpoint, %u steps, watchpoint %s the store\n", steps,
           at_store ? "before" : "not at");
    return 0;
}
