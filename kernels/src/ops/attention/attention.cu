// Attention by tensor cores: f16 and bf16, heads of 32, 64 and 128 values. attention_general.cu has the others; mod.rs defines
// the computation. After FlashAttention-2 (Dao, 2023), with tiles for sentences instead of its 128 x 128.
//
// A warp has 16 QUERY_SLOTS queries. The four warps of a block share a tile of 64 keys, then one of their values: from one
// sequence that is longer than that, or from up to four that are not. Empty rows are skipped by 16 queries and by 16 keys.
//
// Limits, for n tokens and a head of D values:
//   memory         8 n D bytes (query, key and value read, output written) for 4 n^2 D FLOP, n / 2 FLOP per byte: up to some
//                  370 tokens memory is the limit (an H200 does 184 FLOP in the time of a byte), and the number of bytes in
//                  flight counts. A block requests all of its first tile at once, 384 D bytes: 12, 24 or 48 KiB.
//   powers         16 per cycle and multiprocessor: 64 cycles for 16 queries by 64 keys, whose products need 2 D cycles on an
//                  A100 and D on an H100. Heads of 32 values are bound by the powers.
//   shared memory  a product of 16 x 8 x 16 reads 256 bytes of keys or values, 2 cycles: the time of the product itself on an
//                  A100 and twice that on an H100. With two query slots it reads them once for two products. Long sequences
//                  have two (head_dim 128 lacks the registers for them), which also halves the traffic from L2.
//
// Buffers are a ring of 2 + QUERY_SLOTS tiles. The queries go into the first QUERY_SLOTS; then keys (even items) and values (odd
// ones) of one tile after the other, item i into buffer (i + QUERY_SLOTS) mod (2 + QUERY_SLOTS). There is one barrier per item:
// after it the item is there for all warps, and none still reads the item before it, so the copy of item i + QUERY_SLOTS + 1
// starts into that item's buffer.
//
// Order of the sums: scores over head_dim and outputs over keys in steps of 16, first to last, in f32 (within a step as the
// tensor cores do it); the sum of weights over a lane's keys first to last, then over four lanes.

#include "slots.cuh"

namespace nearsay {

// Values in 16 bytes: the size of a lane's copy, and of a row of ldmatrix.
constexpr int PIECE = 8;

__device__ __forceinline__ uint32_t pack(float low, float high, __half) {
    const __half2 pair = __floats2half2_rn(low, high);
    return *reinterpret_cast<const uint32_t *>(&pair);
}

__device__ __forceinline__ uint32_t pack(float low, float high, __nv_bfloat16) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<const uint32_t *>(&pair);
}

// The position of a piece of a tile [rows, HEAD_DIM] in shared memory. A row's pieces are permuted by the row's number (exclusive
// or), so that pieces of one number in 8 rows are in 8 different sixteenths of 128 bytes, the width of all banks. A row of 32
// values has only half of that width: two rows share a permutation. The pattern repeats after 16 rows.
template <int HEAD_DIM> __device__ __forceinline__ int place(int row, int piece) {
    constexpr int PIECES = HEAD_DIM / PIECE < 8 ? HEAD_DIM / PIECE : 8;
    return row * HEAD_DIM + (piece ^ (row % 8 / (8 / PIECES))) * PIECE;
}

// Starts to copy 16 rows of a head to `target`; rows after the first `count` become 0. Nothing is read for those, but they need a
// valid address: the first row's.
template <int HEAD_DIM, class Element>
__device__ __forceinline__ void copy_rows(Element *target, const Element *source, uint32_t stride, int count) {
    constexpr int PIECES = HEAD_DIM / PIECE;
    const int piece = threadIdx.x % PIECES;
#pragma unroll
    for (int first = 0; first < SLOT_ROWS; first += WARP / PIECES) {
        const int row = first + threadIdx.x % WARP / PIECES;
        const bool exists = row < count;
        const Element *from = source + ((exists ? row : 0) * stride + piece * PIECE);
        copy_async(target + place<HEAD_DIM>(row, piece), from, exists ? 16 : 0);
    }
}

