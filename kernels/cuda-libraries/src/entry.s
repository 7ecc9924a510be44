// Lays out the entry of \symbol (a struct `Entry`) and its name.
.macro entry symbol, library
    .pushsection .data.\symbol, "aw"
    .balign 8
.Lentry_\symbol:
    .quad {unresolved}
    .quad .Lname_\symbol
    .quad \library
    .popsection
    .pushsection .rodata.\symbol, "a"
.Lname_\symbol:
    .asciz "\symbol"
    .popsection
.endm
