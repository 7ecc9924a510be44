// Maxima of the rows and of the columns of A B^T for many pairs: see token_match/mod.rs. A block has one tile: up to 64 tokens of
// a candidate (rows of A) and up to 64 of its reference (rows of B, so columns of A B^T). A pair of at most 64 by 64 tokens is
// one tile, which reads each of its tokens once: the floor of short pairs is (m + n) dim elements over the memory's bandwidth. In
// a longer pair a token is read once per 64 of its partner's, usually from the L2.
//
// There is a block per tile rather than a few that walk over many: the device gives the next tile to whichever multiprocessor has
// room, which balances ragged tiles. Tiles of a pair, rows and columns alike, are combined by an atomic maximum in the output:
// exact in any order. A pair of 512 by 512 tokens is spread over 64 blocks; one block per pair would leave most multiprocessors
// idle when the pairs are few and long.
//
// Tokens pass through shared memory in chunks of 128 bytes, in two buffers: one is filled, by copies of 16 bytes, while the other
// is in use. Short tiles have several chunks in a buffer, so that a block always has up to 16 KiB in flight.
//
// A cosine is the chain of its chunks from first to last, at any place in a tile. In f32: sum = fma(a, b, sum), value after
// value. In f16 and bf16: blocks of 16 values by the tensor cores, which add the 16 products to the f32 sum in their own order.
// Padding values and padding tokens are zeros; a zero adds nothing.

#include "chunks.cuh"

namespace nearsay {

// Tokens per side of a tile.
constexpr int SIDE = 64;
constexpr int MATCH_WARPS = 4;
constexpr int MATCH_THREADS = MATCH_WARPS * WARP;
constexpr int SLOTS = 2 * SIDE;

// The addresses of a tile's tokens and the places of their maxima. token_match/cuda.rs has the same struct.
template <class Element> struct MatchTile {
    const Element *candidate;
    const Element *reference;
    uint32_t candidate_tokens;
    uint32_t reference_tokens;
    // The first of the candidate's maxima in the output.
    uint32_t candidate_maxima;
    uint32_t reference_maxima;
};

// Raises *maximum to at least `value`, also when other threads do the same. Non-negative floats have the order of their bits as
// signed integers, negative ones the reverse order of their bits as unsigned integers; in both cases the other sign's are on the
// right side.
__device__ __forceinline__ void raise(float *maximum, float value) {
    const int bits = __float_as_int(value);
    if (bits >= 0)
        atomicMax(reinterpret_cast<int *>(maximum), bits);
    else
        atomicMin(reinterpret_cast<unsigned *>(maximum), static_cast<unsigned>(bits));
}

// The tokens of a tile on their way through shared memory.
template <class Element> struct MatchTokens {
    static constexpr int VALUES = Chunk<Element>::VALUES;
    static constexpr int WIDTH = Chunk<Element>::WIDTH;

    const MatchTile<Element> &tile;
    int dim;
    // Slots of the candidate, and of both, per chunk.
    int candidate_slots;
    int slots;
    // Whether every piece is whole and aligned.
    bool aligned;

    __device__ __forceinline__ MatchTokens(const MatchTile<Element> &tile, int dim)
        : tile(tile), dim(dim), candidate_slots(whole_groups(tile.candidate_tokens)),
          slots(candidate_slots + whole_groups(tile.reference_tokens)) {
        aligned = are_aligned(tile.candidate, tile.reference, dim);
    }

    // Starts to fetch `chunks` chunks of all tokens, from column `first` on. A thread fetches the same piece of every 16th slot.
    __device__ __forceinline__ void fetch(int first, int chunks, unsigned char *buffer) const {
        constexpr int STEP = MATCH_THREADS / PIECES;
        const int piece = threadIdx.x % PIECES;
        for (int chunk = 0; chunk < chunks; ++chunk) {
            const int column = first + chunk * WIDTH + piece * VALUES;
            unsigned char *target = buffer + chunk * slots * SLOT_BYTES;
            for (int slot = threadIdx.x / PIECES; slot < slots; slot += STEP) {
                const bool of_candidate = slot < candidate_slots;
                const int token = of_candidate ? slot : slot - candidate_slots;
                const int tokens = of_candidate ? tile.candidate_tokens : tile.reference_tokens;
                const Element *values = of_candidate ? tile.candidate : tile.reference;
                const int count = token < tokens ? dim - column : 0;
                if (count > 0) values += static_cast<int64_t>(token) * dim + column;
                fetch_piece(aligned, values, count, target + place(slot, piece));
            }
        }
    }

};

// The cosines of a tile in the registers of a block. `add` adds the products of one chunk; `finish` writes the maxima of the
// candidate's tokens to the output and leaves each warp's share of the maxima of the reference's in `columns`.
//
// For f16 and bf16: warp w has rows 16 w to 16 w + 15 and all columns, as fragments of the tensor cores.
template <class Element> struct Cosines {
    float sums[SIDE / 8][4] = {};

    __device__ __forceinline__ void add(const MatchTokens<Element> &tokens, const unsigned char *candidate) {
        const unsigned char *reference = candidate + tokens.candidate_slots * SLOT_BYTES;
        const int first_row = threadIdx.x / WARP * GROUP;
        if (first_row >= tokens.candidate_slots) return;
        const int columns = tokens.slots - tokens.candidate_slots;
#pragma unroll
        for (int step = 0; step < PIECES / 2; ++step) {
            uint32_t a[4];
            load_rows(a, candidate, first_row, step);
#pragma unroll
            for (int group = 0; group < SIDE / GROUP; ++group) {
                if (group * GROUP >= columns) break;
                uint32_t left[2], right[2];
                load_columns(left, right, reference, group * GROUP, step);
                multiply_add(sums[2 * group], a, left, Element());
                multiply_add(sums[2 * group + 1], a, right, Element());
            }
        }
    }

    __device__ __forceinline__ void finish(const MatchTile<Element> &tile, float *maxima, float (&columns)[SIDE]) {
        const int lane = threadIdx.x % WARP;
        const int first_row = threadIdx.x / WARP * GROUP + lane / 4;
        const int first_column = 2 * (lane % 4);
#pragma unroll
        for (int j = 0; j < SIDE / 8; ++j)
#pragma unroll
            for (int i = 0; i < 4; ++i)
                if (first_row + i / 2 * 8 >= tile.candidate_tokens || first_column + j * 8 + i % 2 >= tile.reference_tokens)
                    sums[j][i] = -INFINITY;
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float largest = -INFINITY;
#pragma unroll
            for (int j = 0; j < SIDE / 8; ++j) largest = fmaxf(largest, fmaxf(sums[j][2 * half], sums[j][2 * half + 1]));
            largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, 1));
            largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, 2));
            const uint32_t row = first_row + half * 8;
            if (lane % 4 == 0 && row < tile.candidate_tokens) raise(maxima + tile.candidate_maxima + row, largest);
        }
