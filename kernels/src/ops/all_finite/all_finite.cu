// Which sequences of a packed tensor have a value that is not finite: see all_finite/mod.rs. The tensor is read as one long
// vector, four pieces of 16 bytes per thread, all in flight at once; its floor is total_tokens dim elements over the memory's
// bandwidth. The sequence is looked up only if such a value was found.

#include "elements.cuh"

namespace nearsay {

constexpr int FINITE_THREADS = 256;
constexpr int FINITE_PIECES = 4;

__device__ __forceinline__ bool is_finite(float x) { return fabsf(x) < INFINITY; }

// The sequence of `token`, the last that starts at or before it: cu_seqlens[low] <= token < cu_seqlens[high].
__device__ __forceinline__ uint32_t sequence_of(const uint32_t *cu_seqlens, uint32_t num_sequences, uint64_t token) {
    uint32_t low = 0;
    uint32_t high = num_sequences;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (cu_seqlens[middle] <= token)
            low = middle;
        else
            high = middle;
    }
    return low;
}

template <class Element>
__device__ __forceinline__ void all_finite(const Element *hidden, const uint32_t *cu_seqlens, uint32_t *broken, uint64_t count,
                                           uint32_t dim, uint32_t num_sequences) {
    constexpr int SIZE = Vector<Element>::SIZE;
    const bool aligned = reinterpret_cast<uint64_t>(hidden) % sizeof(Vector<Element>) == 0;
    const uint64_t first = (static_cast<uint64_t>(blockIdx.x) * FINITE_PIECES * FINITE_THREADS + threadIdx.x) * SIZE;
    Vector<Element> pieces[FINITE_PIECES];
#pragma unroll
    for (int piece = 0; piece < FINITE_PIECES; ++piece) {
        const uint64_t at = first + piece * FINITE_THREADS * SIZE;
        if (aligned && at + SIZE <= count) {
            pieces[piece] = *reinterpret_cast<const Vector<Element> *>(hidden + at);
        } else {
#pragma unroll
            for (int i = 0; i < SIZE; ++i) pieces[piece].values[i] = at + i < count ? hidden[at + i] : from_float<Element>(0.0f);
        }
    }
    // One bit per value.
    uint32_t found = 0;
#pragma unroll
    for (int i = 0; i < FINITE_PIECES * SIZE; ++i)
        found |= static_cast<uint32_t>(!is_finite(to_float(pieces[i / SIZE].values[i % SIZE]))) << i;
    for (; found != 0; found &= found - 1) {
        const int i = __ffs(found) - 1;
        const uint64_t at = first + i / SIZE * FINITE_THREADS * SIZE + i % SIZE;
        // All threads that write here write the same value.
        broken[sequence_of(cu_seqlens, num_sequences, at / dim)] = 1;
    }
}

} // namespace nearsay

#define KERNEL(suffix, Element)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(nearsay::FINITE_THREADS)                                                        \
        all_finite_##suffix(const Element *hidden, const uint32_t *cu_seqlens, uint32_t *broken, uint64_t count, uint32_t dim,   \
                            uint32_t num_sequences) {                                                                            \
        nearsay::all_finite<Element>(hidden, cu_seqlens, broken, count, dim, num_sequences);                                     \
    }

FOR_ELEMENTS(KERNEL)
