// SPDX-License-Identifier: BSD-3-Clause
// How the oracle gets into a case and out of it. Offsets are those of struct Registers (protocol.h).

        .arch armv8-a

        .macro each_x op
        .irp n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
        pair_x \op, \n
        .endr
        .endm
        .macro pair_x op, n
        .altmacro
        pair_x_named \op, %(\n), %(\n + 1)
        .noaltmacro
        .endm
        .macro pair_x_named op, a, b
        \op     x\a, x\b, [x30, #8 * \a]
        .endm

        .macro each_q op
        .irp n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
        pair_q \op, \n
        .endr
        .endm
        .macro pair_q op, n
        .altmacro
        pair_q_named \op, %(\n), %(\n + 1)
        .noaltmacro
        .endm
        .macro pair_q_named op, a, b
        \op     q\a, q\b, [x0, #16 * \a]
        .endm

        .macro callee_saved op
        \op     x19, x20, [sp, #16]
        \op     x21, x22, [sp, #32]
        \op     x23, x24, [sp, #48]
        \op     x25, x26, [sp, #64]
        \op     x27, x28, [sp, #80]
        .endm

        .text
        .globl  _start
_start: mov     x29, #0
        mov     x30, #0
        b       run

// enter(registers): loads everything and jumps to registers->pc, which restores x30 from
// TPIDR_EL0. Comes back by exit_stub or on_signal, both through resume.
        .globl  enter
enter:  stp     x29, x30, [sp, #-96]!
        callee_saved stp
        adrp    x1, saved_sp
        mov     x2, sp
        str     x2, [x1, :lo12:saved_sp]
        mov     x30, x0
        ldr     w0, [x30, #272]
        msr     nzcv, x0
        ldr     w0, [x30, #276]
        msr     fpcr, x0
        ldr     w0, [x30, #280]
        msr     fpsr, x0
        ldr     x0, [x30, #240]
        msr     tpidr_el0, x0
        ldr     x0, [x30, #248]
        mov     sp, x0
        add     x0, x30, #288
        each_q  ldp
        each_x  ldp
        ldr     x30, [x30, #256]
        br      x30

        .globl  resume
resume: adrp    x1, saved_sp
        ldr     x2, [x1, :lo12:saved_sp]
        mov     sp, x2
        callee_saved ldp
        ldp     x29, x30, [sp], #96
        ret

// At kExitAddress by the link: where every case ends that takes no signal.
        .section .exit_stub, "ax"
        msr     tpidr_el0, x30
        ldr     x30, =running
        ldr     x30, [x30]
        each_x  stp
        mrs     x0, tpidr_el0
        str     x0, [x30, #240]
        mov     x0, sp
        str     x0, [x30, #248]
        str     xzr, [x30, #256]
        mrs     x0, nzcv
        str     w0, [x30, #272]
        mrs     x0, fpcr
        str     w0, [x30, #276]
        mrs     x0, fpsr
        str     w0, [x30, #280]
        str     wzr, [x30, #284]
        add     x0, x30, #288
        each_q  stp
        ldr     x0, =resume
        br      x0

        .bss
        .balign 8
saved_sp:
        .skip   8
