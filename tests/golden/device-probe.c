/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * device-probe: what a /dev/gunyah answers, one line per case.
 *
 *   device-probe [-d DEVICE] [-m lend|share|gmem] [-o ID-PREFIX] [-l] [-x]
 *
 * -l lists the cases. -x adds the hazard.* cases, which crash the real host kernel's task (oops).
 *
 * Output: id <TAB> layer <TAB> description <TAB> result. The layer says what answers on the machine the golden file
 * comes from: kernel-v17, legacy-mem, RM or HYP. Results: fd, value N, an errno name, SIGxxx, HANG, or several of
 * these joined by " ; " where a case makes several calls. Every case runs in a child with an alarm of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "gh.h"

static const char *devpath = "/dev/gunyah", *only = "";
static char mode; /* l, s, g: how guest memory is given */
static int outfd = 1, hazard;
static uint32_t gicd = 0x3fff0000;
static char out[2048];

static void say(const char *f, ...)
{
	size_t n = strlen(out);
	va_list ap;
	if (n && n < sizeof out - 4) { strcpy(out + n, " ; "); n += 3; }
	va_start(ap, f);
	vsnprintf(out + n, sizeof out - n, f, ap);
	va_end(ap);
}
static void flush_out(void) { ssize_t k = write(outfd, out, strlen(out)); (void)k; out[0] = 0; }
static void fin(void) { flush_out(); _exit(0); }
static void val(long rc) { if (rc < 0) say("%s", gh_errname(errno)); else say("value %ld", rc); }
static void hexval(long rc) { if (rc < 0) say("%s", gh_errname(errno)); else say("value 0x%lx", rc); }
static void isfd(long rc) { if (rc < 0) say("%s", gh_errname(errno)); else say("fd"); }
static void need(long rc, const char *what) { if (rc < 0) { say("SETUP %s %s", what, gh_errname(errno)); fin(); } }
static void on_sig(int s)
{
	say("%s", s == SIGBUS ? "SIGBUS" : s == SIGSEGV ? "SIGSEGV" : s == SIGALRM ? "HANG" : "SIG");
	fin();
}
static void nop_sig(int s) { (void)s; }

/* ---- a guest: 4 MiB at 0x80000000, code at +0, program at +0x1000, DTB at +2 MiB ---- */
#define BASE 0x80000000ull
#define MEMSZ 0x400000ull
#define DTBOFF 0x200000ull
#define DTBSZ 0x200000ull
static const uint32_t guest_ops[] = {
#include "guest-ops.inc"
};
#define VEC_WORD (0x1bc / 4)
static int dev = -1, vm = -1, vcpu[4] = { -1, -1, -1, -1 };
static struct gh_run *run[4];
static char *mem;

