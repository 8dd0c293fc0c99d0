/* SPDX-License-Identifier: BSD-3-Clause */
// A tiny interpreter that runs as the guest of device-probe.c.
// Program: records of three u64 {op, addr, val} at base+0x1000 (boot CPU) or at the CPU_ON context (others).
//  0 PSCI SYSTEM_OFF      1/2/4/8  store val of that width at addr   0x11/12/14/18 load (kept in "last")
//  9 store "last" (8 bytes) at addr     10 wfi     11 hvc #0 (x0=addr, x1=val), result in "last"
// 12 spin forever         13 store number of exceptions taken so far (8 bytes) at addr
// 14 store ESR of the last exception (8 bytes) at addr   15 CPU_ON(target=addr, context=val), result in "last"
// 16 store MPIDR at addr  0x21 PSCI CPU_OFF  0x22 busy-wait val counter ticks
	.globl _start
_start:	adr	x20, _start
	add	x20, x20, #0x1000
	b	go
sec:	mov	x20, x0
go:	adr	x19, _start
	add	x9, x19, #0x800
	msr	vbar_el1, x9
	mov	x21, #0
	mov	x22, #0
	mov	x23, #0
	isb
next:	ldr	x10, [x20], #8
	ldr	x11, [x20], #8
	ldr	x12, [x20], #8
	cbnz	x10, 1f
	movz	w0, #0x8400, lsl #16
	movk	w0, #8
	hvc	#0
	b	next
1:	cmp	x10, #1
	b.ne	2f
	strb	w12, [x11]
	b	next
2:	cmp	x10, #2
	b.ne	2f
	strh	w12, [x11]
	b	next
2:	cmp	x10, #4
	b.ne	2f
	str	w12, [x11]
	b	next
2:	cmp	x10, #8
	b.ne	2f
	str	x12, [x11]
	b	next
2:	cmp	x10, #0x11
	b.ne	2f
	ldrb	w21, [x11]
	b	next
2:	cmp	x10, #0x12
	b.ne	2f
	ldrh	w21, [x11]
	b	next
2:	cmp	x10, #0x14
	b.ne	2f
	ldr	w21, [x11]
	b	next
2:	cmp	x10, #0x18
	b.ne	2f
	ldr	x21, [x11]
	b	next
2:	cmp	x10, #9
	b.ne	2f
	str	x21, [x11]
	b	next
2:	cmp	x10, #10
	b.ne	2f
	wfi
	b	next
2:	cmp	x10, #11
	b.ne	2f
	mov	x0, x11
	mov	x1, x12
	mov	x2, #0
	mov	x3, #0
	hvc	#0
	mov	x21, x0
	b	next
2:	cmp	x10, #12
	b.ne	2f
	b	.
2:	cmp	x10, #13
	b.ne	2f
	str	x22, [x11]
	b	next
2:	cmp	x10, #14
	b.ne	2f
	str	x23, [x11]
	b	next
2:	cmp	x10, #15
	b.ne	2f
	movz	w0, #0xc400, lsl #16
	movk	w0, #3
	mov	x1, x11
	adr	x2, sec
	mov	x3, x12
	hvc	#0
	mov	x21, x0
	b	next
2:	cmp	x10, #16
	b.ne	2f
	mrs	x9, mpidr_el1
	str	x9, [x11]
	b	next
2:	cmp	x10, #0x21
	b.ne	2f
	movz	w0, #0x8400, lsl #16
	movk	w0, #2
	hvc	#0
	mov	x21, x0
	b	next
2:	cmp	x10, #0x22
	b.ne	next
	isb
	mrs	x9, cntvct_el0
	add	x9, x9, x12
3:	isb
	mrs	x13, cntvct_el0
	cmp	x13, x9
	b.lt	3b
	b	next
	.balign	4
	.globl vec
vec:	mrs	x23, esr_el1
	add	x22, x22, #1
	mrs	x9, elr_el1
	add	x9, x9, #4
	msr	elr_el1, x9
	eret
	.globl end
end:
