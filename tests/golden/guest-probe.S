/* SPDX-License-Identifier: BSD-3-Clause */
// Entry, exception vectors and call thunks of guest-probe.c
	.section .text.start, "ax"
	.globl _start
_start:	msr	tpidr_el1, x30
	adr	x30, boot_regs
	stp	x0, x1, [x30]
	stp	x2, x3, [x30, #16]
	stp	x4, x5, [x30, #32]
	stp	x6, x7, [x30, #48]
	stp	x8, x9, [x30, #64]
	stp	x10, x11, [x30, #80]
	stp	x12, x13, [x30, #96]
	stp	x14, x15, [x30, #112]
	stp	x16, x17, [x30, #128]
	stp	x18, x19, [x30, #144]
	stp	x20, x21, [x30, #160]
	stp	x22, x23, [x30, #176]
	stp	x24, x25, [x30, #192]
	stp	x26, x27, [x30, #208]
	stp	x28, x29, [x30, #224]
	mrs	x0, tpidr_el1
	str	x0, [x30, #240]
	mov	x0, sp
	str	x0, [x30, #248]
	adr	x0, stack_top
	mov	sp, x0
	adr	x0, vectors
	msr	vbar_el1, x0
	isb
	bl	cmain
1:	wfi
	b	1b

	.globl sec_entry
sec_entry:
	msr	tpidr_el1, x30
	adr	x30, sec_regs
	stp	x0, x1, [x30]
	stp	x2, x3, [x30, #16]
	stp	x4, x5, [x30, #32]
	stp	x6, x7, [x30, #48]
	stp	x8, x9, [x30, #64]
	stp	x10, x11, [x30, #80]
	stp	x12, x13, [x30, #96]
	stp	x14, x15, [x30, #112]
	stp	x16, x17, [x30, #128]
	stp	x18, x19, [x30, #144]
	stp	x20, x21, [x30, #160]
	stp	x22, x23, [x30, #176]
	stp	x24, x25, [x30, #192]
	stp	x26, x27, [x30, #208]
	stp	x28, x29, [x30, #224]
	mrs	x0, tpidr_el1
	str	x0, [x30, #240]
	mov	x0, sp
	str	x0, [x30, #248]
	adr	x0, sec_stack_top
	mov	sp, x0
	adr	x0, vectors
	msr	vbar_el1, x0
	isb
	bl	smain
1:	wfi
	b	1b

// void thunk(u64 *in, u64 *out, void *code): x0..x17 from in, call code, x0..x17 to out
	.globl thunk
thunk:	stp	x29, x30, [sp, #-48]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	mov	x19, x1
	mov	x20, x2
	mov	x21, x0
	ldp	x2, x3, [x21, #16]
	ldp	x4, x5, [x21, #32]
	ldp	x6, x7, [x21, #48]
	ldp	x8, x9, [x21, #64]
	ldp	x10, x11, [x21, #80]
	ldp	x12, x13, [x21, #96]
	ldp	x14, x15, [x21, #112]
	ldp	x16, x17, [x21, #128]
	ldp	x0, x1, [x21]
	blr	x20
	stp	x0, x1, [x19]
	stp	x2, x3, [x19, #16]
	stp	x4, x5, [x19, #32]
	stp	x6, x7, [x19, #48]
	stp	x8, x9, [x19, #64]
	stp	x10, x11, [x19, #80]
	stp	x12, x13, [x19, #96]
	stp	x14, x15, [x19, #112]
	stp	x16, x17, [x19, #128]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x29, x30, [sp], #48
	ret

	.balign	2048
	.globl vectors
vectors:
	.rept	16
	b	trap
	.balign	128
	.endr
trap:	msr	tpidr_el1, x0
	msr	tpidr_el0, x1
	adr	x0, exc
	mrs	x1, esr_el1
	str	x1, [x0]
	mrs	x1, far_el1
	str	x1, [x0, #8]
	mrs	x1, elr_el1
	str	x1, [x0, #16]
	mrs	x1, spsr_el1
	str	x1, [x0, #24]
	ldr	x1, [x0, #32]
	add	x1, x1, #1
	str	x1, [x0, #32]
	ldr	x1, [x0, #40]		// a resume address given by the test
	cbz	x1, 2f
	msr	elr_el1, x1
	str	xzr, [x0, #40]
	b	3f
2:	mrs	x1, elr_el1
	add	x1, x1, #4
	msr	elr_el1, x1
3:	mrs	x0, tpidr_el1
	mrs	x1, tpidr_el0
	eret

	.globl fetch			// fetch(addr): branch there; the trap comes back here
fetch:	adr	x1, exc
	adr	x2, 1f
	str	x2, [x1, #40]
	br	x0
1:	ret

	.data
	.balign	16
	.globl boot_regs, sec_regs, exc, codebuf
boot_regs: .space 256
sec_regs: .space 256
exc:	.space	64
	.balign	64
codebuf: .space	64
	.balign	16
	.space	16384
stack_top:
	.space	8192
sec_stack_top:
