// The body of attention_general.cu and attention_by_distance.cu: attention by multiply-adds in f32, for every element type and heads
// of up to 256 values.
//
// A warp has 16 queries, a block a tile of 64 keys and then of their values, all as f32 in shared memory, 64 (or 32) columns of
// the head at a time. Lane (r, c), r below 4 and c below 8, has queries r + 4 i, and for them keys c + 8 j or columns 4 c and the
// next 3. 4 columns of scores, or 4 keys of outputs, are 12 reads of 16 bytes and 128 multiply-adds. Lanes of a quarter of a warp
// share the queries that they read; so a warp reads 4.25 KiB for 4096 multiply-adds, and a multiprocessor does 128 bytes and 128
// multiply-adds per cycle: both are about even, and are the limit. (4 n^2 D FLOP for n tokens and a head of D values.)
//
// Rows of shared memory are padded so that simultaneous reads or writes hit different banks: keys c are 4 banks apart (rows of 68
// or 36 words) and are read 4 words at a time, queries r are 8 apart (rows of 72) and their weights are written word by word.
//
// Order of the sums: scores over head_dim and outputs over keys, each in one accumulator, first to last; the sum of weights over a
// lane's keys first to last, then over eight lanes.

#pragma once

#include "slots.cuh"

namespace nearsay {

// Queries per lane.
constexpr int ROWS = 4;
// Keys per lane.
constexpr int LANE_KEYS = TILE_ROWS / 8;
// Words from one row of queries to the next, with room for the weights of a tile's keys.
constexpr int QUERY_STRIDE = TILE_ROWS + 8;

// Products of queries and keys are the scores, of every key.
struct PlainScores {
    // Which of `tiles` tiles of keys a block needs.
    __device__ __forceinline__ int first_tile(uint32_t) const { return 0; }
    __device__ __forceinline__ int end_tile(uint32_t, int tiles) const { return tiles; }

