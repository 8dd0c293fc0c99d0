// SPDX-License-Identifier: BSD-3-Clause
// Prints the median of 20 000 ioctls of an emulated /dev/gunyah, in microseconds.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

enum { kTimes = 20000, kCreateVm = 0x4700, kSetDtbConfig = 0x40104702 };

static int compare(const void* a, const void* b)
{
    const double x = *(const double*)a, y = *(const double*)b;
    return x < y ? -1 : x > y;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

int main(void)
{
    static double took[kTimes];
    const uint64_t config[2] = {0x80000000, 0x1000};
    const int vm = ioctl(open("/dev/gunyah", O_RDWR), kCreateVm, 0);
    for (int i = 0; i < kTimes; ++i) {
        const double begin = now();
        if (ioctl(vm, kSetDtbConfig, config) != 0) {
            perror("GH_VM_SET_DTB_CONFIG");
            return 1;
        }
        took[i] = now() - begin;
    }
    qsort(took, kTimes, sizeof took[0], compare);
    printf("%.2f\n", took[kTimes / 2]);
    return 0;
}
