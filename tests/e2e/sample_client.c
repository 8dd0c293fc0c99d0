/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sample_client: a VMM in the manner of the kernel's own sample, written from the documented ABI.
 *
 *   sample_client [-l] IMAGE DEVICETREE
 *
 * It gives 4 MiB of memory to a guest (-l: lends it, else shares it), starts it at the image, adds
 * no vCPU function, and waits: the devicetree must leave the vCPUs to the hypervisor. One source
 * for every generation of the driver, which it finds out as programs must, by which requests exist.
 * The guest leaves two words at 0x80001000: while they are shared, each change of the first is told
 * ("guest says
 * ..."); after SIGINT or SIGTERM the VM is closed and both are told ("guest left ..."). Exits with
 * 0, or 1 where the kernel refused something.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Linux, include/uapi/linux/gunyah.h, and its Android additions. */
#define CREATE_VM _IO('G', 0)
#define SET_USER_MEM_REGION _IOW('G', 1, struct memory_region)
#define SET_DTB_CONFIG _IOW('G', 2, struct dtb_config)
#define START _IO('G', 3)
#define CREATE_GUEST_MEM _IOW('G', 8, struct create_memory)
#define MAP_MEM _IOW('G', 9, struct map_memory)
#define LEND_USER_MEM _IOW('A', 0x11, struct memory_region)

enum { READ_WRITE_EXECUTE = 7, LENT = 8 };            /* memory_region.flags; LENT: v10 alone */
enum { MAP_LEND = 1, MAP_SHARE = 2, MAP_RWX = 0x70 }; /* map_memory.flags */

struct memory_region {
    uint32_t label, flags;
    uint64_t guest_phys_addr, memory_size, userspace_addr;
};
struct dtb_config {
    uint64_t guest_phys_addr, size;
};
struct create_memory {
    uint64_t flags, size, reserved[6];
};
struct map_memory {
    uint64_t guest_addr;
    uint32_t flags, guest_mem_fd;
    uint64_t offset, size;
};

enum { SIZE = 4 << 20, DTB_OFFSET = 2 << 20, WORDS_OFFSET = 0x1000 };
static const uint64_t base = 0x80000000;

static volatile sig_atomic_t asked_to_end;

static void end(int signal)
{
    (void)signal;
    asked_to_end = 1;
}

static void fail(const char* what)
{
    perror(what);
    exit(1);
}

static int request(int fd, unsigned long number, void* argument, const char* name)
{
    const int result = ioctl(fd, number, argument);
    if (result < 0)
        fail(name);
    return result;
}

/* Whether the driver knows a request: then it stumbles over its argument. */
static int knows(int fd, unsigned long number)
{
    return ioctl(fd, number, NULL) < 0 && errno != ENOTTY;
}

static void load(const char* path, char* to, size_t room)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size;
    if (file < 0)
        fail(path);
    while ((size = read(file, to, room)) > 0) {
        to += size;
        room -= (size_t)size;
    }
    if (size < 0)
        fail(path);
    close(file);
}

static char* map(int file)
{
    char* const memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED)
        fail("mmap of the guest's memory");
    return memory;
}

/* The driver's own memory, if it makes any; else a file like any other. */
static int make_memory(int device, int drivers)
{
    struct create_memory wanted = {.flags = 1 /* close on exec */, .size = SIZE};
    int file;
    if (drivers)
        return request(device, CREATE_GUEST_MEM, &wanted, "CREATE_GUEST_MEM");
    file = memfd_create("guest", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, SIZE) != 0)
        fail("memfd_create");
    return file;
}

static void give_file(int vm, int file, int lend)
{
    struct map_memory range = {.guest_addr = base,
                               .flags = MAP_RWX | (lend ? MAP_LEND : MAP_SHARE),
                               .guest_mem_fd = (uint32_t)file,
                               .size = SIZE};
    request(vm, MAP_MEM, &range, "MAP_MEM");
}

static void give_range(int vm, char* memory, int lend)
{
    struct memory_region region = {.flags = READ_WRITE_EXECUTE,
                                   .guest_phys_addr = base,
                                   .memory_size = SIZE,
                                   .userspace_addr = (uintptr_t)memory};
    if (lend && knows(vm, LEND_USER_MEM)) {
        request(vm, LEND_USER_MEM, &region, "LEND_USER_MEM");
        return;
    }
    if (lend)
        region.flags |= LENT;
    request(vm, SET_USER_MEM_REGION, &region, "SET_USER_MEM_REGION");
}

static void wait_for_end(const volatile uint32_t* shared_words)
{
    uint32_t last = 0;
    while (!asked_to_end) {
        if (shared_words && shared_words[0] != last) {
            last = shared_words[0];
            printf("guest says %#x\n", last);
        }
        poll(NULL, 0, 50);
    }
}

int main(int count, char** arguments)
{
    const int lend = count > 1 && strcmp(arguments[1], "-l") == 0;
    const struct sigaction on_end = {.sa_handler = end};
    struct dtb_config dtb = {base + DTB_OFFSET, SIZE - DTB_OFFSET};
    int device, vm, drivers, file;
    char* memory;
    uint32_t words[2];

    if (count - lend != 3) {
        fprintf(stderr, "usage: %s [-l] IMAGE DEVICETREE\n", arguments[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    sigaction(SIGINT, &on_end, NULL);
    sigaction(SIGTERM, &on_end, NULL);

    device = open("/dev/gunyah", O_RDWR | O_CLOEXEC);
    if (device < 0)
        fail("/dev/gunyah");
    vm = request(device, CREATE_VM, NULL, "CREATE_VM");
    drivers = knows(device, CREATE_GUEST_MEM);
    file = make_memory(device, drivers);
    memory = map(file);
    load(arguments[1 + lend], memory, WORDS_OFFSET);
    load(arguments[2 + lend], memory + DTB_OFFSET, SIZE - DTB_OFFSET);
    if (drivers) {
        if (lend) /* what is lent must not be mapped */
            munmap(memory, SIZE);
        give_file(vm, file, lend);
    } else {
        give_range(vm, memory, lend);
    }
    request(vm, SET_DTB_CONFIG, &dtb, "SET_DTB_CONFIG");
    request(vm, START, NULL, "START");
    puts("started");

    wait_for_end(lend ? NULL : (const volatile uint32_t*)(memory + WORDS_OFFSET));
    close(vm);
    if (drivers && lend)
        memory = map(file);
    memcpy(words, memory + WORDS_OFFSET, sizeof words);
    printf("guest left %#x %#x\n", words[0], words[1]);
    return 0;
}