// A warp's queries and their results. Fragments are as in instructions.cuh: of every 16 queries a lane has rows lane / 4 and lane
// / 4 + 8, so [2] is these two.
template <class Element, int HEAD_DIM, int QUERY_SLOTS> struct Queries {
    static constexpr int STEPS = HEAD_DIM / 16;

    uint32_t queries[QUERY_SLOTS][STEPS][4];
    // Later their weights.
    float scores[QUERY_SLOTS][TILE_ROWS / 8][4];
    float outputs[QUERY_SLOTS][HEAD_DIM / 8][4];
    Softmax softmax[QUERY_SLOTS][2];

    __device__ __forceinline__ Queries() {
#pragma unroll
        for (int slot = 0; slot < QUERY_SLOTS; ++slot)
#pragma unroll
            for (int column = 0; column < HEAD_DIM / 8; ++column)
#pragma unroll
                for (int i = 0; i < 4; ++i) outputs[slot][column][i] = 0.0f;
    }

    // The row that this lane addresses for ldmatrix, in 16 rows and the first 16 columns, which are four matrices of 8 x 8: the
    // two of the left columns before the right ones. The columns from 16 step on are at this exclusive or 16 step: a place is
    // permuted by an exclusive or, and these bits of it are 0 otherwise.
    static __device__ __forceinline__ int left_first() {
        const int lane = threadIdx.x % WARP;
        return place<HEAD_DIM>(lane % 16, lane / 16);
    }

    // The same with the two upper matrices before the lower ones.
    static __device__ __forceinline__ int upper_first() {
        const int lane = threadIdx.x % WARP;
        return place<HEAD_DIM>(lane / 16 * 8 + lane % 8, lane / 8 % 2);
    }

    // From `rows`, the warp's rows of the first tile.
    __device__ __forceinline__ void load(const Element *rows) {
        const int at = left_first();
#pragma unroll
        for (int slot = 0; slot < QUERY_SLOTS; ++slot)
#pragma unroll
            for (int step = 0; step < STEPS; ++step)
                load_matrices(queries[slot][step], rows + slot * TILE_ROWS * HEAD_DIM + (at ^ (step * 16)));
    }

    // The scores of up to 16 PIECES keys, not yet scaled; minus infinity after the first `count`.
    template <int PIECES> __device__ __forceinline__ void score(const Element *keys, int count) {
#pragma unroll
        for (int slot = 0; slot < QUERY_SLOTS; ++slot)
#pragma unroll
            for (int column = 0; column < 2 * PIECES; ++column)
#pragma unroll
                for (int i = 0; i < 4; ++i) scores[slot][column][i] = 0.0f;
        const int at = upper_first();
#pragma unroll
        for (int step = 0; step < STEPS; ++step)
#pragma unroll
            for (int piece = 0; piece < PIECES; ++piece) {
                uint32_t b[4];
                load_matrices(b, keys + piece * 16 * HEAD_DIM + (at ^ (step * 16)));
                const uint32_t left[2] = {b[0], b[1]}, right[2] = {b[2], b[3]};
#pragma unroll
                for (int slot = 0; slot < QUERY_SLOTS; ++slot) {
                    multiply_add(scores[slot][2 * piece], queries[slot][step], left, Element());
                    multiply_add(scores[slot][2 * piece + 1], queries[slot][step], right, Element());
                }
            }
        if (count < 16 * PIECES) mask<PIECES>(count);
    }

    template <int PIECES> __device__ __forceinline__ void mask(int count) {
#pragma unroll
        for (int slot = 0; slot < QUERY_SLOTS; ++slot)
#pragma unroll
            for (int column = 2 * PIECES - 2; column < 2 * PIECES; ++column)
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const int key = column * 8 + threadIdx.x % 4 * 2 + i % 2;
                    if (key >= count) scores[slot][column][i] = -INFINITY;
                }
    }

    // Turns scores into weights; rescales earlier sums to the new largest score.
    template <int PIECES> __device__ __forceinline__ void weigh(float scale) {
#pragma unroll
        for (int slot = 0; slot < QUERY_SLOTS; ++slot)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                float largest = -INFINITY;
#pragma unroll
                for (int column = 0; column < 2 * PIECES; ++column)
                    largest = fmaxf(largest, fmaxf(scores[slot][column][2 * half], scores[slot][column][2 * half + 1]));
                largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, 1));
                largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, 2));
                const float factor = softmax[slot][half].raise(largest, scale);