#pragma unroll
        for (int j = 0; j < SIDE / 8; ++j)
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                float largest = fmaxf(sums[j][i], sums[j][i + 2]);
#pragma unroll
                for (int distance = 4; distance < WARP; distance *= 2)
                    largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, distance));
                if (lane / 4 == 0) columns[first_column + j * 8 + i] = largest;
            }
    }
};

// For f32: thread t has rows t / 8, t / 8 + 16, ... and columns t % 8, t % 8 + 8, ... The 8 threads that read shared memory
// together share a row's piece, or have the same piece of 8 consecutive columns.
template <> struct Cosines<float> {
    static constexpr int ROWS = SIDE / GROUP;
    static constexpr int COLUMNS = SIDE / 8;
    float sums[ROWS][COLUMNS] = {};

    __device__ __forceinline__ void add(const MatchTokens<float> &tokens, const unsigned char *candidate) {
        const unsigned char *reference = candidate + tokens.candidate_slots * SLOT_BYTES;
        const int row = threadIdx.x / 8;
        const int column = threadIdx.x % 8;
        const int columns = tokens.slots - tokens.candidate_slots;
#pragma unroll 1
        for (int piece = 0; piece < PIECES; ++piece) {
            Vector<float> a[ROWS];
#pragma unroll
            for (int i = 0; i < ROWS; ++i)
                if (i * GROUP < tokens.candidate_slots) a[i] = at(candidate, row + i * GROUP, piece);
#pragma unroll
            for (int j = 0; j < COLUMNS; ++j) {
                if (j * 8 >= columns) break;
                const Vector<float> b = at(reference, column + j * 8, piece);
#pragma unroll
                for (int i = 0; i < ROWS; ++i)
                    if (i * GROUP < tokens.candidate_slots)
#pragma unroll
                        for (int k = 0; k < Vector<float>::SIZE; ++k) sums[i][j] = fmaf(a[i].values[k], b.values[k], sums[i][j]);
            }
        }
    }

    __device__ __forceinline__ void finish(const MatchTile<float> &tile, float *maxima, float (&columns)[SIDE]) {
        const int lane = threadIdx.x % WARP;
        const uint32_t first_row = threadIdx.x / 8;
        const uint32_t first_column = threadIdx.x % 8;
#pragma unroll
        for (int i = 0; i < ROWS; ++i)
#pragma unroll
            for (int j = 0; j < COLUMNS; ++j)
                if (first_row + i * GROUP >= tile.candidate_tokens || first_column + j * 8 >= tile.reference_tokens)
                    sums[i][j] = -INFINITY;
#pragma unroll
        for (int i = 0; i < ROWS; ++i) {
            float largest = sums[i][0];
#pragma unroll
            for (int j = 1; j < COLUMNS; ++j) largest = fmaxf(largest, sums[i][j]);
#pragma unroll
            for (int distance = 1; distance < 8; distance *= 2)
                largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, distance));
            const uint32_t row = first_row + i * GROUP;
            if (first_column == 0 && row < tile.candidate_tokens) raise(maxima + tile.candidate_maxima + row, largest);
        }
