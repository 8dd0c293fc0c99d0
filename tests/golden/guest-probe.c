/* SPDX-License-Identifier: BSD-3-Clause */
/* guest-probe: a bare-metal AArch64 guest that says what it sees, "name value" lines on a byte port at 0x3f8. */
typedef unsigned long u64; typedef unsigned u32; typedef unsigned short u16; typedef unsigned char u8;
extern volatile u64 boot_regs[32], sec_regs[32];
extern volatile struct { u64 esr, far, elr, spsr, n, resume; } exc;
extern u32 codebuf[16];
extern void sec_entry(void);
extern void thunk(u64 *in, u64 *out, void *code);
extern void fetch(u64 a);
#define PORT ((volatile u8 *)0x3f8)
static void pc(char c) { *PORT = c; }
static void ps(const char *s) { while (*s) pc(*s++); }
static void px(u64 v) { ps("0x"); int on = 0; for (int i = 60; i >= 0; i -= 4) { int d = v >> i & 15; if (d || on || !i) { on = 1; pc(d < 10 ? '0' + d : 'a' + d - 10); } } }
static void pd(u64 v) { if (v >= 10) pd(v / 10); pc('0' + v % 10); }
static void kv(const char *k, u64 v) { ps(k); pc(' '); px(v); pc('\n'); }
static void sync(void) { for (int i = 0; i < 16; i++) __asm__ volatile("dc cvau, %0" :: "r"(codebuf + i)); __asm__ volatile("dsb ish"); __asm__ volatile("ic iallu; dsb ish; isb"); }
static u64 call(u32 insn, u64 arg)
{
	codebuf[0] = insn; codebuf[1] = 0xd65f03c0; sync();
	register u64 x0 __asm__("x0") = arg; register u64 f __asm__("x9") = (u64)codebuf;
	__asm__ volatile("blr %1" : "+r"(x0) : "r"(f) : "x30", "memory", "cc");
	return x0;
}
#define ENC(o0, o1, n, m, o2) ((((u32)(o0) & 1) << 19) | ((o1) << 16) | ((n) << 12) | ((m) << 8) | ((o2) << 5))
static void sr(const char *name, u32 enc)
{
	u64 n = exc.n, v = call(0xd5300000 | enc, 0x5afe5afe);
	ps(name); pc(' ');
	if (exc.n != n) { ps("TRAP esr "); px(exc.esr); } else px(v);
	pc('\n');
}
static void sw(const char *name, u32 enc, u64 v)
{
	u64 n = exc.n; call(0xd5100000 | enc, v);
	ps(name); ps(" write "); px(v); ps(" -> ");
	if (exc.n != n) { ps("TRAP esr "); px(exc.esr); } else { ps("ok, reads "); n = exc.n; v = call(0xd5300000 | enc, 0); if (exc.n != n) ps("TRAP"); else px(v); }
	pc('\n');
}
static u64 in[18], out[18];
/* a call with a pattern in the argument registers; which registers differ afterwards */
static u64 smccc(const char *name, int smc, u32 imm, u64 f, u64 a, u64 b, u64 c)
{
	for (int i = 0; i < 18; i++) in[i] = 0x1111111111111111ul * (i & 15) + 0x100 * i;
	in[0] = f; in[1] = a; in[2] = b; in[3] = c;
	for (int i = 4; i < 8; i++) in[i] = 0;
	codebuf[0] = (smc ? 0xd4000003 : 0xd4000002) | imm << 5; codebuf[1] = 0xd65f03c0; sync();
	u64 n = exc.n; thunk(in, out, codebuf);
	if (!name) return out[0];
	ps(name); pc(' ');
	if (exc.n != n) { ps("TRAP esr "); px(exc.esr); pc('\n'); return 0; }
	px(out[0]);
	for (int i = 1; i < 18; i++) if (out[i] != in[i]) { ps(" x"); pd(i); pc('='); px(out[i]); }
	pc('\n');
	return out[0];
}
#define HVC(name, f, a, b, c) smccc(name, 0, 0, f, a, b, c)
static void res(u64 n, int load, u64 v) { if (exc.n != n) { ps("TRAP esr "); px(exc.esr); ps(" far "); px(exc.far); } else { ps("ok"); if (load) { pc(' '); px(v); } } pc('\n'); }
#define ACC(name, a, load, asmtext) do { u64 n_ = exc.n, v_ = 0xdead, w_ = 0xbeef, a_ = (a); ps(name); pc(' '); \
	__asm__ volatile(asmtext : "+r"(v_), "+r"(w_), "+r"(a_) :: "memory"); res(n_, load, v_); } while (0)
static u64 rd32(u64 a) { return *(volatile u32 *)a; }
static void reg32(const char *k, u64 a) { u64 n = exc.n, v = rd32(a); ps(k); pc(' '); if (exc.n != n) { ps("TRAP esr "); px(exc.esr); } else px(v); pc('\n'); }
static void reg64(const char *k, u64 a) { u64 n = exc.n, v = *(volatile u64 *)a; ps(k); pc(' '); if (exc.n != n) { ps("TRAP esr "); px(exc.esr); } else px(v); pc('\n'); }
static void wr32(const char *k, u64 a, u32 w) { u64 n = exc.n; *(volatile u32 *)a = w; ps(k); ps(" write "); px(w); ps(" -> "); if (exc.n != n) { ps("TRAP esr "); px(exc.esr); } else px(rd32(a)); pc('\n'); }
#define MRS(r) ({ u64 v_; __asm__ volatile("isb; mrs %0, " #r : "=r"(v_)); v_; })
#define MSR(r, v) __asm__ volatile("msr " #r ", %0; isb" :: "r"((u64)(v)))
static u64 cnt(void) { return MRS(cntvct_el0); }
static volatile u32 secflag, secgo;
#define GICD 0x3fff0000ul
#define GICR 0x3ffb0000ul