    __device__ __forceinline__ float score(float product, uint32_t, int, int) const { return product; }
};

// Neighbouring values that a lane handles together.
template <class Element> struct alignas(4 * sizeof(Element)) Four {
    Element values[4];
};

// Loads 16 rows of `columns` values, up to WIDTH, as f32; columns beyond them, and rows after the first `count`, become 0. If
// `whole`, `columns` is a multiple of 4 and rows are aligned to 4 values.
template <int WIDTH, class Element>
__device__ __forceinline__ void fetch_rows(float *target, int target_stride, const Element *source, uint32_t stride, int count,
                                           int columns, bool whole) {
    constexpr int PIECES = WIDTH / 4;
    const int column = threadIdx.x % PIECES * 4;
    // Four loads are in flight at a time, as many as there are registers for.
#pragma unroll 4
    for (int first = 0; first < SLOT_ROWS; first += WARP / PIECES) {
        const int row = first + threadIdx.x % WARP / PIECES;
        float4 values = {0.0f, 0.0f, 0.0f, 0.0f};
        if (row < count && column < columns) {
            const Element *from = source + (row * stride + column);
            if (whole) {
                const Four<Element> four = *reinterpret_cast<const Four<Element> *>(from);
                values = {to_float(four.values[0]), to_float(four.values[1]), to_float(four.values[2]), to_float(four.values[3])};
            } else {
                values.x = to_float(from[0]);
                if (column + 1 < columns) values.y = to_float(from[1]);
                if (column + 2 < columns) values.z = to_float(from[2]);
                if (column + 3 < columns) values.w = to_float(from[3]);
            }
        }
        *reinterpret_cast<float4 *>(target + row * target_stride + column) = values;
    }
}

// A lane's queries and their results.
template <int MAX_HEAD_DIM> struct LaneQueries {
    // Columns in shared memory at a time.
    static constexpr int WIDTH = MAX_HEAD_DIM < 64 ? MAX_HEAD_DIM : 64;
    static constexpr int CHUNKS = MAX_HEAD_DIM / WIDTH;
    // Pieces of 32 columns, of which a lane has 4.
    static constexpr int GROUPS = WIDTH / 32;
    static constexpr int KEY_STRIDE = WIDTH + 4;

    // Later their weights.
    float scores[ROWS][LANE_KEYS];
    float outputs[CHUNKS][GROUPS][ROWS][4];
    Softmax softmax[ROWS];
    const int row = threadIdx.x % WARP / 8;
    const int column = threadIdx.x % 8;

    __device__ __forceinline__ LaneQueries() {
#pragma unroll
        for (int chunk = 0; chunk < CHUNKS; ++chunk)
#pragma unroll
            for (int group = 0; group < GROUPS; ++group)
#pragma unroll
                for (int i = 0; i < ROWS; ++i)
#pragma unroll
                    for (int k = 0; k < 4; ++k) outputs[chunk][group][i][k] = 0.0f;
    }

    __device__ __forceinline__ void clear_scores() {
#pragma unroll
        for (int i = 0; i < ROWS; ++i)
#pragma unroll
            for (int j = 0; j < LANE_KEYS; ++j) scores[i][j] = 0.0f;
    }

    // Adds the products of some columns with up to 16 PIECES keys.
    template <int PIECES> __device__ __forceinline__ void score(const float *queries, const float *keys, int columns) {
#pragma unroll 1
        for (int at = 0; at < columns; at += 4) {
            float4 left[ROWS];
#pragma unroll
            for (int i = 0; i < ROWS; ++i) left[i] = *reinterpret_cast<const float4 *>(queries + (row + 4 * i) * QUERY_STRIDE + at);
#pragma unroll
            for (int j = 0; j < 2 * PIECES; ++j) {
                const float4 right = *reinterpret_cast<const float4 *>(keys + (column + 8 * j) * KEY_STRIDE + at);
#pragma unroll
                for (int i = 0; i < ROWS; ++i) {
                    float sum = fmaf(left[i].x, right.x, scores[i][j]);
                    sum = fmaf(left[i].y, right.y, sum);
                    sum = fmaf(left[i].z, right.z, sum);
                    scores[i][j] = fmaf(left[i].w, right.w, sum);
                }
            }
        }
    }

    // Finishes the scores of the keys from `first_key` on, of which there are `count`.
    template <int PIECES, class Scores>
    __device__ __forceinline__ void finish(const Scores &terms, uint32_t head, int first_query, int first_key, int count) {
#pragma unroll
        for (int i = 0; i < ROWS; ++i)
#pragma unroll
            for (int j = 0; j < 2 * PIECES; ++j) {
                const int key = column + 8 * j;
                if (key < count) scores[i][j] = terms.score(scores[i][j], head, first_query + row + 4 * i, first_key + key);
            }
    }

    // Turns the scores of `count` keys into weights and writes them to `weights`, the warp's own, followed by 0. Rescales earlier
    // sums to the new largest score.
    template <int PIECES> __device__ __forceinline__ void weigh(float *weights, int count, float scale) {
#pragma unroll
        for (int i = 0; i < ROWS; ++i) {
            float largest = -INFINITY;
#pragma unroll
            for (int j = 0; j < 2 * PIECES; ++j) {
                if (column + 8 * j >= count) scores[i][j] = -INFINITY;
                largest = fmaxf(largest, scores[i][j]);
            }
#pragma unroll
            for (int distance = 1; distance < 8; distance *= 2) largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, distance));
            const float factor = softmax[i].raise(largest, scale);
#pragma unroll
            for (int chunk = 0; chunk < CHUNKS; ++chunk)
#pragma unroll
                for (int group = 0; group < GROUPS; ++group)
#pragma unroll
                    for (int k = 0; k < 4; ++k) outputs[chunk][group][i][k] *= factor;
#pragma unroll
            for (int j = 0; j < 2 * PIECES; ++j)
                weights[(row + 4 * i) * QUERY_STRIDE + column + 8 * j] = softmax[i].weigh(scores[i][j], scale);
        }
    }

    // Adds the weighted values of `count` keys: one chunk of columns.
    __device__ __forceinline__ void add(float (&sums)[GROUPS][ROWS][4], const float *weights, const float *values, int count) {
#pragma unroll 1
        for (int key = 0; key < count; key += 4) {
            float4 left[ROWS];
#pragma unroll
            for (int i = 0; i < ROWS; ++i) left[i] = *reinterpret_cast<const float4 *>(weights + (row + 4 * i) * QUERY_STRIDE + key);
#pragma unroll
            for (int k = 0; k < 4; ++k)
#pragma unroll
                for (int group = 0; group < GROUPS; ++group) {
                    const float *from = values + (key + k) * KEY_STRIDE + group * 32 + column * 4;
                    const float4 right = *reinterpret_cast<const float4 *>(from);
#pragma unroll
                    for (int i = 0; i < ROWS; ++i) {
                        const float weight = k == 0 ? left[i].x : k == 1 ? left[i].y : k == 2 ? left[i].z : left[i].w;
                        float(&sum)[4] = sums[group][i];
                        sum[0] = fmaf(weight, right.x, sum[0]);
                        sum[1] = fmaf(weight, right.y, sum[1]);
                        sum[2] = fmaf(weight, right.z, sum[2]);
                        sum[3] = fmaf(weight, right.w, sum[3]);
                    }
                }
        }
    }

    // Divides by the weights' sums and writes the first `count` rows.
    template <class Element>
    __device__ __forceinline__ void store(Element *output, uint32_t stride, int count, int head_dim, bool whole) const {
#pragma unroll
        for (int i = 0; i < ROWS; ++i) {
            float sum = softmax[i].sum;
#pragma unroll
            for (int distance = 1; distance < 8; distance *= 2) sum += __shfl_xor_sync(ALL_LANES, sum, distance);
            const float inverse = 1.0f / sum;
            if (row + 4 * i >= count) continue;
            Element *target = output + static_cast<size_t>(row + 4 * i) * stride;
#pragma unroll
            for (int chunk = 0; chunk < CHUNKS; ++chunk)
#pragma unroll
                for (int group = 0; group < GROUPS; ++group) {
                    const int first = chunk * WIDTH + group * 32 + column * 4;
                    Four<Element> four;
#pragma unroll
                    for (int k = 0; k < 4; ++k) four.values[k] = from_float<Element>(outputs[chunk][group][i][k] * inverse);
                    if (whole && first < head_dim) {
                        *reinterpret_cast<Four<Element> *>(target + first) = four;
                    } else {
#pragma unroll
                        for (int k = 0; k < 4; ++k)
                            if (first + k < head_dim) target[first + k] = four.values[k];
                    }
                }
        }
    }
};

