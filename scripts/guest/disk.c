// SPDX-License-Identifier: BSD-3-Clause
// PID 1 of a guest that reads or writes /dev/vda and is measured from outside, as bench.c is:
// "rdinit=/disk -- read|write sequential|random BYTES DEPTH TIMES" on the kernel command line makes
// TIMES requests of BYTES past the guest's page cache, DEPTH at a time, between the lines BEGIN and END.
// What it reads is what it must be: the disk begins as zeros, and what it writes begins with its place.
#define _GNU_SOURCE
#include "measured.h"

#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { kMaxDepth = 64 };

static uint64_t dice(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

struct Work {
    int fd, writes, is_random;
    size_t size;
    uint64_t places, next;
};

static void begin(struct Work* work, aio_context_t ring, struct iocb* block, char* buffer)
{
    const uint64_t place = (work->is_random ? dice() : work->next++) % work->places;
    *block = (struct iocb){.aio_fildes = (uint32_t)work->fd,
                           .aio_lio_opcode = work->writes ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
                           .aio_buf = (uintptr_t)buffer,
                           .aio_nbytes = work->size,
                           .aio_offset = (int64_t)(place * work->size),
                           .aio_data = (uintptr_t)block};
    if (work->writes)
        memcpy(buffer, &block->aio_offset, sizeof block->aio_offset);
    if (syscall(SYS_io_submit, ring, 1, &block) != 1)
        fail("io_submit");
}

static void check(const struct Work* work, const struct io_event* event)
{
    const struct iocb* block = (const struct iocb*)(uintptr_t)event->data;
    int64_t place = 0;
    memcpy(&place, (const void*)(uintptr_t)block->aio_buf, sizeof place);
    if (event->res != (int64_t)work->size)
        fail("a request");
    if (place != 0 && place != block->aio_offset)
        fail("what was read");
}

static void run(struct Work* work, unsigned depth, long times)
{
    static struct iocb blocks[kMaxDepth];
    struct io_event events[kMaxDepth];
    aio_context_t ring = 0;
    char* buffers = mmap(NULL, depth * work->size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (buffers == MAP_FAILED || syscall(SYS_io_setup, depth, &ring) != 0)
        fail("io_setup");
    long left = times;
    for (unsigned i = 0; i < depth && left > 0; ++i, --left)
        begin(work, ring, &blocks[i], buffers + i * work->size);
    for (long done = 0; done < times;) {
        const long count = syscall(SYS_io_getevents, ring, 1, depth, events, NULL);
        if (count < 1)
            fail("io_getevents");
        for (long i = 0; i < count; ++i, ++done) {
            struct iocb* block = (struct iocb*)(uintptr_t)events[i].data;
            check(work, &events[i]);
            if (left-- > 0)
                begin(work, ring, block, (char*)(uintptr_t)block->aio_buf);
        }
    }
    if (work->writes && fsync(work->fd) != 0)
        fail("fsync");
}

int main(int argc, char** argv)
{
    if (argc != 6)
        return 2;
    load_modules();
    struct Work work = {.writes = strcmp(argv[1], "write") == 0,
                        .is_random = strcmp(argv[2], "random") == 0,
                        .size = strtoul(argv[3], NULL, 0)};
    uint64_t bytes = 0;
    work.fd = open("/dev/vda", O_RDWR | O_DIRECT);
    if (work.fd < 0 || ioctl(work.fd, BLKGETSIZE64, &bytes) != 0)
        fail("/dev/vda");
    work.places = bytes / work.size;
    const unsigned depth = (unsigned)atoi(argv[4]);
    say("BEGIN");
    run(&work, depth <= kMaxDepth ? depth : kMaxDepth, atol(argv[5]));
    say("END");
    return turn_off();
}
