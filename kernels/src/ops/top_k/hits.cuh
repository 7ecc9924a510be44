// Hits of a search: see top_k.cu.
#pragma once

#include "elements.cuh"

namespace nearsay {

// A score and its row as one number, the larger the better, as in top_k/hit.rs: the score's bits, changed to have the order of
// the scores, and the complement of the row. 0 is not a hit.
__device__ __forceinline__ uint64_t hit_of(float score, uint32_t row) {
    // Turns -0.0 into 0.0.
    const uint32_t bits = __float_as_uint(score + 0.0f);
    uint32_t ordered = bits >> 31 ? ~bits : bits | 0x80000000u;
    if (isnan(score)) ordered = 0;
    return static_cast<uint64_t>(ordered) << 32 | ~row;
}

__device__ __forceinline__ float score_of(uint64_t hit) {
    const uint32_t ordered = static_cast<uint32_t>(hit >> 32);
    if (ordered == 0) return NAN;
    return __uint_as_float(ordered >> 31 ? ordered & 0x7fffffffu : ~ordered);
}

__device__ __forceinline__ uint32_t row_of(uint64_t hit) { return ~static_cast<uint32_t>(hit); }

// The least power of 2 that is at least `count`.
__device__ __forceinline__ int room_for(int count) {
    int room = 1;
    while (room < count) room *= 2;
    return room;
}

// Sorts `size` hits, a power of 2, best first; `barrier` makes the threads wait for each other (a bitonic sort: Batcher, "Sorting
// networks and their applications", 1968).
template <class Barrier>
__device__ __forceinline__ void sort_hits(uint64_t *hits, int size, int thread, int threads, Barrier barrier) {
    for (int run = 2; run <= size; run *= 2)
        for (int distance = run / 2; distance > 0; distance /= 2) {
            for (int pair = thread; pair < size / 2; pair += threads) {
                const int first = 2 * pair - pair % distance;
                const uint64_t a = hits[first];
                const uint64_t b = hits[first + distance];
                const bool falls = (first & run) == 0;
                if (falls == (a < b)) {
                    hits[first] = b;
                    hits[first + distance] = a;
                }
            }
            barrier();
        }
}

} // namespace nearsay
