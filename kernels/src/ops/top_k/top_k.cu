// The k best rows of a corpus for each query: see top_k/mod.rs. A block has a tile of up to 64 queries and a section of the
// corpus, which it goes through in tiles of 128 rows. A tile's scores stay in registers; scores above their query's threshold are
// appended to the query's list in global memory (usually in the L2), and a list without room for another tile is cut down to its
// k best, whose last is the new threshold. `top_k_merge` then merges the lists of all sections into one.
//
// It does not matter where the corpus is cut: a score is a chain over dim from first to last, and selecting the best is
// exact in any order. A row is compared with the threshold of rows before it in its section, so that of equal scores the lower
// index wins.
//
// Values pass through shared memory in chunks of 128 bytes of all rows and queries of a tile, in two buffers: one is filled, by
// copies of 16 bytes, while the other is in use, from one tile to the next without a pause.
//
// The floor for up to a hundred queries is one pass over the corpus. A tile of 64 queries by 128 rows does 43 operations per byte
// that it reads (in 16 bits): with many queries the L2 is the limit.
//
// In f32: sum = fma(a, b, sum), value after value. In f16 and bf16: blocks of 16 values by the tensor cores, which add the 16
// products to the f32 sum in their own order. Padding values are zeros; a zero adds nothing.

#include "chunks.cuh"
#include "hits.cuh"

namespace nearsay {

// Per tile.
constexpr int QUERIES = 64;
constexpr int ROWS = 128;
constexpr int SEARCH_WARPS = 4;
constexpr int SEARCH_THREADS = SEARCH_WARPS * WARP;
constexpr int SLOTS = ROWS + QUERIES;
constexpr int BUFFER_BYTES = SLOTS * SLOT_BYTES;
// Hits that are merged at a time.
constexpr int MERGED = 2048;

// The arguments of a launch.
template <class Element> struct Search {
    // [num_queries, dim]
    const Element *queries;
    // [num_rows, dim]
    const Element *rows;
    // [sections, num_queries, capacity]; counts [sections, num_queries] has the number of hits in each list.
    uint64_t *hits;
    uint32_t *counts;
    uint32_t num_queries;
    uint32_t num_rows;
    uint32_t dim;
    uint32_t k;
    uint32_t rows_of_a_section;
    // A power of 2; more than k by at least ROWS.
    uint32_t capacity;
};

// The lists of a block's queries.
struct Lists {
    uint64_t *hits;
    // In shared memory.
    uint32_t *counts;
    // Scores at or below this are skipped. NaN, for which `<=` is always false, until a list was cut.
    float *thresholds;
    int num_queries;
    int k;
    int capacity;

    __device__ __forceinline__ void begin() const {
        for (int query = threadIdx.x; query < QUERIES; query += SEARCH_THREADS) {
            counts[query] = 0;
            thresholds[query] = NAN;
        }
    }

    __device__ __forceinline__ void offer(int query, float score, uint32_t row) const {
        if (score <= thresholds[query]) return;
        const uint32_t place = atomicAdd(counts + query, 1u);
        hits[static_cast<int64_t>(query) * capacity + place] = hit_of(score, row);
    }

    // Cuts lists of more than `most` hits, which is at least k, down to the k best. `scratch` has BUFFER_BYTES. All threads must
    // call this, between barriers.
    __device__ __forceinline__ void cut(int most, unsigned char *scratch) const {
        const int warp = threadIdx.x / WARP;
        const int bytes = capacity * static_cast<int>(sizeof(uint64_t));
        const int sorters = min(SEARCH_WARPS, BUFFER_BYTES / bytes);
        if (warp >= sorters) return;
        for (int query = warp; query < num_queries; query += sorters)
            if (static_cast<int>(counts[query]) > most) cut_one(query, reinterpret_cast<uint64_t *>(scratch + warp * bytes));
    }