static void names(void)
{
	static const struct { const char *n; u32 e; } t[] = {
		{"midr_el1", ENC(3,0,0,0,0)}, {"mpidr_el1", ENC(3,0,0,0,5)}, {"revidr_el1", ENC(3,0,0,0,6)}, {"aidr_el1", ENC(3,1,0,0,7)},
		{"ctr_el0", ENC(3,3,0,0,1)}, {"dczid_el0", ENC(3,3,0,0,7)}, {"clidr_el1", ENC(3,1,0,0,1)}, {"csselr_el1", ENC(3,2,0,0,0)}, {"ccsidr_el1", ENC(3,1,0,0,0)}, {"ccsidr2_el1", ENC(3,1,0,0,2)}, {"gmid_el1", ENC(3,1,0,0,4)},
		{"actlr_el1", ENC(3,0,1,0,1)}, {"sctlr_el1", ENC(3,0,1,0,0)}, {"cpacr_el1", ENC(3,0,1,0,2)}, {"rgsr_el1", ENC(3,0,1,0,5)}, {"gcr_el1", ENC(3,0,1,0,6)}, {"zcr_el1", ENC(3,0,1,2,0)}, {"trfcr_el1", ENC(3,0,1,2,1)},
		{"tcr_el1", ENC(3,0,2,0,2)}, {"ttbr0_el1", ENC(3,0,2,0,0)}, {"mair_el1", ENC(3,0,10,2,0)}, {"amair_el1", ENC(3,0,10,3,0)}, {"afsr0_el1", ENC(3,0,5,1,0)}, {"contextidr_el1", ENC(3,0,13,0,1)}, {"apiakeylo_el1", ENC(3,0,2,1,0)},
		{"lorid_el1", ENC(3,0,10,4,7)}, {"lorc_el1", ENC(3,0,10,4,3)}, {"erridr_el1", ENC(3,0,5,3,0)}, {"errselr_el1", ENC(3,0,5,3,1)}, {"erxfr_el1", ENC(3,0,5,4,0)}, {"disr_el1", ENC(3,0,12,1,1)}, {"mpam0_el1", ENC(3,0,10,5,1)}, {"mpamidr_el1", ENC(3,0,10,4,4)},
		{"cntfrq_el0", ENC(3,3,14,0,0)}, {"cntkctl_el1", ENC(3,0,14,1,0)}, {"cntp_ctl_el0", ENC(3,3,14,2,1)}, {"cntv_ctl_el0", ENC(3,3,14,3,1)}, {"cntp_cval_el0", ENC(3,3,14,2,2)}, {"cntv_cval_el0", ENC(3,3,14,3,2)}, {"cntvctss_el0", ENC(3,3,14,0,6)}, {"cntps_ctl_el1", ENC(3,7,14,2,1)},
		{"cntvoff_el2", ENC(3,4,14,0,3)}, {"hcr_el2", ENC(3,4,1,1,0)}, {"vbar_el2", ENC(3,4,12,0,0)}, {"scr_el3", ENC(3,6,1,1,0)}, {"sctlr_el12", ENC(3,5,1,0,0)},
		{"pmcr_el0", ENC(3,3,9,12,0)}, {"pmcntenset_el0", ENC(3,3,9,12,1)}, {"pmovsclr_el0", ENC(3,3,9,12,3)}, {"pmselr_el0", ENC(3,3,9,12,5)}, {"pmceid0_el0", ENC(3,3,9,12,6)}, {"pmceid1_el0", ENC(3,3,9,12,7)}, {"pmccntr_el0", ENC(3,3,9,13,0)}, {"pmxevtyper_el0", ENC(3,3,9,13,1)}, {"pmxevcntr_el0", ENC(3,3,9,13,2)}, {"pmuserenr_el0", ENC(3,3,9,14,0)}, {"pmintenset_el1", ENC(3,0,9,14,1)}, {"pmmir_el1", ENC(3,0,9,14,6)}, {"pmevcntr0_el0", ENC(3,3,14,8,0)}, {"pmevtyper0_el0", ENC(3,3,14,12,0)}, {"pmccfiltr_el0", ENC(3,3,14,15,7)},
		{"mdscr_el1", ENC(2,0,0,2,2)}, {"mdccint_el1", ENC(2,0,0,2,0)}, {"mdccsr_el0", ENC(2,3,0,1,0)}, {"mdrar_el1", ENC(2,0,1,0,0)}, {"oslsr_el1", ENC(2,0,1,1,4)}, {"osdlr_el1", ENC(2,0,1,3,4)}, {"dbgprcr_el1", ENC(2,0,1,4,4)}, {"dbgclaimset_el1", ENC(2,0,7,8,6)}, {"dbgauthstatus_el1", ENC(2,0,7,14,6)}, {"dbgbvr0_el1", ENC(2,0,0,0,4)}, {"dbgbcr0_el1", ENC(2,0,0,0,5)}, {"dbgwvr0_el1", ENC(2,0,0,0,6)}, {"dbgwcr0_el1", ENC(2,0,0,0,7)}, {"osdtrrx_el1", ENC(2,0,0,0,2)}, {"trcidr0", ENC(2,1,0,8,7)}, {"trcoslsr", ENC(2,1,1,1,4)},
		{"amcr_el0", ENC(3,3,13,2,0)}, {"amcfgr_el0", ENC(3,3,13,2,1)}, {"amevcntr00_el0", ENC(3,3,13,4,0)}, {"pmscr_el1", ENC(3,0,9,9,0)}, {"pmbidr_el1", ENC(3,0,9,10,7)}, {"trbidr_el1", ENC(3,0,9,11,7)},
		{"rndr", ENC(3,3,2,4,0)}, {"dit", ENC(3,3,4,2,5)}, {"ssbs", ENC(3,3,4,2,6)}, {"pan", ENC(3,0,4,2,3)}, {"uao", ENC(3,0,4,2,4)}, {"tco", ENC(3,3,4,2,7)}, {"svcr", ENC(3,3,4,2,2)}, {"tpidr2_el0", ENC(3,3,13,0,5)}, {"impdef_s3_0_c15_c0_0", ENC(3,0,15,0,0)}, {"impdef_s3_0_c11_c0_0", ENC(3,0,11,0,0)},
		{"icc_ctlr_el1", ENC(3,0,12,12,4)}, {"icc_sre_el1", ENC(3,0,12,12,5)}, {"icc_pmr_el1", ENC(3,0,4,6,0)}, {"icc_bpr0_el1", ENC(3,0,12,8,3)}, {"icc_bpr1_el1", ENC(3,0,12,12,3)}, {"icc_igrpen0_el1", ENC(3,0,12,12,6)}, {"icc_igrpen1_el1", ENC(3,0,12,12,7)}, {"icc_rpr_el1", ENC(3,0,12,11,3)}, {"icc_hppir0_el1", ENC(3,0,12,8,2)}, {"icc_hppir1_el1", ENC(3,0,12,12,2)}, {"icc_ap0r0_el1", ENC(3,0,12,8,4)}, {"icc_ap1r0_el1", ENC(3,0,12,9,0)}, {"icc_ap1r1_el1", ENC(3,0,12,9,1)}, {"icc_iar1_el1", ENC(3,0,12,12,0)}, {"icc_nmiar1_el1", ENC(3,0,12,9,5)}, {"icc_sre_el2", ENC(3,4,12,9,5)} };
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) sr(t[i].n, t[i].e);
	for (int s = 0; s < 6; s++) { MSR(csselr_el1, s); ps("ccsidr.sel"); pd(s); pc(' '); px(MRS(ccsidr_el1)); pc('\n'); }
	MSR(csselr_el1, 0);
	for (int m = 0; m < 8; m++) for (int o = 0; o < 8; o++) { char k[] = "id.3.0.0.m.o"; k[9] = '0' + m; k[11] = '0' + o; sr(k, ENC(3, 0, 0, m, o)); }
	sw("actlr_el1", ENC(3,0,1,0,1), 0xff); sw("pmcr_el0", ENC(3,3,9,12,0), 0x7f); sw("pmuserenr_el0", ENC(3,3,9,14,0), 0xf); sw("pmcntenset_el0", ENC(3,3,9,12,1), 0xffffffff); sw("pmccntr_el0", ENC(3,3,9,13,0), 5);
	sw("mdscr_el1", ENC(2,0,0,2,2), 0x8000); sw("dbgbvr0_el1", ENC(2,0,0,0,4), 0x1000); sw("osdlr_el1", ENC(2,0,1,3,4), 1); sw("mair_el1", ENC(3,0,10,2,0), 0x44ff); sw("tcr_el1", ENC(3,0,2,0,2), 0); sw("cpacr_el1", ENC(3,0,1,0,2), 0xffffffff); sw("sctlr_el1.ee-keep", ENC(3,0,1,0,0), boot_regs[0] ? MRS(sctlr_el1) : 0); sw("midr_el1", ENC(3,0,0,0,0), 1); sw("cntfrq_el0", ENC(3,3,14,0,0), 1); sw("amair_el1", ENC(3,0,10,3,0), 1); sw("cntkctl_el1", ENC(3,0,14,1,0), 3);
	MSR(cpacr_el1, 3 << 20);
}

