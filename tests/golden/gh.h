/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers and layouts of /dev/gunyah that the probes use, and what they share. */
#ifndef PROBE_GH_H
#define PROBE_GH_H
#include <stddef.h>
#include <stdint.h>
#define GH_CREATE_VM 0x00004700u /* device */
#define GH_SET_MEM 0x40204701u   /* vm: share */
#define GH_SET_DTB 0x40104702u
#define GH_START 0x00004703u
#define GH_ADD_FN 0x40104704u
#define GH_RUN 0x00004705u       /* vcpu */
#define GH_MMAP_SIZE 0x00004706u /* vcpu */
#define GH_DEL_FN 0x40104707u
#define GH_CREATE_GMEM 0x40404708u /* device */
#define GH_MAP_MEM 0x40204709u
#define GH_SET_BOOT 0x4010470au
#define GH_A_TENTATIVE 0x00004110u /* device */
#define GH_A_LEND 0x40204111u
#define GH_A_SET_FW 0x40104112u
#define GH_A_RECLAIM 0x40104113u
#define GH_A_MAP_CMA 0x40284115u
#define GH_A_SET_AUTH 0x40104116u
#define GH_A_CHECK_EXT 0x00004117u /* device */

struct gh_mem {
    uint32_t label, flags;
    uint64_t gpa, size, uaddr;
};
struct gh_pair {
    uint64_t gpa, size;
};
struct gh_fn {
    uint32_t type, arg_size;
    uint64_t arg;
};
struct gh_irqfd {
    uint32_t fd, label, flags, padding;
};
struct gh_ioefd {
    uint64_t datamatch, addr;
    uint32_t len;
    int32_t fd;
    uint32_t flags, padding;
};
struct gh_gmem {
    uint64_t flags, size, reserved[6];
};
struct gh_map {
    uint64_t gpa;
    uint32_t flags;
    int32_t fd;
    uint64_t off, size;
};
struct gh_boot {
    uint32_t reg, reserved;
    uint64_t value;
};
struct gh_run {
    uint8_t immediate_exit, pad0[7];
    uint32_t exit_reason, pad1;
    union {
        struct {
            uint64_t addr;
            uint8_t data[8];
            uint32_t len;
            uint8_t is_write, resume_action;
        } mmio;
        struct {
            uint32_t status;
            uint16_t type, pad;
            uint32_t reason_size;
            uint8_t reason[8];
        } status;
        struct {
            uint64_t addr;
            int32_t attempt;
            uint8_t resume_action;
        } fault;
    };
};
_Static_assert(offsetof(struct gh_run, mmio.resume_action) == 37, "layout");
_Static_assert(offsetof(struct gh_run, status.reason) == 28, "layout");

static inline const char* gh_errname(int e)
{
    static const struct {
        int n;
        const char* s;
    } t[] = {{1, "EPERM"},      {2, "ENOENT"},      {3, "ESRCH"},       {4, "EINTR"},
             {5, "EIO"},        {6, "ENXIO"},       {7, "E2BIG"},       {9, "EBADF"},
             {11, "EAGAIN"},    {12, "ENOMEM"},     {13, "EACCES"},     {14, "EFAULT"},
             {16, "EBUSY"},     {17, "EEXIST"},     {19, "ENODEV"},     {20, "ENOTDIR"},
             {22, "EINVAL"},    {23, "ENFILE"},     {24, "EMFILE"},     {25, "ENOTTY"},
             {27, "EFBIG"},     {28, "ENOSPC"},     {29, "ESPIPE"},     {30, "EROFS"},
             {32, "EPIPE"},     {34, "ERANGE"},     {38, "ENOSYS"},     {74, "EBADMSG"},
             {75, "EOVERFLOW"}, {95, "EOPNOTSUPP"}, {110, "ETIMEDOUT"}, {512, "ERESTARTSYS"},
             {524, "ENOTSUPP"}};
    static char b[16];
    int v = e, i = 0;
    char r[12];
    for (size_t k = 0; k < sizeof t / sizeof *t; k++)
        if (t[k].n == e)
            return t[k].s;
    do
        r[i++] = '0' + v % 10;
    while (v /= 10);
    b[0] = 'E';
    for (int k = 0; k < i; k++)
        b[1 + k] = r[i - 1 - k];
    b[1 + i] = 0;
    return b;
}
#endif
