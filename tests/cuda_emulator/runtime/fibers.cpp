// The switch between fibers saves what the calling conventions have a function keep, nothing else: no system call.
#include "fibers.h"

#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)

asm(R"(
    .text
    .globl cuda_emulator_switch
    .hidden cuda_emulator_switch
    .type cuda_emulator_switch, @function
cuda_emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size cuda_emulator_switch, .-cuda_emulator_switch
)");

namespace cuda_emulator {

// Six registers, the address to return to, and a word that makes the stack aligned as at a call.
void *prepare_stack(unsigned char *top, void (*entry)()) {
    void **frame = reinterpret_cast<void **>(top) - 8;
    for (int i = 0; i < 8; i++) frame[i] = nullptr;
    frame[6] = reinterpret_cast<void *>(entry);
    return frame;
}

} // namespace cuda_emulator

#elif defined(__aarch64__)

asm(R"(
    .text
    .globl cuda_emulator_switch
    .hidden cuda_emulator_switch
    .type cuda_emulator_switch, %function
cuda_emulator_switch:
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
    .size cuda_emulator_switch, .-cuda_emulator_switch
)");

namespace cuda_emulator {

void *prepare_stack(unsigned char *top, void (*entry)()) {
    void **frame = reinterpret_cast<void **>(top) - 20;
    for (int i = 0; i < 20; i++) frame[i] = nullptr;
    frame[11] = reinterpret_cast<void *>(entry);
    return frame;
}

} // namespace cuda_emulator

#else
#error "the switch between fibers is written for x86-64 and aarch64"
#endif

namespace cuda_emulator {

static constexpr size_t COLOUR_BYTES = 192;
static constexpr unsigned LANES = 32;

static size_t page_bytes() {
    static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return bytes;
}

static size_t stack_stride() { return Stacks::BYTES + page_bytes(); }

unsigned char *Stacks::top(unsigned number) {
    if (!begin) {
        void *mapped = mmap(nullptr, MOST * stack_stride(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapped == MAP_FAILED) {
            std::perror("cuda emulator: stacks");
            std::abort();
        }
        begin = static_cast<unsigned char *>(mapped);
    }
    for (; ready <= number; ready++) {
        if (mprotect(begin + ready * stack_stride() + page_bytes(), BYTES, PROT_READ | PROT_WRITE)) {
            std::perror("cuda emulator: a stack");
            std::abort();
        }
    }
    // Not all at the same place of their pages, or the lanes of a warp would push each other out of the cache.
    return begin + (number + 1) * stack_stride() - number % LANES * COLOUR_BYTES;
}

bool Stacks::is_overflow(uintptr_t address) const {
    uintptr_t from = reinterpret_cast<uintptr_t>(begin);
    return begin && address >= from && address < from + MOST * stack_stride() &&
           (address - from) % stack_stride() < page_bytes();
}

} // namespace cuda_emulator
