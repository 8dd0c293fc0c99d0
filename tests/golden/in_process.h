/* SPDX-License-Identifier: BSD-3-Clause */
/* Included ahead of a probe's source: its calls on /dev/gunyah go to the emulated device within the
 * same process (in_process.cpp); those on other files go on to libc. */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif
int in_process_open(const char* path, int flags, int mode);
int in_process_ioctl(int fd, unsigned long request, uintptr_t argument);
void* in_process_map(void* at, size_t size, int rights, int flags, int fd, long offset);
int in_process_unmap(void* at, size_t size);
int in_process_close(int fd);
int in_process_sigaction(int number, const struct sigaction* action, struct sigaction* old);
#ifdef __cplusplus
}
#else
#define FIRST_OF(first, ...) first
#define open(path, ...) in_process_open(path, FIRST_OF(__VA_ARGS__, 0), 0644)
#define ioctl(fd, request, argument) in_process_ioctl(fd, request, (uintptr_t)(argument))
#define mmap in_process_map
#define munmap in_process_unmap
#define close in_process_close
#define sigaction(number, action, old) in_process_sigaction(number, action, old)
#endif
