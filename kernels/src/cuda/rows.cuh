// A row of a packed matrix in the registers of one warp, in f32, and its norm.
//
// Each lane holds CHUNKS pieces of 8 neighbouring values: piece c starts at column (32 c + lane) 8. Columns after the last are
// left out. Sums go over a lane's values first to last, then over the lanes by `warp_sum`: the order depends only on the row's
// width.
#pragma once

#include "elements.cuh"

// One kernel per number of pieces that a row may need: widths up to 256 CHUNKS.
#define FOR_CHUNKS(MACRO, suffix, Element)                                                                                       \
    MACRO(suffix, Element, 1)                                                                                                    \
    MACRO(suffix, Element, 2)                                                                                                    \
    MACRO(suffix, Element, 3)                                                                                                    \
    MACRO(suffix, Element, 4)                                                                                                    \
    MACRO(suffix, Element, 6)                                                                                                    \
    MACRO(suffix, Element, 8)                                                                                                    \
    MACRO(suffix, Element, 16)

namespace nearsay {

constexpr int PIECE = 8;
// Warps, and so rows, per block.
constexpr int ROWS_OF_A_BLOCK = 4;

// Whether a row that starts here can be read 16 bytes at a time. A tensor may be a view that starts anywhere.
template <class Element> __device__ __forceinline__ bool is_aligned(const Element *row) {
    return reinterpret_cast<uintptr_t>(row) % 16 == 0;
}

// 8 values at `source`, which is 16-byte aligned, as f32.
template <class Element> __device__ __forceinline__ void load_piece(const Element *source, float (&values)[PIECE]) {
    constexpr int SIZE = Vector<Element>::SIZE;
#pragma unroll
    for (int part = 0; part < PIECE / SIZE; ++part) {
        const Vector<Element> vector = reinterpret_cast<const Vector<Element> *>(source)[part];
#pragma unroll
        for (int i = 0; i < SIZE; ++i) values[part * SIZE + i] = to_float(vector.values[i]);
    }
}

template <class Element> __device__ __forceinline__ void store_piece(const float (&values)[PIECE], Element *target) {
    constexpr int SIZE = Vector<Element>::SIZE;
#pragma unroll
    for (int part = 0; part < PIECE / SIZE; ++part) {
        Vector<Element> vector;
#pragma unroll
        for (int i = 0; i < SIZE; ++i) vector.values[i] = from_float<Element>(values[part * SIZE + i]);
        reinterpret_cast<Vector<Element> *>(target)[part] = vector;
    }
}

template <int CHUNKS> struct Row {
    float values[CHUNKS][PIECE];
    int width;
    int lane;
    // Whether a row consists of whole pieces.
    bool whole;

    __device__ __forceinline__ Row(int width) : width(width), lane(threadIdx.x % WARP), whole(width % PIECE == 0) {
#pragma unroll
        for (int chunk = 0; chunk < CHUNKS; ++chunk)
#pragma unroll
            for (int i = 0; i < PIECE; ++i) values[chunk][i] = 0.0f;
    }

    __device__ __forceinline__ int column(int chunk) const { return (chunk * WARP + lane) * PIECE; }

    template <class Element> __device__ __forceinline__ void add(const Element *source) {
        const bool by_pieces = whole && is_aligned(source);
#pragma unroll
        for (int chunk = 0; chunk < CHUNKS; ++chunk) {
            const int first = column(chunk);
            if (by_pieces && first < width) {
                float piece[PIECE];
                load_piece(source + first, piece);
#pragma unroll
                for (int i = 0; i < PIECE; ++i) values[chunk][i] += piece[i];
            } else {
#pragma unroll
                for (int i = 0; i < PIECE; ++i)
                    if (first + i < width) values[chunk][i] += to_float(source[first + i]);
            }
        }
    }

    // (x - mean) / sqrt(variance + epsilon) * weight + bias; the variance is summed from centred values. Unless `is_centred`, the
    // mean is 0.
    __device__ __forceinline__ void normalize(const float *weight, const float *bias, float epsilon, bool is_centred) {
        float sum = 0.0f;
#pragma unroll
        for (int chunk = 0; chunk < CHUNKS; ++chunk)
#pragma unroll
            for (int i = 0; i < PIECE; ++i) sum += values[chunk][i];
        const float mean = is_centred ? warp_sum(sum) / static_cast<float>(width) : 0.0f;
        float squares = 0.0f;
#pragma unroll
        for (int chunk = 0; chunk < CHUNKS; ++chunk)
#pragma unroll
            for (int i = 0; i < PIECE; ++i) {
                values[chunk][i] -= mean;
                if (column(chunk) + i < width) squares = fmaf(values[chunk][i], values[chunk][i], squares);
            }
        const float scale = 1.0f / sqrtf(warp_sum(squares) / static_cast<float>(width) + epsilon);
        const bool by_pieces = whole && is_aligned(weight) && is_aligned(bias);
#pragma unroll
        for (int chunk = 0; chunk < CHUNKS; ++chunk) {
            const int first = column(chunk);
            float weights[PIECE] = {}, biases[PIECE] = {};
            if (by_pieces && first < width) {
                load_piece(weight + first, weights);
                load_piece(bias + first, biases);
            } else {
#pragma unroll
                for (int i = 0; i < PIECE; ++i) {
                    if (first + i >= width) continue;
                    weights[i] = weight[first + i];
                    biases[i] = bias[first + i];
                }
            }
#pragma unroll
            for (int i = 0; i < PIECE; ++i) values[chunk][i] = fmaf(values[chunk][i], scale * weights[i], biases[i]);
        }
    }

    template <class Element> __device__ __forceinline__ void store(Element *target) const {
        const bool by_pieces = whole && is_aligned(target);
#pragma unroll
        for (int chunk = 0; chunk < CHUNKS; ++chunk) {
            const int first = column(chunk);
            if (by_pieces && first < width) {
                store_piece(values[chunk], target + first);
            } else {
#pragma unroll
                for (int i = 0; i < PIECE; ++i)
                    if (first + i < width) target[first + i] = from_float<Element>(values[chunk][i]);
            }
        }
    }
};

// The row that this warp works on; the caller returns if there is none.
__device__ __forceinline__ int64_t row_of_warp() {
    return static_cast<int64_t>(blockIdx.x) * ROWS_OF_A_BLOCK + threadIdx.x / WARP;
}

} // namespace nearsay
