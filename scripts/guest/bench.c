// SPDX-License-Identifier: BSD-3-Clause
// PID 1 of a guest that is measured from outside: "rdinit=/bench -- NAME TIMES" on the kernel command
// line. Says PID1, BEGIN and END around the work, then turns the machine off; the host reads its own
// clock at these lines, since a guest's time says little on a busy host. As an ordinary program it
// works too (and does not turn anything off). Without a NAME it says PID1 and stays.
#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static volatile uint64_t sink;

// ---- What CoreMark does, done anew: a linked list, a matrix, a state machine and a checksum.

enum { kItems = 64, kSide = 24, kText = 256 };

struct Item {
    struct Item* next;
    int16_t key;
    int16_t value;
};

static uint16_t checksum(uint16_t crc, uint16_t value)
{
    for (int i = 0; i < 16; ++i) {
        const unsigned low = (crc ^ value) & 1;
        crc >>= 1;
        value >>= 1;
        if (low)
            crc ^= 0xa001;
    }
    return crc;
}

static struct Item* sorted(struct Item* list)
{
    if (!list || !list->next)
        return list;
    struct Item *slow = list, *fast = list->next;
    while (fast && fast->next) {
        slow = slow->next;
        fast = fast->next->next;
    }
    struct Item* second = sorted(slow->next);
    slow->next = NULL;
    struct Item *first = sorted(list), *head = NULL, **tail = &head;
    while (first && second) {
        struct Item** from = first->key <= second->key ? &first : &second;
        *tail = *from;
        tail = &(*tail)->next;
        *from = (*from)->next;
    }
    *tail = first ? first : second;
    return head;
}

static uint16_t lists(unsigned seed)
{
    static struct Item items[kItems];
    for (unsigned i = 0; i < kItems; ++i)
        items[i] = (struct Item){i + 1 < kItems ? &items[i + 1] : NULL,
                                 (int16_t)((seed * 31 + i * 7919) & 0x7ff), (int16_t)i};
    uint16_t crc = 0;
    struct Item* list = items;
    for (int find = 0; find < 16; ++find) {
        struct Item *reversed = NULL, *item = list;
        while (item) {
            struct Item* next = item->next;
            item->next = reversed;
            reversed = item;
            item = next;
        }
        list = reversed;
        for (item = list; item && item->key != find * 100; item = item->next)
            crc += (uint16_t)item->value;
    }
    for (struct Item* item = sorted(list); item; item = item->next)
        crc = checksum(crc, (uint16_t)item->key);
    return crc;
}

static uint16_t matrices(unsigned seed)
{
    static int16_t a[kSide][kSide], b[kSide][kSide];
    int32_t sum = 0;
    for (int i = 0; i < kSide; ++i)
        for (int j = 0; j < kSide; ++j) {
            a[i][j] = (int16_t)(seed + (unsigned)(i * j));
            b[i][j] = (int16_t)(seed ^ (unsigned)(i + j));
        }
    for (int i = 0; i < kSide; ++i)
        for (int j = 0; j < kSide; ++j) {
            int32_t cell = 0;
            for (int k = 0; k < kSide; ++k)
                cell += a[i][k] * b[k][j];
            sum += (cell >> 2 & 0xf) * (cell >> 5 & 0x7f);
        }
    return (uint16_t)sum;
}

