// SPDX-License-Identifier: BSD-3-Clause
// PID 1 of a guest that is measured from outside: "rdinit=/bench -- NAME TIMES" on the kernel command
// line, or "rdinit=/bench -- run PROGRAM ARGUMENT..." for somebody else's program. Says PID1, BEGIN and
// END around the work, then turns the machine off; the host reads its own clock at these lines, since a
// guest's time says little on a busy host. As an ordinary program it works too (and does not turn
// anything off). Without a NAME it says PID1 and stays.
#define _GNU_SOURCE
#include "measured.h"

#include <arm_neon.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

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

// c += a * b of 128 x 128 numbers, four at once.
static void run_matmul(long times)
{
    enum { kRows = 128 };
    static float a[kRows][kRows], b[kRows][kRows], c[kRows][kRows];
    for (int i = 0; i < kRows; ++i)
        for (int j = 0; j < kRows; ++j) {
            a[i][j] = (float)(i + j) * 0.5f;
            b[i][j] = (float)(i - j) * 0.25f;
        }
    for (long round = 0; round < times; ++round)
        for (int i = 0; i < kRows; ++i)
            for (int k = 0; k < kRows; ++k)
                for (int j = 0; j < kRows; j += 4)
                    vst1q_f32(&c[i][j], vfmaq_n_f32(vld1q_f32(&c[i][j]), vld1q_f32(&b[k][j]), a[i][k]));
    sink = (uint64_t)c[5][3];
}

// Two pictures blended, compared and sharpened, sixteen points at once.
static void run_simd(long times)
{
    enum { kPoints = 1 << 14 };
    static uint8_t a[kPoints], b[kPoints], out[kPoints];
    for (int i = 0; i < kPoints; ++i) {
        a[i] = (uint8_t)(i * 7);
        b[i] = (uint8_t)(i * 13);
    }
    uint32x4_t differences = vdupq_n_u32(0);
    for (long round = 0; round < times * 10; ++round)
        for (int i = 0; i < kPoints; i += 16) {
            const uint8x16_t x = vld1q_u8(a + i), y = vld1q_u8(b + i), distance = vabdq_u8(x, y);
            uint16x8_t low = vmull_u8(vget_low_u8(x), vget_low_u8(distance));
            uint16x8_t high = vmull_high_u8(x, distance);
            low = vmlal_u8(low, vget_low_u8(y), vget_low_u8(vmvnq_u8(distance)));
            high = vmlal_high_u8(high, y, vmvnq_u8(distance));
            const uint8x16_t blend = vqrshrn_high_n_u16(vqrshrn_n_u16(low, 8), high, 8);
            const uint8x16_t sharp = vqaddq_u8(blend, vbslq_u8(vcgtq_u8(x, y), vshrq_n_u8(x, 1), distance));
            differences = vpadalq_u16(differences, vpaddlq_u8(distance));
            vst1q_u8(out + i, vmaxq_u8(sharp, vrev64q_u8(y)));
        }
    sink = out[77] + vaddvq_u32(differences);
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

// Starts `program` (with vfork, as a shell does) and waits; false if it did not end well.
static int start(char* const* program)
{
    int status = -1;
    const pid_t child = vfork();
    if (child == 0) {
        execv(program[0], program);
        _exit(127);
    }
    return waitpid(child, &status, 0) == child && status == 0;
}

static char* own_path = NULL;

static void run_exec(long times)
{
    char* const nothing[] = {own_path, "nothing", NULL};
    for (long i = 0; i < times * 10; ++i)
        if (!start(nothing))
            return;
}

// The first touch of 16 MiB of fresh pages of 4 KiB, and giving them back.
static void run_fault(long times)
{
    const size_t size = 16 << 20;
    for (long i = 0; i < times; ++i) {
        char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            return;
        (void)madvise(memory, size, MADV_NOHUGEPAGE);
        for (size_t at = 0; at < size; at += 4096)
            memory[at] = 1;
        munmap(memory, size);
    }
}

// A page of a mapping becomes read-only and writable again, used each time, as a collector does.
static void run_mprotect(long times)
{
    const size_t size = 1 << 20;
    volatile char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return;
    char* page = (char*)memory + 4096;
    for (long i = 0; i < times * 1000; ++i) {
        mprotect(page, 4096, PROT_READ);
        sink += (uint64_t)page[0];
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
        page[0] = (char)i;
    }
    munmap((void*)memory, size);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t counter, outside;

static void* contend(void* times)
{
    for (long i = 0; i < *(const long*)times * 10000; ++i) {
        pthread_mutex_lock(&mutex);
        ++counter;
        pthread_mutex_unlock(&mutex);
        __atomic_fetch_add(&outside, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void run_mutex(long times)
{
    pthread_t other;
    if (pthread_create(&other, NULL, contend, &times) != 0)
        return;
    contend(&times);
    pthread_join(other, NULL);
    sink = counter + outside;
}

/// What "port=FILE" on the kernel's command line names, as soon as its driver has made it; or the console.
static FILE* port_or_console(void)
{
    const char* name = getenv("port");
    int fd = -1;
    for (int i = 0; name && i < 1000 && (fd = open(name, O_WRONLY)) < 0; ++i)
        (void)usleep(10000);
    if (name && fd < 0)
        fail(name);
    return name ? fdopen(fd, "w") : stdout;
}

/// 64 KiB, in lines.
static void run_console(long times)
{
    FILE* port = port_or_console();
    static char line[64];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    for (long i = 0; i < times * 1024; ++i)
        (void)fwrite(line, 1, sizeof line, port);
    (void)fflush(port);
    (void)tcdrain(fileno(port));
}

static const struct {
    const char* name;
    void (*run)(long);
} kWorks[] = {{"integer", run_integer}, {"float", run_float},       {"matmul", run_matmul}, {"simd", run_simd},
              {"memcpy", run_memcpy},   {"syscall", run_syscall},   {"pipe", run_pipe},     {"fork", run_fork},
              {"exec", run_exec},       {"fault", run_fault},       {"mprotect", run_mprotect},
              {"mutex", run_mutex},     {"console", run_console}};

// What the program writes is thrown away, its complaints are seen; END only if it ended well.
static void run_program(char* const* program)
{
    (void)mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3));  // an initramfs has none
    const int console = dup(1), null = open("/dev/null", O_WRONLY);
    if (console < 0 || null < 0 || dup2(null, 1) < 0)
        return;
    const int well = start(program);
    dup2(console, 1);
    (void)puts(well ? "END" : "FAILED");
}

int main(int argc, char** argv)
{
    if (argc == 2 && strcmp(argv[1], "nothing") == 0)
        return 0;  // run_exec started it
    own_path = argv[0];
    say("PID1");
    load_modules();
    if (argc > 2)
        say("BEGIN");
    if (argc > 2 && strcmp(argv[1], "run") == 0)
        run_program(argv + 2);
    for (unsigned i = 0; argc > 2 && i < sizeof(kWorks) / sizeof(kWorks[0]); ++i) {
        if (strcmp(argv[1], kWorks[i].name) != 0)
            continue;
        kWorks[i].run(atol(argv[2]));
        (void)puts("END");
    }
    while (argc < 3 && getpid() == 1)
        pause();  // the host measures, and ends us
    return turn_off();
}
