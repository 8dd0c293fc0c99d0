/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes code and jumps to it without the cache maintenance that the architecture asks for.
 *
 *   unannounced ROUNDS THREADS
 *
 * One thread writes and runs, or the first writes what the second runs. Prints how often what ran
 * was stale. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static unsigned rounds;
static uint32_t* code;
static _Atomic unsigned written, done;

static void put(unsigned value)
{
    const volatile uint32_t words[] = {0x52800000u | (value & 0xffff) << 5, 0xd65f03c0u};
    for (unsigned i = 0; i < 2; ++i)
        ((volatile uint32_t*)code)[i] = words[i]; /* mov w0, #value; ret */
}

static unsigned run(void)
{
    unsigned (*function)(void);
    memcpy(&function, &code, sizeof function);
    return function();
}

static void* write_all(void* unused)
{
    for (unsigned i = 1; i <= rounds; ++i) {
        put(i);
        atomic_store(&written, i);
        while (atomic_load(&done) != i)
            ;
    }
    return unused;
}

int main(int argc, char** argv)
{
    const int threads = argc > 2 ? atoi(argv[2]) : 1;
    rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED)
        return 1;
    pthread_t writer;
    if (threads > 1 && pthread_create(&writer, NULL, write_all, NULL) != 0)
        return 1;
    unsigned stale = 0;
    for (unsigned i = 1; i <= rounds; ++i) {
        if (threads > 1)
            while (atomic_load(&written) != i)
                ;
        else
            put(i);
        stale += run() != (i & 0xffff);
        atomic_store(&done, i);
    }
    printf("stale %u of %u\n", stale, rounds);
    return 0;
}