static uint16_t states(unsigned seed)
{
    static const char* const kWords[] = {"5012", "-874", "+122", "35.54400", ".1234500", "-110.700", "+0.64400",
                                         "5.500e+3", "-.123e-2", "T0.3e-1F", "-T.T++Tq", "1T3.4e4z"};
    enum State { Start, Sign, Int, Float, Exponent, Bad } state = Start;
    unsigned counts[6] = {0};
    char text[kText];
    unsigned length = 0;
    while (length + 12 < kText) {
        const char* word = kWords[(seed += 5) % 12];
        while (*word)
            text[length++] = *word++;
        text[length++] = ',';
    }
    for (unsigned i = 0; i < length; ++i) {
        const char c = text[i];
        if (c == ',') {
            ++counts[state];
            state = Start;
            continue;
        }
        const int digit = c >= '0' && c <= '9';
        switch (state) {
        case Start: state = digit ? Int : c == '.' ? Float : c == '+' || c == '-' ? Sign : Bad; break;
        case Sign: state = digit ? Int : c == '.' ? Float : Bad; break;
        case Int: state = digit ? Int : c == '.' ? Float : Bad; break;
        case Float: state = digit ? Float : c == 'e' ? Exponent : Bad; break;
        case Exponent: state = digit || c == '+' || c == '-' ? Exponent : Bad; break;
        case Bad: break;
        }
    }
    uint16_t crc = 0;
    for (int i = 0; i < 6; ++i)
        crc = checksum(crc, (uint16_t)counts[i]);
    return crc;
}

static void run_integer(long times)
{
    uint16_t crc = 0;
    for (long i = 0; i < times; ++i) {
        crc = checksum(crc, lists((unsigned)i));
        crc = checksum(crc, matrices((unsigned)i));
        for (unsigned part = 0; part < 4; ++part)
            crc = checksum(crc, states((unsigned)i + part));
    }
    sink = crc;
}

// ---- One thing each.

static void run_float(long times)
{
    double x = 0.5, y = 0.25, z = 1;
    for (long i = 0; i < times * 100000; ++i) {
        x = x * 0.999999 + y;
        y = y * 0.5 + 0.1 / (1.0 + x * x);
        z += sqrt(x);
    }
    sink = (uint64_t)(x + y + z);
}

static void run_memcpy(long times)
{
    char *from = malloc(1 << 20), *to = malloc(1 << 20);
    memset(from, 1, 1 << 20);
    for (long i = 0; i < times * 16; ++i) {
        memcpy(to, from, 1 << 20);
        from[i & 4095] = to[5];
    }
    sink = (uint64_t)to[7];
}

static void run_syscall(long times)
{
    for (long i = 0; i < times * 10000; ++i)
        sink += (uint64_t)syscall(SYS_getppid);
}

static void run_pipe(long times)
{
    int there[2], back[2];
    char c = 0;
    if (pipe(there) || pipe(back))
        return;
    const long rounds = times * 500;
    const pid_t child = fork();
    for (long i = 0; i < rounds; ++i) {
        if (child == 0 ? read(there[0], &c, 1) + write(back[1], &c, 1) != 2
                       : write(there[1], &c, 1) + read(back[0], &c, 1) != 2)
            break;
    }
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
}

static void run_fork(long times)
{
    for (long i = 0; i < times * 20; ++i) {
        const pid_t child = fork();
        if (child == 0)
            _exit(0);
        waitpid(child, NULL, 0);
    }
}

static const struct {
    const char* name;
    void (*run)(long);
} kWorks[] = {{"integer", run_integer}, {"float", run_float}, {"memcpy", run_memcpy},
              {"syscall", run_syscall}, {"pipe", run_pipe},   {"fork", run_fork}};

int main(int argc, char** argv)
{
    (void)puts("PID1");
    for (unsigned i = 0; argc > 2 && i < sizeof(kWorks) / sizeof(kWorks[0]); ++i) {
        if (strcmp(argv[1], kWorks[i].name) != 0)
            continue;
        (void)puts("BEGIN");
        (void)fflush(stdout);
        kWorks[i].run(atol(argv[2]));
        (void)puts("END");
    }
    (void)fflush(stdout);
    (void)tcdrain(1);  // or the last lines go off with the machine
    if (argc < 3 && getpid() == 1)
        for (;;)
            pause();  // the host measures, and ends us
    return getpid() == 1 ? reboot(RB_POWER_OFF) : 0;
}
