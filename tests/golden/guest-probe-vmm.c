/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest-probe-vmm: run guest-probe.bin on a /dev/gunyah.
 *   guest-probe-vmm [-d DEVICE] [-m lend|share] [-c COMMAND] [-p PATCHED.dtb] GUEST.bin GUEST.dtb
 * Without -c: the full probe (command 0), then one VM per command 1..14, each with its exit. The guest's bytes go to
 * stdout; other MMIO exits are shown inline as [r ADDR/LEN] and [w ADDR/LEN=DATA]; reads are answered with 88776655443322f1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "gh.h"
#define BASE 0x80000000ull
#define MEMSZ 0x800000ull
#define DTB 0x400000ull
static const char *dev = "/dev/gunyah", *patched; static int lend = 1, cmd;
static int vcpu[2]; static struct gh_run *run[2]; static volatile int timeout, over;
static void tick(int s) { (void)s; timeout = 1; for (int i = 0; i < 2; i++) if (run[i]) run[i]->immediate_exit = 1; alarm(1); }
static size_t load(const char *f, char *p, size_t max)
{
	int fd = open(f, O_RDONLY); size_t n = 0; ssize_t k;
	if (fd < 0) { perror(f); exit(1); }
	while (n < max && (k = read(fd, p + n, max - n)) > 0) n += k;
	close(fd);
	return n;
}
static void *cpu(void *a)
{
	int c = (int)(intptr_t)a; uint64_t d;
	for (;;) {
		run[c]->exit_reason = 0;
		if (ioctl(vcpu[c], GH_RUN, 0)) {
			if (errno == EBUSY) { usleep(1000); if (!timeout) continue; }
			if (errno == EINTR && !timeout) continue;
			fflush(stdout); printf("exit.cpu%d RUN %s%s\n", c, gh_errname(errno), timeout ? " (by the time limit: RUN does not return)" : "");
			return 0;
		}
		struct gh_run *r = run[c];
		if (r->exit_reason == 1) {
			memcpy(&d, r->mmio.data, 8);
			if (r->mmio.addr == 0x3f8 && r->mmio.is_write) putchar(r->mmio.data[0]);
			else if (r->mmio.addr == 0x3f0 && !r->mmio.is_write) { uint64_t v = cmd; memcpy(r->mmio.data, &v, 8); }
			else if (r->mmio.is_write) printf("[w 0x%llx/%u=0x%llx] ", (unsigned long long)r->mmio.addr, r->mmio.len, (unsigned long long)d);
			else { printf("[r 0x%llx/%u] ", (unsigned long long)r->mmio.addr, r->mmio.len); d = 0x88776655443322f1ull; memcpy(r->mmio.data, &d, 8); }
		} else if (r->exit_reason == 2) {
			const uint8_t *b = r->status.reason;
			printf("exit.cpu%d status %u type %u reason_size %u reason %02x %02x %02x %02x %02x %02x %02x %02x\n", c, r->status.status, r->status.type, r->status.reason_size,
			       b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]);
			return 0;
		} else { printf("exit.cpu%d exit_reason %u\n", c, r->exit_reason); return 0; }
	}
}
static int one(char **v)
{
	char *p = mmap(0, MEMSZ + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p = (char *)(((uintptr_t)p + (2u << 20) - 1) & ~((uintptr_t)(2u << 20) - 1));
	load(v[0], p, DTB); load(v[1], p + DTB, 0x200000);
	int d = open(dev, O_RDWR | O_CLOEXEC), vm = ioctl(d, GH_CREATE_VM, 0);
	if (vm < 0) { perror(dev); return 1; }
	struct gh_mem m = { 0, 7, BASE, MEMSZ, (uintptr_t)p };
	if (ioctl(vm, lend ? GH_A_LEND : GH_SET_MEM, &m)) { perror("memory"); return 1; }
	for (uint32_t c = 0; c < 2; c++) {
		struct gh_fn fn = { 1, 4, (uintptr_t)&c };
		vcpu[c] = ioctl(vm, GH_ADD_FN, &fn);
		run[c] = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu[c], 0);
		if (run[c] == MAP_FAILED) { perror("vcpu"); return 1; }
	}
	struct gh_pair dc = { BASE + DTB, 0x200000 };
	ioctl(vm, GH_SET_DTB, &dc);
	if (ioctl(vm, GH_START, 0)) { printf("START %s\n", gh_errname(errno)); return 1; }
	struct sigaction sa = { .sa_handler = tick }; sigaction(SIGALRM, &sa, 0); alarm(cmd ? 3 : 100);
	pthread_t t; pthread_create(&t, 0, cpu, (void *)1);
	cpu(0);
	for (int i = 0; i < 10 && pthread_tryjoin_np(t, 0); i++) { usleep(100000); if (i > 3) { timeout = 1; run[1]->immediate_exit = 1; pthread_kill(t, SIGALRM); } }
	alarm(0); fflush(stdout);
	for (int c = 0; c < 2; c++) { munmap(run[c], 4096); close(vcpu[c]); run[c] = 0; }
	close(vm); close(d);
	if (patched && !cmd) {
		unsigned char *b = (unsigned char *)p + DTB; size_t n = (size_t)b[4] << 24 | b[5] << 16 | b[6] << 8 | b[7];
		int f = open(patched, O_WRONLY | O_CREAT | O_TRUNC, 0644); (void)!write(f, b, n < 0x200000 ? n : 0x200000); close(f);
	}
	return 0;
}
int main(int c, char **v)
{
	int o, only = -1;
	while ((o = getopt(c, v, "d:m:c:p:")) > 0)
		switch (o) { case 'd': dev = optarg; break; case 'm': lend = optarg[0] == 'l'; break; case 'c': only = atoi(optarg); break; case 'p': patched = optarg; break; default: return 2; }
	if (optind + 2 != c) return 2;
	static const char *name[] = { "full probe", "SYSTEM_OFF", "SYSTEM_RESET", "SYSTEM_RESET2 32-bit type 0 cookie 0x55", "SYSTEM_RESET2 64-bit type 0 cookie 0x1122334455667788", "SYSTEM_RESET2 64-bit vendor type 0x80000001", "SYSTEM_RESET2 64-bit type 1 (not defined)", "CPU_OFF of the only running CPU", "exception with VBAR at an unmapped address", "SYSTEM_SUSPEND", "CPU_SUSPEND power down, nothing enabled", "SYSTEM_OFF by SMC", "WFI with nothing enabled", "exception with VBAR in the MMIO window", "CPU_ON with an entry in unmapped memory" };
	setvbuf(stdout, 0, _IOFBF, 1 << 16);
	for (cmd = 0; cmd < 15; cmd++) {
		if (only >= 0 && cmd != only) continue;
		printf("## command %d: %s\n", cmd, name[cmd]); fflush(stdout);
		pid_t p = fork(); if (!p) { int r = one(v + optind); fflush(stdout); _exit(r); }
		int st; waitpid(p, &st, 0);
		if (WIFSIGNALED(st)) printf("KILLED %d\n", WTERMSIG(st));
	}
	return 0;
}
