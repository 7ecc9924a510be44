// Rows of matrices on their way through shared memory to a product: in chunks of 128 bytes, each in a slot of 8 pieces of 16
// bytes. Shared by the match and the search. It sets their order of sums: a chunk's values first to last, in f16 and bf16 16 at a
// time.
#pragma once

#include "elements.cuh"

namespace nearsay {

constexpr int PIECE_BYTES = 16;
constexpr int PIECES = 8;
constexpr int SLOT_BYTES = PIECES * PIECE_BYTES;
// Slots per group: a fragment of the tensor cores has 16 rows, two have 16 columns.
constexpr int GROUP = 16;

template <class Element> struct Chunk {
    static constexpr int VALUES = Vector<Element>::SIZE; // per piece
    static constexpr int WIDTH = PIECES * VALUES;
};

// The offset of piece `piece` of slot `slot`. The pieces of a slot are permuted by its number: the same piece of 8 consecutive
// slots, which are read together, covers all 32 banks.
__device__ __forceinline__ int place(int slot, int piece) { return slot * SLOT_BYTES + (piece ^ slot % PIECES) * PIECE_BYTES; }

__device__ __forceinline__ int whole_groups(int slots) { return (slots + GROUP - 1) / GROUP * GROUP; }

// Whether every piece of two matrices of this width is whole and aligned.
template <class Element> __device__ __forceinline__ bool are_aligned(const Element *left, const Element *right, int dim) {
    const uint64_t addresses = reinterpret_cast<uint64_t>(left) | reinterpret_cast<uint64_t>(right);
    return addresses % PIECE_BYTES == 0 && dim % Chunk<Element>::VALUES == 0;
}

// Starts to fetch a piece: `count` values, or as many as fit, followed by zeros.
template <class Element>
__device__ __forceinline__ void fetch_piece(bool aligned, const Element *values, int count, unsigned char *target) {
    if (aligned) {
        copy_async(target, values, count > 0 ? PIECE_BYTES : 0);
        return;
    }
    Vector<Element> piece;
#pragma unroll
    for (int i = 0; i < Chunk<Element>::VALUES; ++i) piece.values[i] = i < count ? values[i] : from_float<Element>(0.0f);
    *reinterpret_cast<Vector<Element> *>(target) = piece;
}

// Fragments of 16 values (step `step` of a chunk) of the 16 slots from `first` on: as rows of the left factor, or as two times 8
// columns of the right one.
__device__ __forceinline__ void load_rows(uint32_t (&rows)[4], const unsigned char *chunk, int first, int step) {
    const int lane = threadIdx.x % WARP;
    load_matrices(rows, chunk + place(first + lane % 16, 2 * step + lane / 16));
}

__device__ __forceinline__ void load_columns(uint32_t (&left)[2], uint32_t (&right)[2], const unsigned char *chunk, int first,
                                             int step) {
    const int lane = threadIdx.x % WARP;
    uint32_t both[4];
    load_matrices(both, chunk + place(first + lane / 16 * 8 + lane % 8, 2 * step + lane / 8 % 2));
    left[0] = both[0], left[1] = both[1];
    right[0] = both[2], right[1] = both[3];
}

// The piece of a slot, for products of f32.
__device__ __forceinline__ Vector<float> at(const unsigned char *chunk, int slot, int piece) {
    return *reinterpret_cast<const Vector<float> *>(chunk + place(slot, piece));
}

} // namespace nearsay
