/* SPDX-License-Identifier: BSD-3-Clause */
/* Does in turn, and on all CPUs at once, what is hard for whoever translates code: new processes,
 * signals, changing rights and mappings, atomics that many threads want, code that changes.
 *
 *   stress SECONDS THREADS
 *
 * Prints what it did and "stress: good"; at the first wrong result it says which and ends with 1. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u

static const char* self;

static void __attribute__((noreturn, format(printf, 1, 2))) wrong(const char* pattern, ...)
{
    va_list arguments;
    va_start(arguments, pattern);
    fputs("stress: wrong: ", stdout);
    vprintf(pattern, arguments);
    putchar('\n');
    va_end(arguments);
    fflush(stdout);
    _exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void* map(size_t size, int rights)
{
    void* place = mmap(NULL, size, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        wrong("mmap failed");
    return place;
}

/* ---- Processes */

static void expect_status(pid_t child, int status)
{
    int got = 0;
    if (child < 0 || waitpid(child, &got, 0) != child || !WIFEXITED(got) ||
        WEXITSTATUS(got) != status)
        wrong("a child ended with %x instead of %d", (unsigned)got, status);
}

/* The child writes to pages that it shares with the parent until then. */
static void fork_once(unsigned round)
{
    volatile uint32_t* words = map(8 * PAGE, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < 8; ++i)
        words[i * PAGE / 4] = round + i;
    pid_t child = fork();
    if (child == 0) {
        unsigned sum = 0;
        for (unsigned i = 0; i < 8; ++i)
            sum += ++words[i * PAGE / 4];
        _exit(sum == 8 * round + 36 ? 42 : 43);
    }
    for (unsigned i = 0; i < 8; ++i)
        if (words[i * PAGE / 4] != round + i)
            wrong("a child's write is seen by its parent");
    expect_status(child, 42);
    munmap((void*)words, 8 * PAGE);
}

static void exec_once(unsigned round)
{
    char number[16];
    snprintf(number, sizeof number, "%u", round % 100);
    pid_t child = fork();
    if (child == 0) {
        execl(self, self, "--exit", number, (char*)NULL);
        _exit(127);
    }
    expect_status(child, (int)(round % 100));
}

/* ---- Signals */

static volatile sig_atomic_t signals;
static _Thread_local sigjmp_buf back;

static void count_signal(int number)
{
    (void)number;
    signals = signals + 1;
}

static void jump_back(int number)
{
    (void)number;
    siglongjmp(back, 1);
}

/* Carries must survive signals that come at any instruction. */
static void signal_once(unsigned round)
{
    struct sigaction action = {.sa_handler = count_signal};
    sigaction(SIGALRM, &action, NULL);
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, NULL, &timer) != 0)
        wrong("timer_create failed");
    struct itimerspec often = {{0, 200000}, {0, 200000}};
    timer_settime(timer, 0, &often, NULL);
    uint64_t turns = 400000 + round % 7, carries = 0, left = turns;
    __asm__ volatile(
        "cmp xzr, xzr\n"
        "1: adc %0, %0, xzr\n"
        "subs %1, %1, #1\n"
        "b.ne 1b\n"
        : "+r"(carries), "+r"(left)
        :
        : "cc");
    if (carries != turns)
        wrong("%lu of %lu carries are left", (unsigned long)carries, (unsigned long)turns);
    timer_delete(timer);
}

/* ---- Rights */

static int faults(volatile char* place, int write)
{
    if (sigsetjmp(back, 1) != 0)
        return 1;
    if (write)
        *place = 1;
    else
        (void)*place;
    return 0;
}

static void protect_once(unsigned round)
{
    char* place = map(4 * PAGE, PROT_READ | PROT_WRITE);
    char* page = place + round % 4 * PAGE;
    memset(place, 3, 4 * PAGE);
    if (faults(page, 1))
        wrong("a writable page refuses a write");
    mprotect(page, PAGE, PROT_READ);
    if (!faults(page, 1) || faults(page, 0))
        wrong("a read-only page is none");
    mprotect(page, PAGE, PROT_NONE);
    if (!faults(page, 0))
        wrong("a page without rights is read");
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    if (faults(page, 1) || page[1] != 3)
        wrong("a page lost what it held");
    munmap(page, PAGE);
    if (!faults(page, 0))
        wrong("a page that is gone is read");
    munmap(place, 4 * PAGE);
}

/* ---- Code that changes */

typedef int (*function)(void);

static void write_function(uint32_t* place, unsigned value)
{
    place[0] = 0x52800000u | (value & 0xffff) << 5; /* mov w0, #value */
    place[1] = 0xd65f03c0u;                         /* ret */
    __builtin___clear_cache((char*)place, (char*)(place + 2));
}

