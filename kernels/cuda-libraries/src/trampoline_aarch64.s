// Defines \symbol: jumps to the address in its entry, and leaves the entry's own address in x16.
// x16 and x17 hold no argument and need not be preserved.
.macro trampoline symbol, library
    .pushsection .text.\symbol, "ax", %progbits
    .globl \symbol
    .hidden \symbol
    .type \symbol, %function
    .balign 16
\symbol:
    adrp x16, .Lentry_\symbol
    add x16, x16, :lo12:.Lentry_\symbol
    ldr x17, [x16]
    br x17
    .size \symbol, . - \symbol
    .popsection
    entry \symbol, \library
.endm