static void gic(void)
{
	reg32("gicd.ctlr", GICD); reg32("gicd.typer", GICD + 4); reg32("gicd.iidr", GICD + 8); reg32("gicd.typer2", GICD + 0xc); reg32("gicd.statusr", GICD + 0x10); reg32("gicd.pidr2", GICD + 0xffe8); reg32("gicd.pidr0", GICD + 0xffe0); reg32("gicd.pidr4", GICD + 0xffd0); reg32("gicd.cidr0", GICD + 0xfff0);
	reg32("gicd.igroupr0", GICD + 0x80); reg32("gicd.igroupr1", GICD + 0x84); reg32("gicd.isenabler0", GICD + 0x100); reg32("gicd.isenabler1", GICD + 0x104); reg32("gicd.ispendr1", GICD + 0x204); reg32("gicd.ipriorityr8", GICD + 0x420); reg32("gicd.itargetsr8", GICD + 0x820); reg32("gicd.icfgr2", GICD + 0xc08); reg32("gicd.icfgr0", GICD + 0xc00); reg32("gicd.igrpmodr1", GICD + 0xd04); reg32("gicd.nsacr1", GICD + 0xe04); reg32("gicd.sgir", GICD + 0xf00); reg64("gicd.irouter32", GICD + 0x6100); reg64("gicd.irouter1019", GICD + 0x6000 + 8 * 1019); reg32("gicd.setspi", GICD + 0x40); reg32("gicd.unused.3000", GICD + 0x3000); reg32("gicd.igroupr1e", GICD + 0x1000); reg32("gicd.inmir1", GICD + 0xf84);
	wr32("gicd.ctlr", GICD, 0xffffffff); wr32("gicd.ctlr", GICD, 0); wr32("gicd.ctlr", GICD, 2); wr32("gicd.igroupr1", GICD + 0x84, 0xffffffff); wr32("gicd.igroupr31", GICD + 0x80 + 31 * 4, 0xffffffff); wr32("gicd.isenabler31", GICD + 0x100 + 31 * 4, 0xffffffff); wr32("gicd.icenabler31", GICD + 0x180 + 31 * 4, 0xffffffff); wr32("gicd.ipriorityr8", GICD + 0x420, 0xffffffff); wr32("gicd.icfgr2", GICD + 0xc08, 0xffffffff); wr32("gicd.typer", GICD + 4, 0); wr32("gicd.itargetsr8", GICD + 0x820, 0xffffffff);
	{ u64 n = exc.n; *(volatile u64 *)(GICD + 0x6100) = 0x8000000012345678; ps("gicd.irouter32 write 0x8000000012345678 -> "); if (n != exc.n) ps("TRAP"); else px(*(volatile u64 *)(GICD + 0x6100)); pc('\n'); *(volatile u64 *)(GICD + 0x6100) = 0; }
	ACC("gicd.ctlr.ldrb", GICD, 1, "ldrb %w0, [%2]"); ACC("gicd.ctlr.ldrh", GICD, 1, "ldrh %w0, [%2]"); ACC("gicd.ctlr.ldrx", GICD, 1, "ldr %0, [%2]"); ACC("gicd.ipriorityr32.ldrb", GICD + 0x420, 1, "ldrb %w0, [%2]"); ACC("gicd.irouter32.ldrw", GICD + 0x6100, 1, "ldr %w0, [%2]"); ACC("gicd.ctlr.ldrw+2", GICD + 2, 1, "ldr %w0, [%2]"); ACC("gicd.ctlr.ldp", GICD, 1, "ldp %w0, %w1, [%2]"); ACC("gicd.ctlr.ldr.post", GICD, 1, "ldr %w0, [%2], #4");
	for (int i = 0; i < 3; i++) { u64 r = GICR + 0x20000 * i; ps("gicr"); pd(i); pc('\n'); reg64(" gicr.typer", r + 8); if (i == 2) break; reg32(" gicr.ctlr", r); reg32(" gicr.iidr", r + 4); reg32(" gicr.statusr", r + 0x10); reg32(" gicr.waker", r + 0x14); reg32(" gicr.pidr2", r + 0xffe8); reg64(" gicr.propbaser", r + 0x70); reg64(" gicr.pendbaser", r + 0x78); reg32(" gicr.igroupr0", r + 0x10080); reg32(" gicr.isenabler0", r + 0x10100); reg32(" gicr.ispendr0", r + 0x10200); reg32(" gicr.ipriorityr6", r + 0x10418); reg32(" gicr.icfgr0", r + 0x10c00); reg32(" gicr.icfgr1", r + 0x10c04); reg32(" gicr.igrpmodr0", r + 0x10d00); reg32(" gicr.nsacr", r + 0x10e00); }
	wr32("gicr.waker", GICR + 0x14, 0); wr32("gicr.igroupr0", GICR + 0x10080, 0xffffffff); wr32("gicr.isenabler0", GICR + 0x10100, 0xffffffff); wr32("gicr.icenabler0", GICR + 0x10180, 0xffffffff); wr32("gicr.ipriorityr6", GICR + 0x10418, 0xffffffff); wr32("gicr.icfgr1", GICR + 0x10c04, 0); wr32("gicr.icfgr0", GICR + 0x10c00, 0); wr32("gicr.ctlr", GICR, 1);
	sw("icc_pmr_el1", ENC(3,0,4,6,0), 0xff); sw("icc_bpr1_el1", ENC(3,0,12,12,3), 0); sw("icc_bpr0_el1", ENC(3,0,12,8,3), 0); sw("icc_ctlr_el1", ENC(3,0,12,12,4), 0xffffffff); sw("icc_ctlr_el1", ENC(3,0,12,12,4), 0); sw("icc_sre_el1", ENC(3,0,12,12,5), 0); sw("icc_igrpen1_el1", ENC(3,0,12,12,7), 1); sw("icc_igrpen0_el1", ENC(3,0,12,12,6), 1);
}

static void psci(void)
{
	static const u32 id[] = { 0x84000000, 0x84000001, 0xc4000001, 0x84000002, 0x84000003, 0xc4000003, 0x84000004, 0xc4000004, 0x84000005, 0xc4000005, 0x84000006, 0x84000007, 0xc4000007, 0x84000008, 0x84000009, 0x8400000a, 0x8400000b, 0x8400000c, 0xc400000c, 0x8400000d, 0xc400000d, 0x8400000e, 0xc400000e, 0x8400000f, 0x84000010, 0xc4000010, 0x84000011, 0xc4000011, 0x84000012, 0xc4000012, 0x84000013, 0xc4000013, 0x84000014, 0xc4000014, 0x84000015, 0x80000000, 0x80000001, 0xc6008000 };
	HVC("psci.version", 0x84000000, 0, 0, 0); smccc("psci.version.smc", 1, 0, 0x84000000, 0, 0, 0); HVC("psci.version.64bit", 0xc4000000, 0, 0, 0);
	for (unsigned i = 0; i < sizeof id / sizeof *id; i++) { ps("psci.features."); px(id[i]); pc(' '); px(HVC(0, 0x8400000a, id[i], 0, 0)); pc('\n'); }
	HVC("psci.migrate_info_type", 0x84000006, 0, 0, 0); HVC("psci.migrate", 0x84000005, 0, 0, 0); HVC("psci.stat_residency", 0xc4000010, 0, 0, 0); HVC("psci.mem_protect", 0x84000013, 1, 0, 0); HVC("psci.node_hw_state", 0xc400000d, 0, 0, 0); HVC("psci.set_suspend_mode.0", 0x8400000f, 0, 0, 0); HVC("psci.set_suspend_mode.1", 0x8400000f, 1, 0, 0); HVC("psci.set_suspend_mode.0again", 0x8400000f, 0, 0, 0); HVC("psci.unknown", 0x8400001f, 0, 0, 0); HVC("psci.0.1-style-id", 0x95c1ba5e, 0, 0, 0);
	HVC("psci.affinity.self", 0xc4000004, 0, 0, 0); HVC("psci.affinity.1", 0xc4000004, 1, 0, 0); HVC("psci.affinity.2", 0xc4000004, 2, 0, 0); HVC("psci.affinity.self.level1", 0xc4000004, 0, 1, 0); HVC("psci.affinity.self.level3", 0xc4000004, 0, 3, 0); HVC("psci.affinity.mpidr-bit31", 0xc4000004, 0x80000000, 0, 0); HVC("psci.affinity.32bit.1", 0x84000004, 1, 0, 0);
	HVC("psci.cpu_on.self", 0xc4000003, 0, (u64)sec_entry, 0); HVC("psci.cpu_on.2", 0xc4000003, 2, (u64)sec_entry, 0); HVC("psci.cpu_on.bit31", 0xc4000003, 0x80000001, (u64)sec_entry, 0); HVC("psci.cpu_on.aff1", 0xc4000003, 0x100, (u64)sec_entry, 0); HVC("psci.cpu_on.aff3", 0xc4000003, 0x100000000, (u64)sec_entry, 0); HVC("psci.cpu_on.bit40", 0xc4000003, 0x10000000001, (u64)sec_entry, 0);
	HVC("psci.cpu_on.1", 0xc4000003, 1, (u64)sec_entry, 0x1122334455667788); HVC("psci.cpu_on.1.again", 0xc4000003, 1, (u64)sec_entry, 0); HVC("psci.affinity.1.on", 0xc4000004, 1, 0, 0); secgo = 1;
	for (u64 t = cnt(); !secflag && cnt() - t < 300000000; ) ;
	kv("psci.second.ran", secflag); for (u64 t = cnt(); cnt() - t < 12000000; ) ;
	HVC("psci.affinity.1.afteroff", 0xc4000004, 1, 0, 0);
	secflag = secgo = 0; HVC("psci.cpu_on.1.32bit", 0x84000003, 1, (u64)sec_entry, 0xffffffff88776655); secgo = 1; for (u64 t = cnt(); !secflag && cnt() - t < 300000000; ) ; for (u64 t = cnt(); cnt() - t < 12000000; ) ;
}

