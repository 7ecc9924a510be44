// What a running thread of a kernel is, as far as the kernel's own code can see it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector_types.h>

namespace cuda_emulator {

constexpr int LANES = 32;
constexpr unsigned EVERY_LANE = 0xffffffffu;

// Fills memory that was not written: NaN as f32, f16 and bf16, a large negative number as an integer.
constexpr uint16_t POISON = 0xfff5;

// What all threads of a block have in common.
struct BlockView {
    uint3 index;
    dim3 block_dimensions;
    dim3 grid_dimensions;
    unsigned char *dynamic_shared;
    size_t dynamic_shared_bytes;
};

struct ThreadView {
    uint3 index;
    unsigned lane;
    const BlockView *block;
};

// The thread that this operating system thread runs now; null outside kernels. Initial-exec, so that reading it is one load.
extern __thread ThreadView *running __attribute__((tls_model("initial-exec")));

// Ends the launch with an error, saying which thread of which kernel found it.
[[noreturn]] __attribute__((format(printf, 1, 2))) void fail(const char *format, ...);

// Ends the launch unless these bytes lie in the block's shared memory.
void require_shared(const void *pointer, size_t bytes, const char *what);

} // namespace cuda_emulator