static void devopen(void) { dev = open(devpath, O_RDWR | O_CLOEXEC); need(dev, "open"); }
static void mkvm(void) { if (dev < 0) devopen(); vm = ioctl(dev, GH_CREATE_VM, 0); need(vm, "CREATE_VM"); }
static int addfn(uint32_t type, uint32_t size, void *arg)
{
	struct gh_fn f = { type, size, (uintptr_t)arg };
	return ioctl(vm, GH_ADD_FN, &f);
}
static int delfn(uint32_t type, uint32_t size, void *arg)
{
	struct gh_fn f = { type, size, (uintptr_t)arg };
	return ioctl(vm, GH_DEL_FN, &f);
}
static int addvcpu(uint32_t id) { return addfn(1, 4, &id); }
static int addirq(int fd, uint32_t label, uint32_t flags) { struct gh_irqfd a = { fd, label, flags, 0 }; return addfn(2, 16, &a); }
static int addioe(uint64_t addr, uint32_t len, int fd, uint32_t flags, uint64_t dm)
{
	struct gh_ioefd a = { dm, addr, len, fd, flags, 0 };
	return addfn(3, 32, &a);
}
static int delioe(uint64_t addr, uint32_t len, int fd, uint32_t flags, uint64_t dm)
{
	struct gh_ioefd a = { dm, addr, len, fd, flags, 0 };
	return delfn(3, 32, &a);
}
static struct gh_run *maprun(int fd) { return mmap(0, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); }
static void mkvcpu(int i) /* slot i = vCPU id i */
{
	vcpu[i] = addvcpu(i);
	need(vcpu[i], "ADD vcpu");
	run[i] = maprun(vcpu[i]);
	if (run[i] == MAP_FAILED) need(-1, "mmap vcpu");
}
static char *pages(size_t n)
{
	char *p = mmap(0, n + (2u << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) need(-1, "mmap");
	p = (char *)(((uintptr_t)p + (2u << 20) - 1) & ~((uintptr_t)(2u << 20) - 1));
	return p;
}
static int setmem(uint32_t label, uint32_t flags, uint64_t gpa, uint64_t size, void *p)
{
	struct gh_mem r = { label, flags, gpa, size, (uintptr_t)p };
	return ioctl(vm, mode == 's' ? GH_SET_MEM : GH_A_LEND, &r);
}
static int share(uint32_t label, uint32_t flags, uint64_t gpa, uint64_t size, void *p)
{
	struct gh_mem r = { label, flags, gpa, size, (uintptr_t)p };
	return ioctl(vm, GH_SET_MEM, &r);
}
static int setdtb(uint64_t gpa, uint64_t size) { struct gh_pair d = { gpa, size }; return ioctl(vm, GH_SET_DTB, &d); }

/* ---- devicetree writer ---- */
static unsigned char *fs, *fp; static char fstr[512]; static int fstrn;
static void be(uint32_t v) { fp[0] = v >> 24; fp[1] = v >> 16; fp[2] = v >> 8; fp[3] = v; fp += 4; }
static void nod(const char *n) { be(1); strcpy((char *)fp, n); for (int k = strlen(n) + 1; k & 3; k++) fp[k] = 0; fp += (strlen(n) + 4) & ~3u; }
static void end(void) { be(2); }
static void prop(const char *n, const void *d, int l)
{
	int o = 0;
	while (o < fstrn && strcmp(fstr + o, n)) o += strlen(fstr + o) + 1;
	if (o >= fstrn) { o = fstrn; strcpy(fstr + o, n); fstrn += strlen(n) + 1; }
	be(3); be(l); be(o); memset(fp, 0, (l + 3) & ~3u); memcpy(fp, d, l); fp += (l + 3) & ~3u;
}
static void strp(const char *n, const char *s) { prop(n, s, strlen(s) + 1); }
static void cells(const char *n, int c, ...)
{
	unsigned char b[64], *save = fp; va_list ap;
	fp = b; va_start(ap, c); for (int k = 0; k < c; k++) be(va_arg(ap, uint32_t)); va_end(ap); fp = save;
	prop(n, b, c * 4);
}
static void mkdtb(char *at, int ncpu, int nbell)
{
	unsigned char *p = (unsigned char *)at; char nm[40], gen[48];
	memset(p, 0, 0x2000); fs = p; fp = p + 56; fstrn = 0;
	nod(""); cells("#address-cells", 1, 2); cells("#size-cells", 1, 2); cells("interrupt-parent", 1, 1);
	nod("chosen"); strp("bootargs", ""); end();
	nod("cpus"); cells("#address-cells", 1, 1); cells("#size-cells", 1, 0);
	for (int i = 0; i < ncpu; i++) {
		sprintf(nm, "cpu@%d", i); nod(nm); strp("device_type", "cpu"); strp("compatible", "arm,arm-v8"); strp("enable-method", "psci");
		cells("reg", 1, i); prop("cpu-idle-states", "", 0); end();
	}
	end();
	nod("psci"); strp("compatible", "arm,psci-1.0"); strp("method", "hvc"); end();
	nod("intc"); strp("compatible", "arm,gic-v3"); cells("#interrupt-cells", 1, 3); prop("interrupt-controller", "", 0);
	cells("reg", 8, 0, gicd, 0, 0x10000, 0, gicd - 0x20000 * ncpu, 0, 0x20000 * ncpu); cells("phandle", 1, 1); end();
	nod("gunyah-vm-config"); strp("image-name", "probe"); strp("os-type", "linux"); cells("#address-cells", 1, 2); cells("#size-cells", 1, 2);
	nod("memory"); cells("#address-cells", 1, 2); cells("#size-cells", 1, 2); cells("base-address", 2, 0, (uint32_t)BASE); end();
	nod("interrupts"); cells("config", 1, 1); end();
	nod("vcpus"); strp("affinity", "proxy"); end();
	nod("vdevices"); strp("generate", "/hypervisor");
	for (int i = 0; i < nbell; i++) {
		sprintf(nm, "bell-%d", i); sprintf(gen, "/hypervisor/bell-%d", i); nod(nm); strp("vdevice-type", "doorbell"); strp("generate", gen);
		cells("label", 1, i); prop("peer-default", "", 0); prop("source-can-clear", "", 0); cells("interrupts", 3, 0, i, 1); end();
	}
	end(); end(); end(); be(9);
	int ssz = fp - p - 56, so = fp - p;
	memcpy(fp, fstr, fstrn); fp += (fstrn + 3) & ~3u;
	int tot = fp - p; fp = p;
	be(0xd00dfeed); be(tot); be(56); be(so); be(40); be(17); be(16); be(0); be(fstrn); be(ssz);
	memset(p + 40, 0, 16);
}

struct op { uint64_t op, addr, val; };
/* fill guest memory: interpreter, program for the boot CPU, DTB */
static void fill(const struct op *prog, int n, int ncpu, int nbell)
{
	memcpy(mem, guest_ops, sizeof guest_ops);
	for (int v = 0; v < 16; v++)
		memcpy(mem + 0x800 + v * 0x80, guest_ops + VEC_WORD, sizeof guest_ops - VEC_WORD * 4);
	memcpy(mem + 0x1000, prog, n * sizeof *prog);
	mkdtb(mem + DTBOFF, ncpu, nbell);
}
static void givemem(void)
{
	if (mode != 'g') { need(setmem(0, 7, BASE, MEMSZ, mem), "memory"); return; }
	struct gh_gmem g = { .flags = 1, .size = MEMSZ };
	int fd = ioctl(dev, GH_CREATE_GMEM, &g);
	need(fd, "CREATE_GUEST_MEM");
	char *p = mmap(0, MEMSZ, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) need(-1, "mmap gmem");
	memcpy(p, mem, MEMSZ); munmap(p, MEMSZ);
	struct gh_map m = { BASE, 0x70, fd, 0, MEMSZ };
	need(ioctl(vm, GH_MAP_MEM, &m), "MAP_MEM");
}
/* everything up to START */
static void guest(const struct op *prog, int n, int ncpu, int nbell)
{
	mkvm();
	mem = pages(MEMSZ);
	fill(prog, n, ncpu, nbell);
	givemem();
	for (int i = 0; i < ncpu; i++)
		mkvcpu(i);
	need(setdtb(BASE + DTBOFF, DTBSZ), "SET_DTB");
}
#define GUEST(ncpu, nbell, ...) do { \
	static const struct op pr_[] = { __VA_ARGS__ __VA_OPT__(,) { 0, 0, 0 } }; \
	guest(pr_, sizeof pr_ / sizeof *pr_, ncpu, nbell); \
} while (0)
static int start(void) { return ioctl(vm, GH_START, 0); }
/* RUN; EBUSY (seen while a VM goes down) is retried */
static int go(int c) { int r, n = 0; while ((r = ioctl(vcpu[c], GH_RUN, 0)) && errno == EBUSY && n++ < 2000) usleep(1000); return r; }
static void saypage(int c)
{
	struct gh_run *r = run[c]; uint64_t d;
	if (r->exit_reason == 1) {
		memcpy(&d, r->mmio.data, 8);
		if (r->mmio.is_write) say("mmio write 0x%llx len %u data 0x%llx", (unsigned long long)r->mmio.addr, r->mmio.len, (unsigned long long)d);
		else say("mmio read 0x%llx len %u", (unsigned long long)r->mmio.addr, r->mmio.len);
	} else if (r->exit_reason == 2)
		say("status %u type %u reason_size %u reason %02x%02x%02x%02x%02x%02x%02x%02x", r->status.status, r->status.type, r->status.reason_size,
		    r->status.reason[0], r->status.reason[1], r->status.reason[2], r->status.reason[3], r->status.reason[4], r->status.reason[5], r->status.reason[6], r->status.reason[7]);
	else if (r->exit_reason == 3) say("fault 0x%llx attempt %d", (unsigned long long)r->fault.addr, r->fault.attempt);
	else say("exit_reason %u", r->exit_reason);
}
static int rungo(int c) { int r = go(c); if (r) say("%s", gh_errname(errno)); else saypage(c); return r; }
/* like rungo, said only when it is not an MMIO exit */
static void drain(int c) { for (int i = 0; i < 50; i++) { if (go(c)) { say("%s", gh_errname(errno)); return; } saypage(c); if (run[c]->exit_reason != 1) return; } }
static void pollmask(int fd) { struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLPRI, 0 }; int r = poll(&p, 1, 0); if (r < 0) val(r); else say("ready %d revents 0x%x", r, p.revents); }
static void epolladd(int fd) { int e = epoll_create1(0); struct epoll_event v = { .events = EPOLLIN }; val(epoll_ctl(e, EPOLL_CTL_ADD, fd, &v)); }
static void fdname(int fd) { char a[64], b[128]; sprintf(a, "/proc/self/fd/%d", fd); int n = readlink(a, b, 127); if (n < 0) { val(n); return; } b[n] = 0; say("%s", b); }
static void inchild(void (*f)(void))
{
	int st;
	say("child:");
	flush_out();
	pid_t p = fork();
	if (!p) { alarm(3); say(""); f(); fin(); }
	waitpid(p, &st, 0);
	say("%s", WIFSIGNALED(st) ? " ; child killed" : " ; parent:");
}
static void *thread_run(void *a) { int c = (int)(intptr_t)a; int r = go(c); return (void *)(intptr_t)(r ? errno : 0); }
static void sayerr(void *r) { say("%s", r ? gh_errname((int)(intptr_t)r) : "value 0"); }
static int efd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
static void count(int fd) { uint64_t n = 0; if (read(fd, &n, 8) != 8) n = 0; say("count %llu", (unsigned long long)n); }

