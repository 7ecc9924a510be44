// Defines \symbol: jumps to the address in its entry, and leaves the entry's own address in r11.
// r11 holds no argument and need not be preserved.
.macro trampoline symbol, library
    .pushsection .text.\symbol, "ax", @progbits
    .globl \symbol
    .hidden \symbol
    .type \symbol, @function
    .balign 16
\symbol:
    lea r11, [rip + .Lentry_\symbol]
    jmp qword ptr [r11]
    .size \symbol, . - \symbol
    .popsection
    entry \symbol, \library
.endm
