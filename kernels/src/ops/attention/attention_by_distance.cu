// Attention with biases by distance, in a window, or causal, by multiply-adds in f32: every element type, heads of up to 256
// values. general.cuh has the computation, mod.rs defines it. Tiles of keys that no query of a block attends to are left out.

#include "general.cuh"

namespace nearsay {

struct ScoresByDistance {
    // [num_heads, stride], with distance 0 in column `zero`; null if there are none.
    const float *bias;
    uint32_t stride;
    uint32_t zero;
    // Of products. `Batch::scale` is log2 e.
    float scale;
    // The largest distance to a key, below 2^30.
    int window;
    bool causal;

    // A block has up to 64 queries from `first_query` on. A short sequence has one tile.
    __device__ __forceinline__ int first_tile(uint32_t first_query) const {
        return max(static_cast<int>(first_query) - window, 0) / TILE_ROWS;
    }

    __device__ __forceinline__ int end_tile(uint32_t first_query, int tiles) const {
        const int last_key = static_cast<int>(first_query) + TILE_ROWS - 1 + (causal ? 0 : window);
        return min(tiles, last_key / TILE_ROWS + 1);
    }

    __device__ __forceinline__ float score(float product, uint32_t head, int query, int key) const {
        const int distance = key - query;
        if (distance > (causal ? 0 : window) || -distance > window) return -INFINITY;
        // The same rounding whether or not there are biases.
        const float term = bias == nullptr ? 0.0f : bias[static_cast<size_t>(head) * stride + zero + distance];
        return fmaf(product, scale, term);
    }
};

} // namespace nearsay

#define KERNEL(suffix, Element, MAX_HEAD_DIM, BLOCKS)                                                                            \
    extern "C" __global__ void __launch_bounds__(nearsay::BLOCK_THREADS, BLOCKS)                                                 \
        attention_by_distance_up_to_##MAX_HEAD_DIM##_##suffix(                                                                   \
            const Element *qkv, Element *output, const nearsay::Slot *slots, uint32_t num_heads, uint32_t head_dim,              \
            uint32_t hidden_dim, float log2_e, const float *bias, uint32_t stride, uint32_t zero, float scale, uint32_t window,  \
            uint32_t causal) {                                                                                                   \
        nearsay::attend<Element, MAX_HEAD_DIM>(                                                                                  \
            {qkv, output, slots, num_heads, head_dim, hidden_dim, log2_e},                                                       \
            nearsay::ScoresByDistance{bias, stride, zero, scale, static_cast<int>(window), causal != 0});                        \
    }

// BLOCKS is the number of blocks per multiprocessor that the registers allow without spilling.
#define KERNELS(suffix, Element)                                                                                                 \
    KERNEL(suffix, Element, 32, 3)                                                                                               \
    KERNEL(suffix, Element, 64, 3)                                                                                               \
    KERNEL(suffix, Element, 128, 2)                                                                                              \
    KERNEL(suffix, Element, 256, 2)

FOR_ELEMENTS(KERNELS)
