// The rows that a block of the attention kernels works on: plan.rs computes and explains them.
//
// A block has four warps and a tile of 64 rows of keys or values in shared memory, in four slots of 16 rows. Each warp has its
// own queries, and loads the rows of its own slot.
#pragma once

#include "elements.cuh"

namespace nearsay {

constexpr int SLOT_ROWS = 16;
constexpr int SLOTS = 4;
constexpr int TILE_ROWS = SLOT_ROWS * SLOTS;
constexpr int BLOCK_THREADS = SLOTS * WARP;

// A warp's work.
struct alignas(16) Slot {
    // The sequence's first token in the batch.
    uint32_t first_token;
    // The sequence's tokens; 0 if the warp has nothing to do.
    uint32_t length;
    // The warp's first query, counted from the sequence's first token.
    uint32_t first_query;
    // The first slot of the sequence's keys in a tile. Not 0 only if several sequences share the block.
    uint32_t first_slot;
};

// The arguments of a launch.
template <class Element> struct Batch {
    // [total_tokens, 3, num_heads, head_dim]
    const Element *qkv;
    // [total_tokens, num_heads, head_dim]
    Element *output;
    // Four per block.
    const Slot *slots;
    uint32_t num_heads;
    uint32_t head_dim;
    uint32_t hidden_dim;
    // Of the scores, times log2 e: weights are powers of 2. 1 / sqrt(head_dim) for BERT.
    float scale;
};

enum Part { QUERY, KEY, VALUE };

// One warp's slot, for one head. Neighbouring blocks have the next head of the same rows.
template <class Element> struct Work {
    const Batch<Element> &batch;
    Slot slot;
    int warp;
    uint32_t column;

    __device__ __forceinline__ explicit Work(const Batch<Element> &batch) : batch(batch), warp(threadIdx.x / WARP) {
        slot = batch.slots[static_cast<size_t>(blockIdx.x / batch.num_heads) * SLOTS + warp];
        column = blockIdx.x % batch.num_heads * batch.head_dim;
    }

    // The first query of the block, counted from the sequence's first token. Only if it is a long sequence's do its warps share a
    // sequence.
    __device__ __forceinline__ uint32_t first_query_of_block() const {
        return batch.slots[static_cast<size_t>(blockIdx.x / batch.num_heads) * SLOTS].first_query;
    }

    // Elements from one token to the next.
    __device__ __forceinline__ uint32_t stride() const { return 3 * batch.hidden_dim; }

    __device__ __forceinline__ bool has_queries() const { return slot.first_query < slot.length; }

    // Tiles of keys, the same for all warps of a block: several sequences share a block only if each fits into one tile.
    __device__ __forceinline__ int tiles() const {
        return slot.length > TILE_ROWS ? (slot.length + TILE_ROWS - 1) / TILE_ROWS : 1;
    }

    // The number of the sequence's keys in one of its tiles.
    __device__ __forceinline__ int keys(int tile) const {
        return min(static_cast<int>(slot.length) - tile * TILE_ROWS, TILE_ROWS);
    }

    // The first row that the warp loads into a tile of keys or values, counted from the sequence's first token. There are
    // `length` minus this many such rows, possibly none.
    __device__ __forceinline__ int first_row(int tile) const {
        return tile * TILE_ROWS + (warp - static_cast<int>(slot.first_slot)) * SLOT_ROWS;
    }

    // The number of the sequence's rows from `row` on, possibly 0.
    __device__ __forceinline__ int rows_from(int row) const { return static_cast<int>(slot.length) - row; }

    // The sequence's rows from `row` on. If `row` is past the sequence's end, and so perhaps past the end of memory, this is the
    // batch's first row.
    __device__ __forceinline__ const Element *rows(Part part, uint32_t row) const {
        const uint32_t token = row < slot.length ? slot.first_token + row : 0;
        return batch.qkv + static_cast<size_t>(token) * stride() + part * batch.hidden_dim + column;
    }

    __device__ __forceinline__ Element *output(uint32_t row) const {
        return batch.output + static_cast<size_t>(slot.first_token + row) * batch.hidden_dim + column;
    }
};

template <int N> struct Count {
    static constexpr int VALUE = N;
};

// Calls `body` with the number of pieces of 16 keys that cover `keys`, 1 to 64, as a constant: arrays in registers can only be
// indexed by constants.
template <class Body> __device__ __forceinline__ void for_keys(int keys, Body body) {
    switch ((keys + SLOT_ROWS - 1) / SLOT_ROWS) {
    case 1: return body(Count<1>());
    case 2: return body(Count<2>());
    case 3: return body(Count<3>());
    default: return body(Count<4>());
    }
}

// One query's softmax over tile after tile (online softmax: Milakov and Gimelshein, "Online normalizer calculation for softmax",
// 2018). `sum` covers the keys that this lane has seen.
struct Softmax {
    float largest = -INFINITY;
    float sum = 0.0f;

    // Includes the largest score of a tile; earlier sums must be multiplied by the returned factor.
    __device__ __forceinline__ float raise(float score, float scale) {
        const float before = largest;
        largest = fmaxf(largest, score);
        const float factor = exp2_fast((before - reference()) * scale);
        sum *= factor;
        return factor;
    }

    // The weight of a score. Not one multiply-add: the rounding error of `scale * largest` would become the largest score's
    // exponent, which must be 0. A NaN score returns NaN: no maximum shows it, but the sum keeps it.
    __device__ __forceinline__ float weigh(float score, float scale) {
        const float weight = exp2_fast((score - reference()) * scale);
        sum += weight;
        return weight;
    }

  private:
    // While no score is larger than minus infinity, all weights are 0; minus infinity minus itself would make them NaN.
    __device__ __forceinline__ float reference() const { return largest == -INFINITY ? 0.0f : largest; }
};

} // namespace nearsay