#pragma unroll
        for (int j = 0; j < COLUMNS; ++j) {
            float largest = sums[0][j];
#pragma unroll
            for (int i = 1; i < ROWS; ++i) largest = fmaxf(largest, sums[i][j]);
#pragma unroll
            for (int distance = 8; distance < WARP; distance *= 2)
                largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, distance));
            if (lane < 8) columns[first_column + j * 8] = largest;
        }
    }
};

template <class Element>
__device__ __forceinline__ void token_match(const MatchTile<Element> *tiles, float *maxima, uint32_t dim) {
    __shared__ __align__(16) unsigned char buffers[2][SLOTS * SLOT_BYTES];
    __shared__ float columns[MATCH_WARPS][SIDE];
    const MatchTile<Element> tile = tiles[blockIdx.x];
    const MatchTokens<Element> tokens(tile, dim);
    const int width = tokens.WIDTH;
    const int chunks = (dim + width - 1) / width;
    const int most = SLOTS / tokens.slots;
    Cosines<Element> cosines;
    tokens.fetch(0, min(most, chunks), buffers[0]);
    copy_async_commit();
    int buffer = 0;
    for (int first = 0; first < chunks; first += most, buffer ^= 1) {
        const int next = first + most;
        if (next < chunks) tokens.fetch(next * width, min(most, chunks - next), buffers[buffer ^ 1]);
        copy_async_commit();
        copy_async_wait<1>();
        __syncthreads();
        for (int chunk = 0; chunk < min(most, chunks - first); ++chunk)
            cosines.add(tokens, buffers[buffer] + chunk * tokens.slots * SLOT_BYTES);
        __syncthreads();
    }
    cosines.finish(tile, maxima, columns[threadIdx.x / WARP]);
    __syncthreads();
    const uint32_t column = threadIdx.x;
    if (column >= tile.reference_tokens) return;
    float largest = columns[0][column];
#pragma unroll
    for (int warp = 1; warp < MATCH_WARPS; ++warp) largest = fmaxf(largest, columns[warp][column]);
    raise(maxima + tile.reference_maxima + column, largest);
}

} // namespace nearsay

// The initial value of every maximum, and the final one for a token without a partner.
extern "C" __global__ void token_match_begin(float *maxima, uint32_t count) {
    const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count) maxima[i] = -INFINITY;
}

#define KERNEL(suffix, Element)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(nearsay::MATCH_THREADS)                                                         \
        token_match_##suffix(const nearsay::MatchTile<Element> *tiles, float *maxima, uint32_t dim) {                            \
        nearsay::token_match<Element>(tiles, maxima, dim);                                                                       \
    }

FOR_ELEMENTS(KERNEL)
