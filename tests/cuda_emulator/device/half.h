// __half and __nv_bfloat16 from CUDA's own headers, whose host code rounds exactly as the device does, and what they
// have for the device only. Arithmetic is done in f32 and rounded once, which is what the device's f16 and bf16
// instructions do for one operation.
#pragma once

#include <cmath>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

namespace cuda_emulator {

#if defined(__aarch64__)
using Float16 = __fp16;
#else
using Float16 = _Float16;
#endif

template <class To, class From> inline To bits_as(From from) {
    static_assert(sizeof(To) == sizeof(From), "the same bits");
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}

inline float f16_to_float(uint16_t bits) { return static_cast<float>(bits_as<Float16>(bits)); }
inline float bf16_to_float(uint16_t bits) { return bits_as<float>(static_cast<uint32_t>(bits) << 16); }
inline uint16_t float_to_f16(float x) { return bits_as<uint16_t>(static_cast<Float16>(x)); }

// Rounded to nearest, ties to even.
inline uint16_t float_to_bf16(float x) {
    uint32_t bits = bits_as<uint32_t>(x);
    if (x != x) return 0x7fff;
    return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

} // namespace cuda_emulator

// Functions that CUDA has for the device only, each by f32's.
#define CUDA_EMULATOR_HALF(name, function)                                                                                     \
    inline __half name(__half x) { return __float2half_rn(function(__half2float(x))); }                                        \
    inline __nv_bfloat16 name(__nv_bfloat16 x) { return __float2bfloat16_rn(function(__bfloat162float(x))); }
CUDA_EMULATOR_HALF(hsqrt, sqrtf)
CUDA_EMULATOR_HALF(hrsqrt, 1.0f / sqrtf)
CUDA_EMULATOR_HALF(hrcp, 1.0f /)
CUDA_EMULATOR_HALF(hcos, cosf)
CUDA_EMULATOR_HALF(hsin, sinf)
CUDA_EMULATOR_HALF(htanh, tanhf)
CUDA_EMULATOR_HALF(hlog, logf)
CUDA_EMULATOR_HALF(hlog2, log2f)
CUDA_EMULATOR_HALF(hexp, expf)
CUDA_EMULATOR_HALF(hexp2, exp2f)
CUDA_EMULATOR_HALF(hfloor, floorf)
CUDA_EMULATOR_HALF(hceil, ceilf)
CUDA_EMULATOR_HALF(hrint, rintf)
CUDA_EMULATOR_HALF(htrunc, truncf)
#undef CUDA_EMULATOR_HALF