#pragma unroll
                for (int column = 0; column < HEAD_DIM / 8; ++column)
#pragma unroll
                    for (int i = 0; i < 2; ++i) outputs[slot][column][2 * half + i] *= factor;
#pragma unroll
                for (int column = 0; column < 2 * PIECES; ++column)
#pragma unroll
                    for (int i = 0; i < 2; ++i) {
                        float &score = scores[slot][column][2 * half + i];
                        score = softmax[slot][half].weigh(score, scale);
                    }
            }
    }

    // Adds the weighted values of the keys. The weights of two neighbouring columns already are a fragment of the left factor.
    template <int PIECES> __device__ __forceinline__ void add(const Element *values) {
        const int at = left_first();
#pragma unroll
        for (int piece = 0; piece < PIECES; ++piece) {
            uint32_t weights[QUERY_SLOTS][4];
#pragma unroll
            for (int slot = 0; slot < QUERY_SLOTS; ++slot)
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const float *pair = &scores[slot][2 * piece + i / 2][i % 2 * 2];
                    weights[slot][i] = pack(pair[0], pair[1], Element());
                }
#pragma unroll
            for (int step = 0; step < STEPS; ++step) {
                uint32_t b[4];
                load_matrices_transposed(b, values + piece * 16 * HEAD_DIM + (at ^ (step * 16)));
                const uint32_t left[2] = {b[0], b[1]}, right[2] = {b[2], b[3]};
#pragma unroll
                for (int slot = 0; slot < QUERY_SLOTS; ++slot) {
                    multiply_add(outputs[slot][2 * step], weights[slot], left, Element());
                    multiply_add(outputs[slot][2 * step + 1], weights[slot], right, Element());
                }
            }
        }
    }

    // Divides by the weights' sums and writes to `output`, [rows, stride], through `scratch`, the warp's 16 rows of shared
    // memory: so each lane writes 16 bytes, and neighbouring lanes write neighbours.
    __device__ __forceinline__ void store(Element *scratch, Element *output, uint32_t stride, int count) {
        const int lane = threadIdx.x % WARP;
#pragma unroll
        for (int slot = 0; slot < QUERY_SLOTS; ++slot) {
            __syncwarp();
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                float sum = softmax[slot][half].sum;
                sum += __shfl_xor_sync(ALL_LANES, sum, 1);
                sum += __shfl_xor_sync(ALL_LANES, sum, 2);
                const float inverse = 1.0f / sum;
#pragma unroll
                for (int column = 0; column < HEAD_DIM / 8; ++column) {
                    const float *pair = &outputs[slot][column][2 * half];
                    const int at = place<HEAD_DIM>(lane / 4 + 8 * half, column) + lane % 4 * 2;
                    *reinterpret_cast<uint32_t *>(scratch + at) = pack(pair[0] * inverse, pair[1] * inverse, Element());
                }
            }
            __syncwarp();
            constexpr int PIECES = HEAD_DIM / PIECE;
            const int piece = lane % PIECES;
#pragma unroll
            for (int first = 0; first < SLOT_ROWS; first += WARP / PIECES) {
                const int row = first + lane / PIECES;
                const int query = slot * SLOT_ROWS + row;
                if (query >= count) continue;
                const Element *from = scratch + place<HEAD_DIM>(row, piece);
                Element *target = output + static_cast<size_t>(query) * stride + piece * PIECE;
                *reinterpret_cast<Vector<Element> *>(target) = *reinterpret_cast<const Vector<Element> *>(from);
            }
        }
    }
};