template <class Element, int MAX_HEAD_DIM, class Scores>
__device__ __forceinline__ void attend(const Batch<Element> &batch, const Scores &terms) {
    using Lane = LaneQueries<MAX_HEAD_DIM>;
    constexpr int WIDTH = Lane::WIDTH;
    // Queries in each warp's own rows; their weights replace them.
    __shared__ __align__(16) float queries[TILE_ROWS * QUERY_STRIDE];
    // Keys, then values.
    __shared__ __align__(16) float keys[TILE_ROWS * Lane::KEY_STRIDE];
    const Work<Element> work(batch);
    const bool has_queries = work.has_queries();
    const bool whole = batch.head_dim % 4 == 0;
    const int head_dim = batch.head_dim;
    float *own_queries = queries + work.warp * SLOT_ROWS * QUERY_STRIDE;
    float *own_keys = keys + work.warp * SLOT_ROWS * Lane::KEY_STRIDE;
    const float *first_key = keys + work.slot.first_slot * SLOT_ROWS * Lane::KEY_STRIDE;
    const auto fetch = [&](float *target, int stride, Part part, int first_row, int chunk) {
        const Element *source = work.rows(part, first_row) + chunk * WIDTH;
        fetch_rows<WIDTH>(target, stride, source, work.stride(), work.rows_from(first_row), head_dim - chunk * WIDTH, whole);
    };

    Lane lane;
    const uint32_t head = blockIdx.x % batch.num_heads;
    const uint32_t first_query = work.first_query_of_block();
    const int end_tile = terms.end_tile(first_query, work.tiles());
    for (int tile = terms.first_tile(first_query); tile < end_tile; ++tile) {
        const int count = work.keys(tile);
        lane.clear_scores();
        for (int chunk = 0; chunk < Lane::CHUNKS && chunk * WIDTH < head_dim; ++chunk) {
            __syncthreads();
            fetch(own_queries, QUERY_STRIDE, QUERY, work.slot.first_query, chunk);
            fetch(own_keys, Lane::KEY_STRIDE, KEY, work.first_row(tile), chunk);
            __syncthreads();
            if (has_queries)
                for_keys(count, [&](auto pieces) {
                    lane.template score<decltype(pieces)::VALUE>(own_queries, first_key, min(head_dim - chunk * WIDTH, WIDTH));
                });
        }
        if (has_queries) {
            __syncwarp();
            for_keys(count, [&](auto pieces) {
                constexpr int PIECES = decltype(pieces)::VALUE;
                lane.template finish<PIECES>(terms, head, work.slot.first_query, tile * TILE_ROWS, count);
                lane.template weigh<PIECES>(own_queries, count, batch.scale);
            });
        }
#pragma unroll
        for (int chunk = 0; chunk < Lane::CHUNKS; ++chunk) {
            if (chunk * WIDTH >= head_dim) break;
            __syncthreads();
            fetch(own_keys, Lane::KEY_STRIDE, VALUE, work.first_row(tile), chunk);
            __syncthreads();
            if (has_queries) lane.add(lane.outputs[chunk], own_queries, first_key, count);
        }
    }
    if (has_queries) {
        const uint32_t first = work.slot.first_query;
        lane.store(work.output(first), batch.hidden_dim, work.rows_from(first), head_dim, whole);
    }
}

} // namespace nearsay
