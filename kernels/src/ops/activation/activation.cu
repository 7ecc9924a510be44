// An activation in place, for a product whose epilogue cannot do it (cuBLASLt's GELU is the tanh approximation): see mod.rs. Its
// floor is 2 count elements over the bandwidth, of the L2 if the product's output is still there.

#include "rows.cuh"

namespace nearsay {

constexpr int THREADS = 256;

// As in cuda.rs.
enum Kind : uint32_t { GELU, GELU_TANH, RELU, SILU, TANH, SIGMOID };

// x Phi(x) for f32.
__device__ __forceinline__ float gelu(float x, float) { return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f)); }

// The same for results that are rounded to 16 bits, in half of erff's instructions, which would need as long as the memory:
// max(x, 0) - a Phi(-a) with a = |x| and Phi(-a) = exp(-a^2 / 2) t P(t), t = 1 / (1 + 0.295 a). The form is that of Abramowitz
// and Stegun 7.1.26; P, of degree 5, was fitted for the least maximum relative error over a in 0..7, 1.4e-6. With f32's roundings
// a Phi(-a) errs by under 2.5e-6 of itself if it is above 1e-7, the whole by under 3e-7.
template <class Element> __device__ __forceinline__ float gelu(float x, Element) {
    // Beyond 16 the result is 0, and an infinity must not be multiplied by 0.
    const float a = fminf(fabsf(x), 16.0f);
    const float t = reciprocal_fast(fmaf(0.295f, a, 1.0f));
    float tail = fmaf(-0.0866049825f, t, 0.261501205f);
    tail = fmaf(tail, t, -0.068701093f);
    tail = fmaf(tail, t, 0.170449985f);
    tail = fmaf(tail, t, 0.104555506f);
    tail = fmaf(tail, t, 0.118799951f);
    tail *= t * exp2_fast(-0.72134752f * a * a);
    // A NaN is not below 0, and stays.
    return fmaf(-a, tail, x < 0.0f ? 0.0f : x);
}

// CUDA's own functions are within 2 units in the last place (erff, tanhf) or compiled from IEEE operations.
template <class Element> __device__ __forceinline__ float apply(uint32_t kind, float x) {
    switch (kind) {
    case GELU: return gelu(x, Element());
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
        for (int i = 0; i < PIECE; ++i) piece[i] = apply<Element>(kind, piece[i]);
        store_piece(piece, values + first);
    } else {
        for (uint64_t i = first; i < count; ++i) values[i] = from_float<Element>(apply<Element>(kind, to_float(values[i])));
    }
}

} // namespace nearsay

#define KERNEL(suffix, Element)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(nearsay::THREADS)                                                               \
        activate_##suffix(Element *values, uint64_t count, uint32_t kind) {                                                      \
        nearsay::activate(values, count, kind);                                                                                  \
    }

FOR_ELEMENTS(KERNEL)