template <class Element, int HEAD_DIM, int QUERY_SLOTS> __device__ __forceinline__ void attend(const Batch<Element> &batch) {
    constexpr int BUFFERS = 2 + QUERY_SLOTS;
    constexpr int TILE = TILE_ROWS * HEAD_DIM;
    __shared__ __align__(128) Element buffers[BUFFERS * TILE];
    const Work<Element> work(batch);
    const int own = work.warp * SLOT_ROWS * HEAD_DIM;
    const int first_key = work.slot.first_slot * SLOT_ROWS * HEAD_DIM;
    const int items = 2 * work.tiles();
    const auto buffer = [&](int item) { return buffers + (item + QUERY_SLOTS) % BUFFERS * TILE; };
    const auto copy = [&](Element *target, Part part, int first_row) {
        copy_rows<HEAD_DIM>(target + own, work.rows(part, first_row), work.stride(), work.rows_from(first_row));
    };
    const auto copy_item = [&](int item) {
        if (item < items) copy(buffer(item), item % 2 == 0 ? KEY : VALUE, work.first_row(item / 2));
        copy_async_commit();
    };

    // One group of copies per item, so that waiting for all but QUERY_SLOTS groups means waiting for the current item: the
    // queries belong to the first group, and after the second come empty groups for the items that need the queries' room.
#pragma unroll
    for (int slot = 0; slot < QUERY_SLOTS; ++slot) copy(buffers + slot * TILE, QUERY, work.slot.first_query + slot * SLOT_ROWS);
    copy_item(0);
    copy_item(1);
#pragma unroll
    for (int slot = 1; slot < QUERY_SLOTS; ++slot) copy_async_commit();

    Queries<Element, HEAD_DIM, QUERY_SLOTS> queries;
    const bool has_queries = work.has_queries();
    for (int item = 0; item < items; item += 2) {
        const int count = work.keys(item / 2);
        copy_async_wait<QUERY_SLOTS>();
        __syncthreads();
        if (item == 0) {
            queries.load(buffers + own);
            // The queries' rows are overwritten only by their own warp.
            __syncwarp();
#pragma unroll
            for (int slot = 1; slot < QUERY_SLOTS; ++slot) copy_item(1 + slot);
        }
        copy_item(item + QUERY_SLOTS + 1);
        if (has_queries)
            for_keys(count, [&](auto pieces) { queries.template score<decltype(pieces)::VALUE>(buffer(item) + first_key, count); });
        copy_async_wait<QUERY_SLOTS>();
        __syncthreads();
        copy_item(item + QUERY_SLOTS + 2);
        if (has_queries)
            for_keys(count, [&](auto pieces) {
                queries.template weigh<decltype(pieces)::VALUE>(batch.scale);
                queries.template add<decltype(pieces)::VALUE>(buffer(item + 1) + first_key);
            });
    }
    if (has_queries) {
        // The last keys' buffer: after the last barrier nobody reads it.
        const uint32_t first = work.slot.first_query;
        queries.store(buffer(items - 2) + own, work.output(first), batch.hidden_dim, work.rows_from(first));
    }
}

} // namespace nearsay

// BLOCKS is the number of blocks per multiprocessor that the registers allow without spilling.
#define KERNEL(suffix, Element, HEAD_DIM, QUERY_SLOTS, BLOCKS)                                                                   \
    extern "C" __global__ void __launch_bounds__(nearsay::BLOCK_THREADS, BLOCKS)                                                 \
        attention_##HEAD_DIM##_##QUERY_SLOTS##_##suffix(const Element *qkv, Element *output, const nearsay::Slot *slots,         \
                                                        uint32_t num_heads, uint32_t head_dim, uint32_t hidden_dim,              \
                                                        float scale) {                                                           \
        nearsay::attend<Element, HEAD_DIM, QUERY_SLOTS>({qkv, output, slots, num_heads, head_dim, hidden_dim, scale});           \
    }

#define KERNELS(suffix, Element)                                                                                                 \
    KERNEL(suffix, Element, 32, 1, 5)                                                                                            \
    KERNEL(suffix, Element, 32, 2, 3)                                                                                            \
    KERNEL(suffix, Element, 64, 1, 4)                                                                                            \
    KERNEL(suffix, Element, 64, 2, 2)                                                                                            \
    KERNEL(suffix, Element, 128, 1, 2)

KERNELS(f16, __half)
KERNELS(bf16, __nv_bfloat16)