static const char *want; static int listing; static char ids[512][40], lay[512][16]; static const char *descs[512]; static int ncase;
static int T(const char *id, const char *layer, const char *d)
{
	if (listing) { snprintf(ids[ncase], 40, "%s", id); snprintf(lay[ncase], 16, "%s", layer); descs[ncase++] = d; return 0; }
	return !strcmp(id, want);
}
#define K "kernel-v17"
#define L "legacy-mem"
#define RM "RM"
#define HYP "HYP"
#include "device-cases.inc"

int main(int c, char **v)
{
	int o, lst = 0; const char *m = 0;
	while ((o = getopt(c, v, "d:m:o:lx")) > 0)
		switch (o) { case 'd': devpath = optarg; break; case 'm': m = optarg; break; case 'o': only = optarg; break; case 'l': lst = 1; break; case 'x': hazard = 1; break; default: return 2; }
	listing = 1; cases(); listing = 0;
	if (!lst) {
		int d = open(devpath, O_RDWR | O_CLOEXEC), f = d < 0 ? -1 : ioctl(d, GH_CREATE_VM, 0);
		if (f < 0) { perror(devpath); return 1; }
		errno = 0; ioctl(f, GH_A_LEND, 0); mode = errno == EFAULT ? 'l' : 0;
		if (!mode) { ioctl(f, GH_SET_MEM, 0); mode = errno == EFAULT ? 's' : 'g'; }
		if (m) mode = m[0];
		close(f); close(d);
		printf("# device-probe: %d cases, memory by %s\n", ncase, mode == 'l' ? "lend" : mode == 's' ? "share" : "guest_memfd");
	}
	for (int i = 0; i < ncase; i++) {
		if (strncmp(ids[i], only, strlen(only)) || (!hazard && !strncmp(ids[i], "hazard.", 7))) continue;
		printf("%s\t%s\t%s", ids[i], lay[i], descs[i]);
		if (lst) { puts(""); continue; }
		fflush(stdout);
		int p[2]; if (pipe(p)) return 1;
		pid_t pid = fork();
		if (!pid) {
			close(p[0]); outfd = p[1]; fcntl(outfd, F_SETFD, FD_CLOEXEC);
			signal(SIGBUS, on_sig); signal(SIGSEGV, on_sig); signal(SIGALRM, on_sig);
			alarm(8); want = ids[i]; cases(); fin();
		}
		close(p[1]);
		char b[4096]; int n = 0, st = 0, done = 0; ssize_t k;
		fcntl(p[0], F_SETFL, O_NONBLOCK);
		for (int t = 0; t < 1500; t++) { /* 15 s at most */
			while (n < 4000 && (k = read(p[0], b + n, 4000 - n)) > 0) n += k;
			if (waitpid(pid, &st, WNOHANG) == pid) { done = 1; break; }
			usleep(t < 100 ? 1000 : 10000);
		}
		if (!done) kill(pid, SIGKILL);
		while (n < 4000 && (k = read(p[0], b + n, 4000 - n)) > 0) n += k;
		close(p[0]); b[n] = 0;
		printf("\t%s%s\n", b, !done ? " STUCK" : WIFSIGNALED(st) ? " KILLED" : n ? "" : "(nothing)");
		fflush(stdout);
	}
	return 0;
}
