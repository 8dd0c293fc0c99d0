// SPDX-License-Identifier: BSD-3-Clause
// The smallest guest that says something: an arm64 Image whose first act is one byte to the UART
// (UART: the address of its data register, the first register of a 16550 and of a PL011), which takes
// it at once as nothing was sent before. Then it sleeps; the host, which measured, ends it.
    .text
start:
    b       say                 // code0
    .long   0                   // code1
    .quad   0                   // text_offset
    .quad   end - start         // image_size
    .quad   0x2                 // flags: little endian, pages of 4 KiB
    .quad   0, 0, 0
    .ascii  "ARM\x64"           // magic
    .long   0
say:
    ldr     x0, =UART
    mov     w1, #'!'
    strb    w1, [x0]
sleep:
    wfi
    b       sleep
    .ltorg
end:
