// SPDX-License-Identifier: BSD-3-Clause
// A guest without operating system that drives a virtio disk from memory that it shares with the host:
// rings and buffers lie in the bounce buffer at POOL, as Linux would place them that has a restricted
// DMA pool. Copies sector 0 to sector 1, flushes, and then breaks the rules: a buffer in its own, lent
// RAM. Runs with the MMU off, so nothing is cached on hardware and every access is aligned.
#include <stdint.h>

#define UART 0x30000000ul
#define DEVICE 0x30100000ul

// The header of an arm64 Image (Documentation/arch/arm64/booting.rst).
__asm__(".section .head, \"ax\"\n"
        "  b     start\n"
        "  .long 0\n"
        "  .quad 0, 0x100000, 0x2, 0, 0, 0\n"
        "  .ascii \"ARM\\x64\"\n"
        "  .long 0\n"
        "start:\n"
        "  adr   x0, start\n"
        "  add   x0, x0, #0x80, lsl #12\n"
        "  mov   sp, x0\n"
        "  bl    run\n"
        "  mov   w0, #8\n"
        "  movk  w0, #0x8400, lsl #16\n"  // PSCI SYSTEM_OFF
        "  hvc   #0\n"
        "  b     .\n"
        ".text\n");

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};
struct request {
    uint32_t type, reserved;
    uint64_t sector;
    uint8_t data[512];
    volatile uint8_t status;
};

static volatile struct descriptor *const table = (void *)POOL;
static volatile uint16_t *const available = (void *)(POOL + 0x1000);
static volatile uint16_t *const used = (void *)(POOL + 0x2000);
static struct request *const request = (void *)(POOL + 0x3000);

static void say(const char *text)
{
    while (*text)
        *(volatile uint8_t *)UART = (uint8_t)*text++;
}

static uint32_t in(uint32_t offset)
{
    return *(volatile uint32_t *)(DEVICE + offset);
}

static void out(uint32_t offset, uint32_t value)
{
    __asm__ volatile("dsb sy" ::: "memory");
    *(volatile uint32_t *)(DEVICE + offset) = value;
}

static int set_up(void)
{
    out(0x70, 0);
    out(0x70, 3);
    out(0x24, 1);
    out(0x20, 3);  // VERSION_1, ACCESS_PLATFORM
    out(0x24, 0);
    out(0x20, 1u << 9);  // FLUSH
    out(0x70, 11);
    if (in(0x00) != 0x74726976 || in(0x08) != 2 || in(0x70) != 11)
        return 0;
    out(0x30, 0);
    out(0x38, 4);
    out(0x80, (uint32_t)(uintptr_t)table);
    out(0x84, 0);
    out(0x90, (uint32_t)(uintptr_t)available);
    out(0x94, 0);
    out(0xa0, (uint32_t)(uintptr_t)used);
    out(0xa4, 0);
    out(0x44, 1);
    out(0x70, 15);
    return in(0x44) == 1 && in(0x70) == 15;
}

static void describe(int index, const volatile void *at, uint32_t length, uint16_t flags)
{
    table[index].address = (uintptr_t)at;
    table[index].length = length;
    table[index].flags = flags;
    table[index].next = (uint16_t)(index + 1);
}

// 0 is good; `data` with length 0 is none.
static int go(uint32_t type, uint64_t sector, void *data, uint32_t length)
{
    uint16_t next = (uint16_t)(used[1] + 1);
    request->type = type;
    request->sector = sector;
    request->status = 0xff;
    describe(0, request, 16, 1);
    describe(1, length ? data : (void *)&request->status, length ? length : 1,
             length ? (type == 0 ? 3 : 1) : 2);
    describe(2, &request->status, 1, 2);
    available[2 + available[1] % 4] = 0;
    __asm__ volatile("dmb sy" ::: "memory");
    available[1]++;
    out(0x50, 0);
    while (used[1] != next)
        if (in(0x70) & 64)
            return -1;  // the device wants a reset
    __asm__ volatile("dmb sy" ::: "memory");
    return request->status;
}

void run(void)
{
    uint8_t *lent = (void *)(POOL - 0x1000);  // RAM ends where the pool begins
    if (!set_up())
        say("disk: no device\n");
    else if (go(0, 0, request->data, 512) || go(1, 1, request->data, 512) || go(4, 0, 0, 0))
        say("disk: no transfer\n");
    else if (go(0, 0, lent, 512) != -1)
        say("disk: it took lent memory\n");
    else if (!set_up())
        say("disk: no reset\n");
    else
        say("disk: good\n");
}