  private:
    // Called by one warp.
    __device__ __forceinline__ void cut_one(int query, uint64_t *sorted) const {
        const int lane = threadIdx.x % WARP;
        const int count = counts[query];
        const int size = room_for(count);
        uint64_t *list = hits + static_cast<int64_t>(query) * capacity;
        for (int i = lane; i < size; i += WARP) sorted[i] = i < count ? list[i] : 0;
        __syncwarp();
        sort_hits(sorted, size, lane, WARP, [] { __syncwarp(); });
        for (int i = lane; i < k; i += WARP) list[i] = sorted[i];
        if (lane == 0) {
            counts[query] = k;
            thresholds[query] = score_of(sorted[k - 1]);
        }
        __syncwarp();
    }
};

// A buffer's content: a chunk of 128 bytes from a column on, for a tile's rows and queries.
struct Step {
    int tile = 0;
    int column = 0;
};

// The queries and rows of a block on their way through shared memory: first the rows' slots, then the queries'.
template <class Element> struct Operands {
    static constexpr int VALUES = Chunk<Element>::VALUES;
    static constexpr int WIDTH = Chunk<Element>::WIDTH;

    const Element *queries;
    const Element *rows;
    int num_queries;
    int num_rows;
    int dim;
    int query_slots;
    // Whether every piece is whole and aligned.
    bool aligned;

    __device__ __forceinline__ Operands(const Search<Element> &search, uint32_t first_query, uint32_t first_row)
        : queries(search.queries + static_cast<int64_t>(first_query) * search.dim),
          rows(search.rows + static_cast<int64_t>(first_row) * search.dim),
          num_queries(min(search.num_queries - first_query, static_cast<uint32_t>(QUERIES))),
          num_rows(min(search.num_rows - first_row, search.rows_of_a_section)), dim(search.dim),
          query_slots(whole_groups(num_queries)) {
        aligned = are_aligned(search.queries, search.rows, dim);
    }

    __device__ __forceinline__ int tiles() const { return (num_rows + ROWS - 1) / ROWS; }

    __device__ __forceinline__ bool is_last_of_tile(const Step &step) const { return step.column + WIDTH >= dim; }

    __device__ __forceinline__ Step after(const Step &step) const {
        if (is_last_of_tile(step)) return {step.tile + 1, 0};
        return {step.tile, step.column + WIDTH};
    }

    // Starts to fetch a step. A thread fetches the same piece of every 16th slot.
    __device__ __forceinline__ void fetch(const Step &step, unsigned char *buffer) const {
        constexpr int STRIDE = SEARCH_THREADS / PIECES;
        const int piece = threadIdx.x % PIECES;
        const int column = step.column + piece * VALUES;
        const int first_row = step.tile * ROWS;
        const Element *tile_rows = rows + static_cast<int64_t>(first_row) * dim;
        for (int slot = threadIdx.x / PIECES; slot < ROWS + query_slots; slot += STRIDE) {
            const bool of_rows = slot < ROWS;
            const int index = of_rows ? slot : slot - ROWS;
            const bool exists = index < (of_rows ? num_rows - first_row : num_queries);
            const int count = exists ? dim - column : 0;
            const Element *values = of_rows ? tile_rows : queries;
            if (count > 0) values += static_cast<int64_t>(index) * dim + column;
            fetch_piece(aligned, values, count, buffer + place(slot, piece));
        }
    }

};

// The scores of a tile in the registers of a block. `add` adds the products of one chunk; `visit` calls `body` with the row and
// the query of each score in the tile, some of which may be past the last.
//
// For f16 and bf16: warp w has rows 32 w to 32 w + 31 and all queries, as fragments of the tensor cores.
template <class Element> struct Scores {
    float sums[2][QUERIES / 8][4] = {};

    __device__ __forceinline__ void add(const unsigned char *rows, int query_slots) {
        const unsigned char *queries = rows + ROWS * SLOT_BYTES;
        const int first_row = threadIdx.x / WARP * 2 * GROUP;
#pragma unroll
        for (int step = 0; step < PIECES / 2; ++step) {
            uint32_t a[2][4];
#pragma unroll
            for (int half = 0; half < 2; ++half)
                load_rows(a[half], rows, first_row + half * GROUP, step);
#pragma unroll
            for (int group = 0; group < QUERIES / GROUP; ++group) {
                if (group * GROUP >= query_slots) break;
                uint32_t left[2], right[2];
                load_columns(left, right, queries, group * GROUP, step);
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    multiply_add(sums[half][2 * group], a[half], left, Element());
                    multiply_add(sums[half][2 * group + 1], a[half], right, Element());
                }
            }
        }
    }

