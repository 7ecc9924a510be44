// An activation in place, for a product whose epilogue cannot do it (cuBLASLt's GELU is the one by tanh): see mod.rs. Its floor
// is 2 count elements over the bandwidth, of the L2 where the product's output is still there.

#include "rows.cuh"

namespace nearsay {

constexpr int THREADS = 256;

// As in cuda.rs.
enum Kind : uint32_t { GELU, GELU_TANH, RELU, SILU, TANH, SIGMOID };

// The functions of CUDA's own library are within 2 units in the last place (erff, tanhf) or what the compiler makes of IEEE's.
__device__ __forceinline__ float apply(uint32_t kind, float x) {
    switch (kind) {
    case GELU: return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
    case GELU_TANH: {
        const float inner = 0.79788456080286536f * x * fmaf(0.044715f * x, x, 1.0f);
        return 0.5f * x * (1.0f + tanhf(inner));
    }
    // Not fmaxf, which would lose a NaN.
    case RELU: return x < 0.0f ? 0.0f : x;
    case SILU: return x / (1.0f + expf(-x));
    case TANH: return tanhf(x);
    default: return 1.0f / (1.0f + expf(-x));
    }
}

template <class Element> __device__ __forceinline__ void activate(Element *values, uint64_t count, uint32_t kind) {
    const uint64_t first = (static_cast<uint64_t>(blockIdx.x) * THREADS + threadIdx.x) * PIECE;
    if (first + PIECE <= count) {
        float piece[PIECE];
        load_piece(values + first, piece);
#pragma unroll
        for (int i = 0; i < PIECE; ++i) piece[i] = apply(kind, piece[i]);
        store_piece(piece, values + first);
    } else {
        for (uint64_t i = first; i < count; ++i) values[i] = from_float<Element>(apply(kind, to_float(values[i])));
    }
}

} // namespace nearsay

#define KERNEL(suffix, Element)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(nearsay::THREADS)                                                               \
        activate_##suffix(Element *values, uint64_t count, uint32_t kind) {                                                      \
        nearsay::activate(values, count, kind);                                                                                  \
    }

FOR_ELEMENTS(KERNEL)