static void smc_services(void)
{
	HVC("smccc.version", 0x80000000, 0, 0, 0); smccc("smccc.version.smc", 1, 0, 0x80000000, 0, 0, 0);
	static const u32 f[] = { 0x80000000, 0x80000001, 0x80000002, 0x80008000, 0x80007fff, 0x80003fff, 0x84000000, 0x84000050, 0xc4000053, 0xc5000020, 0xc5000021, 0x8600ff01, 0x8600ff03, 0xc6008000 };
	for (unsigned i = 0; i < sizeof f / sizeof *f; i++) { ps("smccc.arch_features."); px(f[i]); pc(' '); px(HVC(0, 0x80000001, f[i], 0, 0)); pc('\n'); }
	HVC("smccc.arch_soc_id.0", 0x80000002, 0, 0, 0); HVC("smccc.arch_soc_id.1", 0x80000002, 1, 0, 0); HVC("smccc.workaround1", 0x80008000, 0, 0, 0); HVC("smccc.workaround2", 0x80007fff, 1, 0, 0); HVC("smccc.workaround3", 0x80003fff, 0, 0, 0);
	HVC("trng.version", 0x84000050, 0, 0, 0); HVC("trng.features.rnd32", 0x84000051, 0x84000053, 0, 0); HVC("trng.features.rnd64", 0x84000051, 0xc4000053, 0, 0); HVC("trng.features.bad", 0x84000051, 0x84000054, 0, 0); HVC("trng.uuid", 0x84000052, 0, 0, 0);
	static const u32 bits[] = { 0, 1, 32, 64, 65, 96, 97, 128, 192, 193, 0xffffffff };
	for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++) {
		for (int k = 0; k < 2; k++) { u64 r = HVC(0, k ? 0xc4000053 : 0x84000053, bits[i], 0, 0); ps(k ? "trng.rnd64." : "trng.rnd32."); pd(bits[i]); pc(' '); px(r); for (int j = 1; j < 4; j++) { ps(out[j] ? out[j] >> 32 ? " wide" : " word" : " zero"); } pc('\n'); }
	}
	HVC("pvtime.features", 0xc5000020, 0xc5000021, 0, 0); HVC("pvtime.st", 0xc5000021, 0, 0, 0); HVC("stdhyp.uid", 0x8500ff01, 0, 0, 0); HVC("stdhyp.revision", 0x8500ff03, 0, 0, 0); HVC("stdhyp.count", 0x8500ff00, 0, 0, 0);
	HVC("vendor.uid", 0x8600ff01, 0, 0, 0); HVC("vendor.count", 0x8600ff00, 0, 0, 0); HVC("vendor.revision", 0x8600ff03, 0, 0, 0); HVC("vendor.uid64", 0xc600ff01, 0, 0, 0); HVC("vendor.kvm-features", 0x86000000, 0, 0, 0); HVC("vendor.wdt.status", 0x86000006, 0, 0, 0); HVC("vendor.wdt.control", 0x86000005, 0, 0, 0); smccc("vendor.uid.smc", 1, 0, 0x8600ff01, 0, 0, 0);
	HVC("unknown.fast32.arch", 0x80000123, 0, 0, 0); HVC("unknown.fast64.arch", 0xc0000123, 0, 0, 0); HVC("unknown.yield32", 0x00000123, 0, 0, 0); HVC("unknown.sip", 0x82000001, 0, 0, 0); HVC("unknown.cpu", 0x81000001, 0, 0, 0); HVC("unknown.oem", 0x83000001, 0, 0, 0); HVC("unknown.stdsecure", 0x84000100, 0, 0, 0); HVC("unknown.tos", 0xb2000000, 0, 0, 0); HVC("unknown.ffa-version", 0x84000063, 0x10000, 0, 0); HVC("unknown.sdei-version", 0xc4000020, 0, 0, 0); HVC("unknown.high-garbage", 0xffffffff84000000ul, 0, 0, 0); HVC("sve-hint.version", 0x80010000, 0, 0, 0);
	static const u32 imm[] = { 1, 2, 0x4000, 0x5fff, 0x6000, 0x6001, 0x6012, 0x6013, 0x601b, 0x601c, 0x6057, 0x603b, 0x6065, 0x60ff, 0x6100, 0x7000, 0xffff };
	for (unsigned i = 0; i < sizeof imm / sizeof *imm; i++) { ps("hvc.imm."); px(imm[i]); smccc("", 0, imm[i], 0x84000000, 1, 2, 3); }
	smccc("smc.imm.1", 1, 1, 0x84000000, 0, 0, 0); smccc("smc.imm.0x6000", 1, 0x6000, 0x84000000, 0, 0, 0);
	smccc("hyp.identify", 0, 0x6000, 0, 0, 0, 0); HVC("hyp.identify.smccc", 0xc6008000, 0, 0, 0); HVC("hyp.identify.smccc32", 0x86008000, 0, 0, 0); smccc("hyp.identify.smc", 1, 0, 0xc6008000, 0, 0, 0);
	smccc("hyp.bell_send.badcap", 0, 0x6012, 0x1234, 1, 0, 0); smccc("hyp.bell_send.cap-1", 0, 0x6012, ~0ul, 1, 0, 0); smccc("hyp.bell_receive.badcap", 0, 0x6013, 0x1234, 1, 0, 0); smccc("hyp.bell_receive.clear0", 0, 0x6013, 0x1234, 0, 0, 0); smccc("hyp.msgq_send.badcap", 0, 0x601b, 0x1234, 8, 0x80000000, 0); smccc("hyp.msgq_recv.badcap", 0, 0x601c, 0x1234, 0x80000000, 8, 0); smccc("hyp.vcpu_poweron.badcap", 0, 0x6038, 0x1234, 0, 0, 0); smccc("hyp.vcpu_run.badcap", 0, 0x6065, 0x1234, 0, 0, 0); smccc("hyp.yield", 0, 0x603b, 0, 0, 0, 0); smccc("hyp.yield.badhint", 0, 0x603b, 9, 0, 0, 0); smccc("hyp.yield.badcap", 0, 0x603b, 1, 0x1234, 0, 0); smccc("hyp.reserved-nonzero", 0, 0x6012, 0x1234, 1, 5, 0); HVC("hyp.bell_send.smccc", 0xc6008012, 0x1234, 1, 0); HVC("hyp.0x69.modify_pages", 0xc6008069, 0, 0x80000000, 0x1000); HVC("hyp.unknown.smccc", 0xc60080ff, 0, 0, 0);
	static const u32 pn[] = { 0, 1, 8, 16, 17, 32 };
	for (unsigned i = 0; i < 6; i++) { u64 r = smccc(0, 0, 0x6057, pn[i], 0, 0, 0); ps("hyp.prng."); pd(pn[i]); pc(' '); px(r); for (int j = 1; j < 5; j++) ps(out[j] ? out[j] >> 32 ? " wide" : " word" : " zero"); pc('\n'); }
}

