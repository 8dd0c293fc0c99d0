/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dtb-probe: START a small guest with every devicetree of dtb/cases.tsv.
 *
 *   dtb-probe [-d DEVICE] [-m lend|share] [-o ID] [-f FROM] [-t TO] [-p DIR] [-k] DTBDIR
 *
 * DTBDIR holds the compiled variants and cases.tsv (CMakeLists.txt). -p: write the devicetree as it lies in guest
 * memory after the VM is gone (patched by the Resource Manager) to DIR/ID.dtb. -k: a line with the id before
 * every case (to find it in the Resource Manager's log). -f, -t: row numbers. The aff-static-*, attr-noshutdown and deep-17 rows (they
 * wedge the real thing: nothing can be started after them) run only by name.
 * Output: id <TAB> description <TAB> result of START <TAB> what the guest did <TAB> DTB totalsize before/after.
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
#define IO 0x3e000000ull
static const uint32_t guest_ops[] = {
#include "guest-ops.inc"
};
#define VEC_WORD (0x1bc / 4)
struct op { uint64_t op, addr, val; };
static const char *dev = "/dev/gunyah", *only, *patched; static int kmsg, lend = 1;
static int vcpu[2]; static struct gh_run *run[2]; static volatile int timeout;

static void tick(int s) { (void)s; timeout = 1; for (int i = 0; i < 2; i++) if (run[i]) run[i]->immediate_exit = 1; alarm(1); }
static void put32(unsigned char *p, uint32_t v) { p[0] = v >> 24; p[1] = v >> 16; p[2] = v >> 8; p[3] = v; }
static uint32_t get32(const unsigned char *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
static int memreg(int vm, unsigned long req, uint32_t label, uint64_t gpa, uint64_t size, void *p)
{
	struct gh_mem r = { label, 7, gpa, size, (uintptr_t)p };
	return ioctl(vm, req, &r);
}
static void *pages(size_t n)
{
	char *p = mmap(0, n + (2u << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return (void *)(((uintptr_t)p + (2u << 20) - 1) & ~((uintptr_t)(2u << 20) - 1));
}
/* run a vCPU until it stops; a word about every exit that is not expected */
static void drive(int c, char *say)
{
	for (int n = 0; n < 40; ) {
		if (ioctl(vcpu[c], GH_RUN, 0)) {
			if (errno == EBUSY) { usleep(1000); if (!timeout) continue; }
			sprintf(say + strlen(say), " RUN:%s", timeout ? "does-not-return" : gh_errname(errno));
			return;
		}
		n++;
		struct gh_run *r = run[c]; uint64_t d;
		if (r->exit_reason == 1) {
			memcpy(&d, r->mmio.data, 8);
			static const char *nm[] = { "mpidr", "psci-version", "cpu-on", "off-returned", "mpidr1" };
			unsigned k = (r->mmio.addr - IO) / 8;
			if (r->mmio.is_write && k < 5) sprintf(say + strlen(say), " %s=0x%llx", nm[k], (unsigned long long)d);
			else sprintf(say + strlen(say), " %s@0x%llx/%u", r->mmio.is_write ? "w" : "r", (unsigned long long)r->mmio.addr, r->mmio.len);
			if (k == 3) return;
		} else if (r->exit_reason == 2) {
			sprintf(say + strlen(say), " status=%u type=%u", r->status.status, r->status.type);
			return;
		} else { sprintf(say + strlen(say), " exit_reason=%u", r->exit_reason); return; }
	}
}
static char say1[512];
static void *second(void *a) { (void)a; drive(1, say1); return 0; }

static FILE *O; /* this case's result, written in one go */
static void one(const char *dir, const char *id, const char *file, int ncpu, const char *opts)
{
	char path[512], say0[1024] = "", *e; uint64_t off = 0x400000, size = 0x200000; uint32_t slack = 0; int sh2 = -1, l2 = -1; const char *raw = 0; int exact = 0;
	char o[128]; snprintf(o, sizeof o, "%s", opts);
	for (char *t = strtok(o, ","); t; t = strtok(0, ",")) {
		if (!strncmp(t, "size=", 5)) { if (!strcmp(t + 5, "exact")) exact = 1; else size = strtoull(t + 5, 0, 0); }
		else if (!strncmp(t, "off=", 4)) off = strtoull(t + 4, 0, 0);
		else if (!strncmp(t, "slack=", 6)) slack = strtoul(t + 6, &e, 0);
		else if (!strncmp(t, "share2=", 7)) sh2 = atoi(t + 7);
		else if (!strncmp(t, "lend2=", 6)) l2 = atoi(t + 6);
		else if (!strncmp(t, "raw=", 4)) raw = strdup(t + 4);
	}
	char *mem = pages(MEMSZ); unsigned char *b = (unsigned char *)mem + off;
	snprintf(path, sizeof path, "%s/%s.dtb", dir, file);
	int f = open(path, O_RDONLY); ssize_t n = f < 0 ? -1 : read(f, b, 0x200000 < MEMSZ - off ? 0x200000 : MEMSZ - off);
	if (n <= 0) { fprintf(O, "SETUP no %s\t\t\n", path); return; }
	close(f);
	uint32_t st = get32(b + 8), ssz = get32(b + 36);
	if (slack) put32(b + 4, slack);
	if (exact) size = n;
	if (raw) {
		if (!strcmp(raw, "zeros")) memset(b, 0, n);
		else if (!strcmp(raw, "magic")) put32(b, 0xd00dfeee);
		else if (!strcmp(raw, "version")) { put32(b + 20, 99); put32(b + 24, 99); }
		else if (!strcmp(raw, "v16")) put32(b + 20, 16);
		else if (!strcmp(raw, "total")) put32(b + 4, 0x300000);
		else if (!strcmp(raw, "short")) put32(b + 4, 256);
		else if (!strcmp(raw, "trunc")) memset(b + st + (ssz / 8) * 4, 0, (ssz / 8) * 4);
		else if (!strcmp(raw, "noend")) put32(b + st + ssz - 4, 4);
		else if (!strcmp(raw, "strings")) put32(b + 12, 0x100000);
		else if (!strcmp(raw, "random")) memset(b + st, 0xa5, ssz);
	}
	uint32_t before = get32(b + 4);
	memcpy(mem, guest_ops, sizeof guest_ops);
	for (int v = 0; v < 16; v++) memcpy(mem + 0x800 + v * 0x80, guest_ops + VEC_WORD, sizeof guest_ops - VEC_WORD * 4);
	struct op p[12], *q = p;
	*q++ = (struct op){ 16, IO, 0 };
	*q++ = (struct op){ 11, 0x84000000, 0 };
	*q++ = (struct op){ 9, IO + 8, 0 };
	if (ncpu > 1) { *q++ = (struct op){ 15, 1, BASE + 0x1800 }; *q++ = (struct op){ 9, IO + 16, 0 }; *q++ = (struct op){ 0x22, 0, 12000000 }; }
	*q++ = (struct op){ 0, 0, 0 };
	*q++ = (struct op){ 4, IO + 24, 0xdead };
	*q++ = (struct op){ 12, 0, 0 };
	memcpy(mem + 0x1000, p, (char *)q - (char *)p);
	struct op s[2] = { { 16, IO + 32, 0 }, { 12, 0, 0 } };
	memcpy(mem + 0x1800, s, sizeof s);

	int d = open(dev, O_RDWR | O_CLOEXEC), vm = ioctl(d, GH_CREATE_VM, 0);
	if (vm < 0) { fprintf(O, "SETUP %s\t\t\n", gh_errname(errno)); return; }
	if (memreg(vm, lend ? GH_A_LEND : GH_SET_MEM, l2 == 0 ? 1 : 0, BASE, MEMSZ, mem)) { fprintf(O, "SETUP memory %s\t\t\n", gh_errname(errno)); return; }
	if (sh2 >= 0 && memreg(vm, GH_SET_MEM, sh2, 0x90000000, 0x200000, pages(0x200000))) fprintf(O, "SETUP share2 %s ", gh_errname(errno));
	if (l2 >= 0 && memreg(vm, GH_A_LEND, l2, 0x90000000, 0x200000, pages(0x200000))) fprintf(O, "SETUP lend2 %s ", gh_errname(errno));
	for (uint32_t c = 0; c < (uint32_t)(ncpu > 2 ? 2 : ncpu); c++) {
		struct gh_fn fn = { 1, 4, (uintptr_t)&c };
		vcpu[c] = ioctl(vm, GH_ADD_FN, &fn);
		run[c] = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu[c], 0);
	}
	struct gh_pair dc = { BASE + off, size };
	ioctl(vm, GH_SET_DTB, &dc);
	struct sigaction sa = { .sa_handler = tick }; sigaction(SIGALRM, &sa, 0); alarm(3);
	int r = ioctl(vm, GH_START, 0), er = errno;
	fprintf(O, "%s", r ? gh_errname(er) : "value 0");
	if (!r) {
		pthread_t t;
		if (ncpu > 1) pthread_create(&t, 0, second, 0);
		drive(0, say0);
		if (ncpu > 1) { for (int i = 0; i < 20 && strstr(say0, "status") && !strstr(say1, "status") && !strstr(say1, "RUN"); i++) usleep(50000); if (!strstr(say1, "status")) raise(SIGALRM), run[1]->immediate_exit = 1, pthread_kill(t, SIGALRM); pthread_join(t, 0); }
	}
	fprintf(O, "\tcpu0:%s%s%s", r ? " -" : say0, ncpu > 1 && !r ? " cpu1:" : "", ncpu > 1 && !r ? say1 : "");
	alarm(0);
	for (int c = 0; c < 2 && run[c]; c++) { munmap(run[c], 4096); close(vcpu[c]); run[c] = 0; }
	close(vm); close(d);
	uint32_t after = get32(b + 4);
	fprintf(O, "\t%u/%u\n", before, after);
	if (patched && !r) {
		snprintf(path, sizeof path, "%s/%s.dtb", patched, id);
		f = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		(void)!write(f, b, after < 0x200000 ? after : 0x200000); close(f);
	}
}

int main(int c, char **v)
{
	int o, from = 0, to = 1 << 20, k = 0; char line[1024], path[512];
	while ((o = getopt(c, v, "d:m:o:p:kf:t:")) > 0)
		switch (o) { case 'd': dev = optarg; break; case 'm': lend = optarg[0] == 'l'; break; case 'o': only = optarg; break; case 'p': patched = optarg; break; case 'k': kmsg = 1; break; case 'f': from = atoi(optarg); break; case 't': to = atoi(optarg); break; default: return 2; }
	if (optind >= c) return 2;
	snprintf(path, sizeof path, "%s/cases.tsv", v[optind]);
	FILE *fp = fopen(path, "r"); if (!fp) { perror(path); return 1; }
	setvbuf(stdout, 0, _IOLBF, 4096);
	while (fgets(line, sizeof line, fp)) {
		char *s = line, *id = strsep(&s, "\t"), *file = strsep(&s, "\t"), *nc = strsep(&s, "\t"), *opt = strsep(&s, "\t"), *desc = strsep(&s, "\n");
		k++;
		if (only ? strcmp(only, id) : k < from || k > to || !strncmp(id, "aff-static-", 11) || !strcmp(id, "attr-noshutdown") || !strcmp(id, "deep-17")) continue;
		if (kmsg) { printf("##### %s\n", id); fflush(stdout); }
		fflush(stdout);
		pid_t pid = fork();
		if (!pid) {
			char *res; size_t len;
			O = open_memstream(&res, &len);
			one(v[optind], id, file, atoi(nc), opt);
			fclose(O);
			printf("%s\t%s\t%s", id, desc, res); fflush(stdout);
			_exit(0);
		}
		int st, i;
		for (i = 0; i < 1500 && waitpid(pid, &st, WNOHANG) != pid; i++) usleep(10000);
		if (i == 1500) { kill(pid, SIGKILL); printf("%s\t%s\tSTUCK\t\t\n", id, desc); }
		else if (WIFSIGNALED(st)) printf("%s\t%s\tKILLED %d\t\t\n", id, desc, WTERMSIG(st));
		fflush(stdout);
	}
	return 0;
}
