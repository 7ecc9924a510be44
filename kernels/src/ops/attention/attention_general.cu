// Plain attention by multiply-adds in f32: every element type, heads of up to 256 values. attention.cu handles f16 and bf16 with
// heads of 32, 64 and 128; general.cuh has the computation, mod.rs defines it.

#include "general.cuh"

#define KERNEL(suffix, Element, MAX_HEAD_DIM, BLOCKS)                                                                            \
    extern "C" __global__ void __launch_bounds__(nearsay::BLOCK_THREADS, BLOCKS) attention_up_to_##MAX_HEAD_DIM##_##suffix(      \
        const Element *qkv, Element *output, const nearsay::Slot *slots, uint32_t num_heads, uint32_t head_dim,                  \
        uint32_t hidden_dim, float scale) {                                                                                      \
        nearsay::attend<Element, MAX_HEAD_DIM>({qkv, output, slots, num_heads, head_dim, hidden_dim, scale},                     \
                                               nearsay::PlainScores());                                                          \
    }

// BLOCKS is the number of blocks per multiprocessor that the registers allow without spilling.
#define KERNELS(suffix, Element)                                                                                                 \
    KERNEL(suffix, Element, 32, 4)                                                                                               \
    KERNEL(suffix, Element, 64, 4)                                                                                               \
    KERNEL(suffix, Element, 128, 3)                                                                                              \
    KERNEL(suffix, Element, 256, 2)

FOR_ELEMENTS(KERNELS)