    template <class Body> __device__ __forceinline__ void visit(Body body) const {
        const int lane = threadIdx.x % WARP;
        const int first_row = threadIdx.x / WARP * 2 * GROUP + lane / 4;
        const int first_query = 2 * (lane % 4);
#pragma unroll
        for (int j = 0; j < QUERIES / 8; ++j)
#pragma unroll
            for (int half = 0; half < 2; ++half)
#pragma unroll
                for (int i = 0; i < 4; ++i)
                    body(first_row + half * GROUP + i / 2 * 8, first_query + j * 8 + i % 2, sums[half][j][i]);
    }
};

// For f32: thread t has rows t / 8, t / 8 + 16, ... and queries t % 8, t % 8 + 8, ... The 8 threads that read shared memory
// together share a row's piece, or have the same piece of 8 consecutive queries.
template <> struct Scores<float> {
    static constexpr int OWN_ROWS = ROWS / GROUP;
    static constexpr int OWN_QUERIES = QUERIES / 8;
    float sums[OWN_ROWS][OWN_QUERIES] = {};

    __device__ __forceinline__ void add(const unsigned char *rows, int query_slots) {
        const unsigned char *queries = rows + ROWS * SLOT_BYTES;
        const int row = threadIdx.x / 8;
        const int query = threadIdx.x % 8;
#pragma unroll 1
        for (int piece = 0; piece < PIECES; ++piece) {
            Vector<float> a[OWN_ROWS];
#pragma unroll
            for (int i = 0; i < OWN_ROWS; ++i) a[i] = at(rows, row + i * GROUP, piece);
#pragma unroll
            for (int j = 0; j < OWN_QUERIES; ++j) {
                if (j * 8 >= query_slots) break;
                const Vector<float> b = at(queries, query + j * 8, piece);
#pragma unroll
                for (int i = 0; i < OWN_ROWS; ++i)
#pragma unroll
                    for (int n = 0; n < Vector<float>::SIZE; ++n) sums[i][j] = fmaf(a[i].values[n], b.values[n], sums[i][j]);
            }
        }
    }

    template <class Body> __device__ __forceinline__ void visit(Body body) const {
#pragma unroll
        for (int j = 0; j < OWN_QUERIES; ++j)
#pragma unroll
            for (int i = 0; i < OWN_ROWS; ++i) body(threadIdx.x / 8 + i * GROUP, threadIdx.x % 8 + j * 8, sums[i][j]);
    }
};