static void mmio(void)
{
	static const u64 good = 0x5000;
	ACC("mmio.ldrb", good, 1, "ldrb %w0, [%2]"); ACC("mmio.ldrh", good, 1, "ldrh %w0, [%2]"); ACC("mmio.ldrw", good, 1, "ldr %w0, [%2]"); ACC("mmio.ldrx", good, 1, "ldr %0, [%2]"); ACC("mmio.ldrsb.w", good + 0x100, 1, "ldrsb %w0, [%2]"); ACC("mmio.ldrsb.x", good + 0x100, 1, "ldrsb %0, [%2]"); ACC("mmio.ldrsw", good + 0x100, 1, "ldrsw %0, [%2]"); ACC("mmio.ldr.xzr", good, 0, "ldr xzr, [%2]");
	ACC("mmio.strb", good, 0, "strb %w0, [%2]"); ACC("mmio.strh", good, 0, "strh %w0, [%2]"); ACC("mmio.strw", good, 0, "str %w0, [%2]"); ACC("mmio.strx", good, 0, "str %0, [%2]"); ACC("mmio.str.xzr", good, 0, "str xzr, [%2]"); ACC("mmio.stlr", good, 0, "stlr %w0, [%2]"); ACC("mmio.ldar", good, 1, "ldar %w0, [%2]"); ACC("mmio.ldlar", good, 1, "ldlar %w0, [%2]"); ACC("mmio.ldr.regoff", good, 1, "mov %1, #8; ldr %w0, [%2, %1]"); ACC("mmio.ldur", good + 0x10, 1, "ldur %w0, [%2, #-4]");
	ACC("mmio.ldp", good, 1, "ldp %0, %1, [%2]"); ACC("mmio.stp", good, 0, "stp %0, %1, [%2]"); ACC("mmio.ldr.post", good, 1, "ldr %0, [%2], #8"); ACC("mmio.ldr.pre", good, 1, "ldr %0, [%2, #8]!"); ACC("mmio.str.post", good, 0, "str %0, [%2], #8"); ACC("mmio.str.pre", good, 0, "strb %w0, [%2, #1]!"); ACC("mmio.ldxr", good, 1, "ldxr %w0, [%2]"); ACC("mmio.stxr", good, 1, "stxr %w1, %w0, [%2]; mov %0, %1"); ACC("mmio.ldaxr", good, 1, "ldaxr %0, [%2]"); ACC("mmio.ldadd", good, 1, "ldadd %0, %1, [%2]"); ACC("mmio.swp", good, 1, "swp %w0, %w1, [%2]"); ACC("mmio.cas", good, 1, "cas %w0, %w1, [%2]"); ACC("mmio.ldnp", good, 1, "ldnp %0, %1, [%2]"); ACC("mmio.prfm", good, 0, "prfm pldl1keep, [%2]"); ACC("mmio.dc.civac", good, 0, "dc civac, %2"); ACC("mmio.dc.zva", good, 0, "dc zva, %2"); ACC("mmio.ic.ivau", good, 0, "ic ivau, %2"); ACC("mmio.at.s1e1r", good, 0, "at s1e1r, %2");
	ACC("mmio.ldr.q", good, 0, "mov %0, x9; mov x9, %2; .inst 0x3dc0013e; mov x9, %0"); ACC("mmio.ldr.s", good, 0, "mov %0, x9; mov x9, %2; .inst 0xbd40013e; mov x9, %0");
	ACC("mmio.unaligned.ldrw", good + 1, 1, "ldr %w0, [%2]"); ACC("mmio.unaligned.strx", good + 3, 0, "str %0, [%2]"); ACC("mmio.pagecross.ldrx", good + 0xffc, 1, "ldr %0, [%2]");
	static const u64 a[] = { 0, 0x3ff, 0x20000000, 0x3fe00000, 0x3ffffff8, 0x40000000, 0x40001000, 0x40200000, 0x50000000, 0x7ffff000, 0x80800000, 0x90000000, 0x100000000, 0xfffffff000, 0x1000000000, 0x8000000000, 0x1000000000000, 0xffffffff00000000 };
	for (unsigned i = 0; i < sizeof a / sizeof *a; i++) {
		ps("addr."); px(a[i]); ACC(" ldrb", a[i], 1, "ldrb %w0, [%2]");
		ps("addr."); px(a[i]); ACC(" strb", a[i], 0, "strb %w0, [%2]");
	}
	static const u64 f[] = { 0x5000, 0x3f000000, 0x20000000, 0x40000000, 0x60000000, 0x90000000, 0x1000000000 };
	for (unsigned i = 0; i < 7; i++) { u64 n = exc.n; ps("fetch."); px(f[i]); pc(' '); fetch(f[i]); ps(exc.n != n ? "TRAP esr " : "ran?"); px(exc.esr); ps(" far "); px(exc.far); ps(" elr "); px(exc.elr); pc('\n'); }
	{ u64 n = exc.n; ps("fetch.gicd "); fetch(GICD); ps(exc.n != n ? "TRAP esr " : "ran? "); px(exc.esr); pc('\n'); }
	ACC("insn.udf", 0, 0, "udf #7"); ACC("insn.brk", 0, 0, "brk #3"); ACC("insn.svc", 0, 0, "svc #5"); ACC("insn.dcps1", 0, 0, ".inst 0xd4a00001"); ACC("insn.hlt", 0, 0, "hlt #1"); ACC("insn.dc.csw", 0, 0, "mov %0, #0; dc csw, %0"); ACC("insn.dc.isw", 0, 0, "mov %0, #0; dc isw, %0"); ACC("insn.tlbi.vmalle1", 0, 0, "tlbi vmalle1"); ACC("insn.tlbi.alle2", 0, 0, ".inst 0xd50c871f"); ACC("insn.sve", 0, 0, ".inst 0x04e00000"); ACC("insn.eret.el2reg", 0, 0, ".inst 0xd53c1100"); ACC("insn.yield", 0, 0, "yield"); ACC("insn.sev", 0, 0, "sev"); ACC("insn.esb", 0, 0, ".inst 0xd503221f"); ACC("insn.wfet", 0, 0, ".inst 0xd5031000"); ACC("insn.fmov", 0, 0, ".inst 0x1e201000");
}

