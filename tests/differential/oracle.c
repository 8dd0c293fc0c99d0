// SPDX-License-Identifier: BSD-3-Clause
// Runs batches of cases (protocol.h) on whatever executes this arm64 program: qemu-aarch64, or a
// real processor. Freestanding, so that nothing else uses TPIDR_EL0, signals or low addresses.
//
// fd 3 is the batch. A 4-byte count on stdin says "run so many cases"; a 4-byte answer on stdout says
// that they have run.
#include "protocol.h"

#include <asm/sigcontext.h>
#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/signal.h>
#include <stddef.h>

#include <asm/ucontext.h>  // needs linux/signal.h



struct Registers* running;  // where exit_stub and on_signal put the outcome

static long syscall6(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8) : "memory");
    return x0;
}

_Noreturn static void leave(int status)
{
    for (;;)
        syscall6(__NR_exit_group, status, 0, 0, 0, 0, 0);
}

static void* map(unsigned long address, unsigned long size, int protection, int flags, int fd)
{
    const long result = syscall6(__NR_mmap, (long)address, (long)size, protection, flags, fd, 0);
    if (result < 0 && result > -4096)
        leave(90);
    return (void*)result;
}

// oracle_entry.S
void enter(struct Registers* registers);
_Noreturn void resume(void);
_Static_assert(offsetof(struct Registers, sp) == 248, "oracle_entry.S");
_Static_assert(offsetof(struct Registers, pc) == 256, "oracle_entry.S");
_Static_assert(offsetof(struct Registers, nzcv) == 272, "oracle_entry.S");
_Static_assert(offsetof(struct Registers, fpsr) == 280, "oracle_entry.S");
_Static_assert(offsetof(struct Registers, v) == 288, "oracle_entry.S");

static void on_signal(int number, siginfo_t* info, struct ucontext* context)
{
    const struct sigcontext* state = &context->uc_mcontext;
    for (int i = 0; i < 31; ++i)
        running->x[i] = state->regs[i];
    running->sp = state->sp;
    running->pc = state->pc;
    running->nzcv = (uint32_t)state->pstate & 0xf0000000u;
    running->signal = (uint32_t)number;
    running->fault_address = (uint64_t)info->si_addr;
    const struct fpsimd_context* fp = (const void*)state->__reserved;
    while (fp->head.magic != FPSIMD_MAGIC)
        fp = (const void*)((const char*)fp + fp->head.size);
    running->fpcr = fp->fpcr;
    running->fpsr = fp->fpsr;
    for (int i = 0; i < 64; ++i)
        running->v[i] = (uint64_t)(fp->vregs[i / 2] >> (i % 2 * 64));
    resume();
}

struct KernelSigaction {
    void (*handler)(int, siginfo_t*, struct ucontext*);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

static void catch_signals(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    static const int kNumbers[] = {SIGILL, SIGTRAP, SIGBUS, SIGSEGV};
    const stack_t alternative = {.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof(stack)};
    syscall6(__NR_sigaltstack, (long)&alternative, 0, 0, 0, 0, 0);
    for (unsigned i = 0; i < sizeof(kNumbers) / sizeof(kNumbers[0]); ++i) {
        // NODEFER: on_signal leaves by a jump, after which the next signal must come through.
        const struct KernelSigaction action = {on_signal, SA_SIGINFO | SA_ONSTACK | SA_NODEFER, 0, 0};
        if (syscall6(__NR_rt_sigaction, kNumbers[i], (long)&action, 0, sizeof(action.mask), 0, 0) != 0)
            leave(91);
    }
}

static void copy(void* to, const void* from, unsigned long bytes)
{
    for (unsigned long i = 0; i < bytes / 8; ++i)
        ((volatile uint64_t*)to)[i] = ((const uint64_t*)from)[i];
}

static void run_batch(struct Batch* batch, uint32_t count)
{
    uint64_t* const code = (uint64_t*)(unsigned long)kCodeAddress;
    uint64_t* const window = (uint64_t*)(unsigned long)kWindowAddress;
    syscall6(__NR_mprotect, (long)code, sizeof(batch->code), PROT_READ | PROT_WRITE, 0, 0, 0);
    copy(code, batch->code, sizeof(batch->code));
    syscall6(__NR_mprotect, (long)code, sizeof(batch->code), PROT_READ | PROT_EXEC, 0, 0, 0);
    for (unsigned long at = 0; at < sizeof(batch->code); at += 16)
        __asm__ volatile("ic ivau, %0" ::"r"((char*)code + at) : "memory");
    __asm__ volatile("dsb ish\n isb" ::: "memory");
    copy(window, batch->window, kWindowSize);
    for (uint32_t i = 0; i < count; ++i) {
        running = &batch->cases[i];
        enter(running);
    }
    copy(batch->window, window, kWindowSize);
}

__attribute__((used)) _Noreturn void run(void)
{
    struct Batch* const batch = map(0, sizeof(*batch), PROT_READ | PROT_WRITE, MAP_SHARED, 3);
    const int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    map(kCodeAddress, sizeof(batch->code), PROT_READ | PROT_WRITE, fixed, -1);
    map(kWindowAddress, kWindowSize, PROT_READ | PROT_WRITE, fixed, -1);
    catch_signals();
    for (;;) {
        uint32_t count = 0;
        if (syscall6(__NR_read, 0, (long)&count, sizeof(count), 0, 0, 0) != sizeof(count) || count > kCases)
            leave(0);
        run_batch(batch, count);
        if (syscall6(__NR_write, 1, (long)&count, sizeof(count), 0, 0, 0) != sizeof(count))
            leave(92);
    }
}
