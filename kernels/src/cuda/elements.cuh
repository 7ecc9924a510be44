// Helpers for element types (float, __half, __nv_bfloat16) and for warps, which every kernel needs.
#pragma once

#ifdef NEARSAY_EMULATED
#include "emulation.h"
#else
#include "instructions.cuh"
#endif

// MACRO for each element type, with the suffix that the host uses in the kernels' names.
#define FOR_ELEMENTS(MACRO) MACRO(f32, float) MACRO(f16, __half) MACRO(bf16, __nv_bfloat16)

namespace nearsay {

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(__half x) { return __half2float(x); }
__device__ __forceinline__ float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }

template <class Element> __device__ __forceinline__ Element from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ __half from_float<__half>(float x) { return __float2half_rn(x); }
template <> __device__ __forceinline__ __nv_bfloat16 from_float<__nv_bfloat16>(float x) { return __float2bfloat16_rn(x); }

// The elements of 16 bytes.
template <class Element> struct alignas(16) Vector {
    static constexpr int SIZE = 16 / sizeof(Element);
    Element values[SIZE];
};

// The sum over a warp's lanes, the same in all of them. The order is fixed: halves, quarters, ...
__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
    for (int distance = WARP / 2; distance > 0; distance /= 2) x += __shfl_xor_sync(ALL_LANES, x, distance);
    return x;
}

__device__ __forceinline__ double warp_sum(double x) {
#pragma unroll
    for (int distance = WARP / 2; distance > 0; distance /= 2) x += __shfl_xor_sync(ALL_LANES, x, distance);
    return x;
}

} // namespace nearsay