static void code_once(unsigned round)
{
    uint32_t* code = map(2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    uint32_t* place = code + round * 16 % 1000;
    for (unsigned i = 0; i < 200; ++i) {
        write_function(place, round + i);
        for (unsigned repeat = 0; repeat < 30; ++repeat) {
            int got = ((function)(uintptr_t)place)();
            if (got != (int)((round + i) & 0xffff))
                wrong("code that changed to %u gives %d", round + i, got);
        }
    }
    /* Another page of memory behind the same address. */
    munmap(code, 2 * PAGE);
    uint32_t* again = mmap(code, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    write_function(again + (place - code), 7);
    if (((function)(uintptr_t)(again + (place - code)))() != 7)
        wrong("a new mapping runs old code");
    munmap(again, 2 * PAGE);
}

/* ---- Threads */

#define LSE __attribute__((target("+lse")))

static struct {
    _Alignas(64) uint64_t exclusive;
    _Alignas(64) uint64_t lse;
    _Alignas(64) uint64_t compared;
    _Alignas(64) uint64_t guarded;
    _Alignas(64) pthread_mutex_t mutex;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void add_exclusively(uint64_t* to)
{
    uint64_t value;
    uint32_t failed;
    __asm__ volatile(
        "1: ldaxr %0, [%2]\n"
        "add %0, %0, #1\n"
        "stlxr %w1, %0, [%2]\n"
        "cbnz %w1, 1b\n"
        : "=&r"(value), "=&r"(failed)
        : "r"(to)
        : "memory");
}

static LSE void add_by_lse(uint64_t* to, uint64_t* by_compare)
{
    uint64_t one = 1, old;
    __asm__ volatile(".arch_extension lse\nldaddal %1, %0, [%2]\n" : "=r"(old) : "r"(one), "r"(to) : "memory");
    for (;;) {
        uint64_t expected = __atomic_load_n(by_compare, __ATOMIC_RELAXED), seen = expected;
        __asm__ volatile(".arch_extension lse\ncasal %0, %1, [%2]\n"
                         : "+r"(seen)
                         : "r"(expected + 1), "r"(by_compare)
                         : "memory");
        if (seen == expected)
            return;
    }
}

#define TURNS 3000u

static void* count(void* argument)
{
    for (unsigned i = 0; i < TURNS; ++i) {
        add_exclusively(&shared.exclusive);
        add_by_lse(&shared.lse, &shared.compared);
        if (i % 16 == 0) {
            pthread_mutex_lock(&shared.mutex);
            ++shared.guarded;
            pthread_mutex_unlock(&shared.mutex);
        }
    }
    return argument;
}

static void threads_once(unsigned threads)
{
    pthread_t handles[64];
    memset(&shared, 0, offsetof(__typeof__(shared), mutex));
    for (unsigned i = 0; i < threads; ++i)
        if (pthread_create(&handles[i], NULL, count, NULL) != 0)
            wrong("pthread_create failed");
    for (unsigned i = 0; i < threads; ++i)
        pthread_join(handles[i], NULL);
    const uint64_t all = (uint64_t)threads * TURNS;
    if (shared.exclusive != all || shared.lse != all || shared.compared != all)
        wrong("of %lu additions: %lu exclusive, %lu ldadd, %lu cas", (unsigned long)all,
              (unsigned long)shared.exclusive, (unsigned long)shared.lse,
              (unsigned long)shared.compared);
    if (shared.guarded != (uint64_t)threads * ((TURNS + 15) / 16))
        wrong("the mutex let %lu through", (unsigned long)shared.guarded);
}

/* One process of its own per thread, so that all of them fork and fault at once. */
static unsigned work(double end, unsigned threads)
{
    struct sigaction action = {.sa_handler = jump_back, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    unsigned round = 0;
    for (; now() < end; ++round) {
        fork_once(round);
        if (round % 4 == 0)
            exec_once(round);
        protect_once(round);
        code_once(round);
        signal_once(round);
        threads_once(threads);
    }
    return round;
}

int main(int argc, char** argv)
{
    if (argc == 3 && strcmp(argv[1], "--exit") == 0)
        return atoi(argv[2]);
    if (argc != 3 || atoi(argv[2]) < 1 || atoi(argv[2]) > 64) {
        fputs("usage: stress SECONDS THREADS\n", stderr);
        return 2;
    }
    self = argv[0];
    const unsigned threads = (unsigned)atoi(argv[2]);
    const double end = now() + atof(argv[1]);
    pid_t children[64];
    for (unsigned i = 0; i < threads; ++i) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(work(end, threads > 1 ? threads : 2) > 0 ? 0 : 1);
    }
    for (unsigned i = 0; i < threads; ++i)
        expect_status(children[i], 0);
    puts("stress: good");
    return 0;
}