// Blocks of one section are neighbours, so that they find its rows in the L2.
template <class Element> __device__ __forceinline__ void top_k(const Search<Element> &search) {
    DYNAMIC_SHARED(buffers);
    __shared__ uint32_t counts[QUERIES];
    __shared__ float thresholds[QUERIES];
    const uint32_t query_tiles = (search.num_queries + QUERIES - 1) / QUERIES;
    const uint32_t section = blockIdx.x / query_tiles;
    const uint32_t first_query = blockIdx.x % query_tiles * QUERIES;
    const uint32_t first_row = section * search.rows_of_a_section;
    const int64_t first_list = static_cast<int64_t>(section) * search.num_queries + first_query;
    const Operands<Element> operands(search, first_query, first_row);
    const int num_queries = operands.num_queries;
    const int capacity = search.capacity;
    uint64_t *const hits = search.hits + first_list * capacity;
    const Lists lists = {hits, counts, thresholds, num_queries, static_cast<int>(search.k), capacity};
    lists.begin();
    Scores<Element> scores;
    Step step;
    operands.fetch(step, buffers);
    copy_async_commit();
    unsigned char *now = buffers;
    unsigned char *later = buffers + BUFFER_BYTES;
    while (step.tile < operands.tiles()) {
        const Step next = operands.after(step);
        if (next.tile < operands.tiles()) operands.fetch(next, later);
        copy_async_commit();
        copy_async_wait<1>();
        __syncthreads();
        scores.add(now, operands.query_slots);
        __syncthreads();
        if (operands.is_last_of_tile(step)) {
            const int row_of_tile = step.tile * ROWS;
            scores.visit([&](int row, int query, float score) {
                if (query < num_queries && row_of_tile + row < operands.num_rows)
                    lists.offer(query, score, first_row + row_of_tile + row);
            });
            scores = Scores<Element>();
            __syncthreads();
            const bool is_last = next.tile == operands.tiles();
            lists.cut(is_last ? search.k : capacity - ROWS, now);
            __syncthreads();
        }
        step = next;
        unsigned char *const filled = later;
        later = now;
        now = filled;
    }
    for (int query = threadIdx.x; query < num_queries; query += SEARCH_THREADS)
        search.counts[first_list + query] = counts[query];
}

// Sorts the `count` hits at `best`, best first, with all threads; `best` has room up to the next power of 2.
__device__ __forceinline__ void sort_by_block(uint64_t *best, int count) {
    const int size = room_for(count);
    for (int i = count + threadIdx.x; i < size; i += SEARCH_THREADS) best[i] = 0;
    __syncthreads();
    sort_hits(best, size, threadIdx.x, SEARCH_THREADS, [] { __syncthreads(); });
}

} // namespace nearsay

// scores, indices: [num_queries, k]. One block per query. There are at least k hits in all.
extern "C" __global__ void __launch_bounds__(nearsay::SEARCH_THREADS)
    top_k_merge(const uint64_t *hits, const uint32_t *counts, float *scores, uint32_t *indices, uint32_t num_queries,
                uint32_t sections, uint32_t k, uint32_t capacity) {
    using namespace nearsay;
    __shared__ uint64_t best[MERGED];
    __shared__ uint32_t count;
    if (threadIdx.x == 0) count = 0;
    __syncthreads();
    const uint32_t query = blockIdx.x;
    // Only better hits than this are kept.
    uint64_t threshold = 0;
    for (uint32_t first = 0; first < sections * k; first += SEARCH_THREADS) {
        const uint32_t section = (first + threadIdx.x) / k;
        const uint32_t index = (first + threadIdx.x) % k;
        const int64_t list = static_cast<int64_t>(section) * num_queries + query;
        if (section < sections && index < counts[list]) {
            const uint64_t hit = hits[list * capacity + index];
            if (hit > threshold) best[atomicAdd(&count, 1u)] = hit;
        }
        __syncthreads();
        const int held = count;
        __syncthreads();
        if (held <= MERGED - SEARCH_THREADS) continue;
        sort_by_block(best, held);
        threshold = best[k - 1];
        if (threadIdx.x == 0) count = k;
        __syncthreads();
    }
    sort_by_block(best, count);
    for (uint32_t i = threadIdx.x; i < k; i += SEARCH_THREADS) {
        scores[static_cast<int64_t>(query) * k + i] = score_of(best[i]);
        indices[static_cast<int64_t>(query) * k + i] = row_of(best[i]);
    }
}

#define KERNEL(suffix, Element)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(nearsay::SEARCH_THREADS)                                                        \
        top_k_##suffix(const Element *queries, const Element *rows, uint64_t *hits, uint32_t *counts, uint32_t num_queries,      \
                       uint32_t num_rows, uint32_t dim, uint32_t k, uint32_t rows_of_a_section, uint32_t capacity) {             \
        nearsay::top_k<Element>({queries, rows, hits, counts, num_queries, num_rows, dim, k, rows_of_a_section, capacity});      \
    }

FOR_ELEMENTS(KERNEL)