static u64 ack(const char *k) { u64 i = MRS(icc_iar1_el1); kv(k, i); if (i < 1020) MSR(icc_eoir1_el1, i); return i; }

static void timers(void)
{
	u64 a = MRS(cntpct_el0), b = MRS(cntvct_el0);
	ps("cnt.vct-pct "); ps(b - a < 1000000 ? "small (offset 0)" : "large"); pc('\n');
	MSR(cntkctl_el1, 0); MSR(cntv_ctl_el0, 0); MSR(cntp_ctl_el0, 0);
	/* PPI 27 and 30 enabled at the GIC, IRQs masked in PSTATE: pending wakes WFI */
	*(volatile u32 *)(GICR + 0x10180) = 0xffffffff; *(volatile u32 *)(GICR + 0x10280) = 0xffffffff; *(volatile u32 *)(GICR + 0x10418) = 0x80808080; *(volatile u32 *)(GICR + 0x1041c) = 0x80808080; *(volatile u32 *)(GICR + 0x10100) = 1u << 27 | 1u << 30; *(volatile u32 *)GICD = 3; MSR(icc_pmr_el1, 0xff); MSR(icc_igrpen1_el1, 1); MSR(icc_igrpen0_el1, 0);
	u64 t = cnt(), fr = MRS(cntfrq_el0);
	MSR(cntv_tval_el0, fr / 20); MSR(cntv_ctl_el0, 1); __asm__ volatile("wfi"); u64 d = (cnt() - t) * 1000 / fr;
	ps("wfi.cntv50ms woke after "); ps(d >= 50 && d < 2000 ? ">=50 ms" : d < 50 ? "<50 ms" : ">2 s"); ps(" ctl "); px(MRS(cntv_ctl_el0)); ps(" isr "); px(MRS(isr_el1)); ps(" hppir1 "); px(MRS(icc_hppir1_el1)); ps(" ispendr0 "); px(rd32(GICR + 0x10200)); pc('\n');
	{ u64 i = MRS(icc_iar1_el1); kv("wfi.iar1", i); kv("wfi.rpr", MRS(icc_rpr_el1)); kv("wfi.isactiver0", rd32(GICR + 0x10300)); kv("wfi.ap1r0", MRS(icc_ap1r0_el1)); MSR(cntv_ctl_el0, 0); MSR(icc_eoir1_el1, i); i = ack("wfi.iar1.after"); }
	t = cnt(); MSR(cntp_tval_el0, fr / 20); MSR(cntp_ctl_el0, 1); __asm__ volatile("wfi"); d = (cnt() - t) * 1000 / fr;
	ps("wfi.cntp50ms woke after "); ps(d >= 50 && d < 2000 ? ">=50 ms" : d < 50 ? "<50 ms" : ">2 s"); ps(" hppir1 "); px(MRS(icc_hppir1_el1)); { u64 i = MRS(icc_iar1_el1); ps(" iar1 "); px(i); MSR(cntp_ctl_el0, 0); MSR(icc_eoir1_el1, i); } pc('\n'); ack("wfi.cntp.iar1.after"); 
	for (t = cnt(); cnt() - t < 1000000; ) ; kv("timer.off.ispendr0", rd32(GICR + 0x10200)); ack("timer.off.iar1"); ack("timer.off.iar1");
	t = cnt(); MSR(cntv_tval_el0, fr / 20); MSR(cntv_ctl_el0, 1); __asm__ volatile("sevl; wfe"); d = (cnt() - t) * 1000 / fr; ps("wfe.event-set "); ps(d < 50 ? "at once" : "slept"); pc('\n');
	t = cnt(); __asm__ volatile("wfe"); d = (cnt() - t) * 1000 / fr; ps("wfe.event-clear "); ps(d < 40 ? "at once" : "slept"); pc('\n'); MSR(cntv_ctl_el0, 0); for (t = cnt(); cnt() - t < 1000000; ) ; ack("wfe.off.iar1");
	t = cnt(); MSR(cntv_tval_el0, fr / 20); MSR(cntv_ctl_el0, 1); HVC("suspend.standby", 0xc4000001, 0, 0, 0); d = (cnt() - t) * 1000 / fr; ps("suspend.standby.time "); ps(d < 40 ? "at once" : "until the timer"); pc('\n');
	HVC("suspend.pending", 0xc4000001, 0, 0, 0); MSR(cntv_ctl_el0, 0);
	for (t = cnt(); cnt() - t < 1000000; ) ; ack("suspend.off.iar1"); MSR(cntv_tval_el0, 0); MSR(cntv_ctl_el0, 1); HVC("suspend.default.pending", 0x8400000c, (u64)sec_entry, 0, 0); MSR(cntv_ctl_el0, 0); for (t = cnt(); cnt() - t < 1000000; ) ; ack("suspend.off.iar1");
}

static void icc_enabled(void)
{
	static const struct { const char *n; u32 e; } t[] = { {"on.icc_ctlr_el1", ENC(3,0,12,12,4)}, {"on.icc_pmr_el1", ENC(3,0,4,6,0)}, {"on.icc_bpr0_el1", ENC(3,0,12,8,3)}, {"on.icc_bpr1_el1", ENC(3,0,12,12,3)}, {"on.icc_igrpen0_el1", ENC(3,0,12,12,6)}, {"on.icc_igrpen1_el1", ENC(3,0,12,12,7)}, {"on.icc_rpr_el1", ENC(3,0,12,11,3)}, {"on.icc_hppir0_el1", ENC(3,0,12,8,2)}, {"on.icc_hppir1_el1", ENC(3,0,12,12,2)}, {"on.icc_ap0r0_el1", ENC(3,0,12,8,4)}, {"on.icc_ap1r0_el1", ENC(3,0,12,9,0)}, {"on.icc_ap1r1_el1", ENC(3,0,12,9,1)}, {"on.icc_iar0_el1", ENC(3,0,12,8,0)}, {"on.icc_iar1_el1", ENC(3,0,12,12,0)} };
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) sr(t[i].n, t[i].e);
	sw("on.icc_bpr1_el1", ENC(3,0,12,12,3), 0); sw("on.icc_bpr0_el1", ENC(3,0,12,8,3), 0); sw("on.icc_pmr_el1", ENC(3,0,4,6,0), 0xff); sw("on.icc_eoir1_el1-spurious", ENC(3,0,12,12,1), 1023); sw("on.icc_dir_el1", ENC(3,0,12,11,1), 40);
}

static void sgi(void)
{
	*(volatile u32 *)(GICR + 0x10100) = 0xffff; __asm__ volatile("msr icc_sgi1r_el1, %0; isb" :: "r"((u64)(3ul << 24 | 1))); for (u64 t = cnt(); cnt() - t < 1000000; ) ;
	kv("sgi.self3.hppir1", MRS(icc_hppir1_el1)); u64 i = MRS(icc_iar1_el1); kv("sgi.self3.iar1", i); MSR(icc_eoir1_el1, i); i = MRS(icc_iar1_el1); kv("sgi.none.iar1", i); MSR(icc_eoir1_el1, i);
	*(volatile u32 *)(GICD + 0x84) = 0xffffffff; *(volatile u32 *)(GICD + 0x104) = 1 << 8; *(volatile u32 *)(GICD + 0x40) = 40; for (u64 t = cnt(); cnt() - t < 1000000; ) ; kv("setspi40.ispendr1", rd32(GICD + 0x204)); kv("setspi40.hppir1", MRS(icc_hppir1_el1)); i = MRS(icc_iar1_el1); kv("setspi40.iar1", i); MSR(icc_eoir1_el1, i);
	*(volatile u32 *)(GICD + 0x204) = 1 << 9; kv("ispendr41.disabled.ispendr1", rd32(GICD + 0x204)); kv("ispendr41.hppir1", MRS(icc_hppir1_el1)); *(volatile u32 *)(GICD + 0x284) = 1 << 9; kv("icpendr41.ispendr1", rd32(GICD + 0x204));
}

void smain(void)
{
	while (!secgo) ;
	kv("second.x0", sec_regs[0]); for (int i = 1; i < 32; i++) if (sec_regs[i]) { ps(i == 31 ? "second.sp " : "second.x"); if (i != 31) { pd(i); pc(' '); } px(sec_regs[i]); pc('\n'); }
	kv("second.CurrentEL", MRS(CurrentEL)); kv("second.DAIF", MRS(daif)); kv("second.SCTLR", MRS(sctlr_el1)); kv("second.SPSel", MRS(SPSel)); kv("second.MPIDR", MRS(mpidr_el1));
	secflag = 1;
	HVC("second.cpu_off", 0x84000002, 0, 0, 0);
}

void cmain(u64 dtb)
{
	u32 cmd = *(volatile u32 *)0x3f0;
	if (cmd == 0) {
		ps("# boot\n"); for (int i = 0; i < 31; i++) { ps("boot.x"); pd(i); pc(' '); px(boot_regs[i]); pc('\n'); }
		kv("boot.sp", boot_regs[31]); kv("boot.pc-of-start", (u64)codebuf & ~0xfffful); kv("boot.CurrentEL", MRS(CurrentEL)); kv("boot.DAIF", MRS(daif)); kv("boot.SPSel", MRS(SPSel)); kv("boot.SCTLR", MRS(sctlr_el1)); kv("boot.ISR", MRS(isr_el1)); kv("boot.SPSR", MRS(spsr_el1)); kv("boot.ELR", MRS(elr_el1)); kv("boot.ESR", MRS(esr_el1)); kv("boot.TPIDR_EL0", MRS(tpidr_el0));
		kv("boot.dtb.magic", __builtin_bswap32(rd32(boot_regs[0]))); kv("boot.dtb.totalsize", __builtin_bswap32(rd32(boot_regs[0] + 4)));
		ps("# registers\n"); names(); ps("# GIC\n"); gic(); ps("# SMCCC\n"); smc_services(); ps("# PSCI\n"); psci(); ps("# MMIO and faults\n"); mmio(); ps("# timers, WFI, interrupts\n"); timers(); sgi(); icc_enabled();
		ps("# end\n"); HVC("system_off", 0x84000008, 0, 0, 0);
	}
	if (cmd == 1) HVC("returned", 0x84000008, 0, 0, 0);
	if (cmd == 2) HVC("returned", 0x84000009, 0, 0, 0);
	if (cmd == 3) HVC("returned", 0x84000012, 0, 0x55, 0);
	if (cmd == 4) HVC("returned", 0xc4000012, 0, 0x1122334455667788, 0);
	if (cmd == 5) HVC("returned", 0xc4000012, 0x80000001, 0x1122334455667788, 0);
	if (cmd == 6) HVC("returned", 0xc4000012, 1, 0, 0);
	if (cmd == 7) HVC("returned", 0x84000002, 0, 0, 0);
	if (cmd == 8) { MSR(vbar_el1, 0x1000000000); __asm__ volatile("udf #0"); }
	if (cmd == 9) HVC("returned", 0xc400000e, (u64)sec_entry, 0, 0);
	if (cmd == 10) HVC("returned", 0xc4000001, 0x40000000, (u64)sec_entry, 0x77);
	if (cmd == 11) smccc("returned", 1, 0, 0x84000008, 0, 0, 0);
	if (cmd == 12) { ps("wfi with nothing enabled\n"); __asm__ volatile("wfi"); ps("woke\n"); }
	if (cmd == 14) { secgo = 1; HVC("cpu_on.1.badentry", 0xc4000003, 1, 0x10, 7); for (u64 t = cnt(); cnt() - t < 30000000; ) ; HVC("affinity.1", 0xc4000004, 1, 0, 0); }
	if (cmd == 13) { MSR(vbar_el1, 0x7000); __asm__ volatile("udf #0"); }
	ps("end, spinning\n"); for (;;) ;
}
