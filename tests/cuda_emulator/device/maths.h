// Mathematical functions of the device. Those of <cmath> keep their names. The approximate ones (__expf and its like) are
// computed by the formulas of the device, so that their errors are of the same size.
//
// glibc declares some of these names itself (__expf), hence macros.
#pragma once

#include "half.h"

#include <cfenv>
#include <cmath>
#include <limits>
#include <math.h>

namespace cuda_emulator {

inline float reciprocal_root(float x) { return static_cast<float>(1.0 / std::sqrt(static_cast<double>(x))); }
inline double reciprocal_root(double x) { return 1.0 / std::sqrt(x); }
inline float flush(float x) { return std::fabs(x) < 1.17549435e-38f ? std::copysign(0.0f, x) : x; }
// ex2.approx.ftz.f32 and what is made of it.
inline float exp2_approximate(float x) { return flush(exp2f(flush(x))); }
inline float exp_approximate(float x) { return exp2_approximate(x * 1.44269504f); }
inline float exp10_approximate(float x) { return exp2_approximate(x * 3.32192809f); }
inline float log2_approximate(float x) { return log2f(flush(x)); }
inline float log_approximate(float x) { return log2_approximate(x) * 0.693147181f; }
inline float log10_approximate(float x) { return log2_approximate(x) * 0.301029996f; }
inline float pow_approximate(float x, float y) { return exp2_approximate(y * log2_approximate(x)); }
// Beyond 2^126 the quotient is 0, as documented.
inline float divide_approximate(float x, float y) {
    return std::fabs(y) > 8.507059e37f && !std::isinf(x) && std::fabs(y) < HUGE_VALF ? std::copysign(0.0f, x * y) : x / y;
}
// The distribution function of the standard normal distribution.
inline double normal_distribution(double x) { return 0.5 * std::erfc(-x * 0.70710678118654752440); }
inline float saturate(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }

// To an integer as the device does it: values beyond its ends give the ends, NaN gives 0.
template <class Integer> inline Integer to_integer(double x) {
    if (x != x) return 0;
    constexpr double low = static_cast<double>(std::numeric_limits<Integer>::min());
    if (x <= low) return std::numeric_limits<Integer>::min();
    if (x >= -low + (low == 0.0 ? std::ldexp(1.0, sizeof(Integer) * 8) : 0.0)) return std::numeric_limits<Integer>::max();
    return static_cast<Integer>(x);
}

} // namespace cuda_emulator

#define rsqrtf ::cuda_emulator::reciprocal_root
#define rsqrt ::cuda_emulator::reciprocal_root
#define __frsqrt_rn ::cuda_emulator::reciprocal_root
#define __expf ::cuda_emulator::exp_approximate
#define __exp10f ::cuda_emulator::exp10_approximate
#define __logf ::cuda_emulator::log_approximate
#define __log2f ::cuda_emulator::log2_approximate
#define __log10f ::cuda_emulator::log10_approximate
#define __powf ::cuda_emulator::pow_approximate
#define __sinf sinf
#define __cosf cosf
#define __tanhf tanhf
#define __fdividef ::cuda_emulator::divide_approximate
#define __saturatef ::cuda_emulator::saturate

inline float normcdff(float x) { return static_cast<float>(cuda_emulator::normal_distribution(x)); }
inline double normcdf(double x) { return cuda_emulator::normal_distribution(x); }

inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __fmaf_rn(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dsub_rn(double x, double y) { return x - y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline double __ddiv_rn(double x, double y) { return x / y; }
inline double __fma_rn(double x, double y, double z) { return __builtin_fma(x, y, z); }

inline int __float2int_rn(float x) { return cuda_emulator::to_integer<int>(nearbyint(x)); }
inline int __float2int_rd(float x) { return cuda_emulator::to_integer<int>(floor(x)); }
inline int __float2int_ru(float x) { return cuda_emulator::to_integer<int>(ceil(x)); }
inline int __float2int_rz(float x) { return cuda_emulator::to_integer<int>(trunc(x)); }
inline unsigned __float2uint_rn(float x) { return cuda_emulator::to_integer<unsigned>(nearbyint(x)); }
inline unsigned __float2uint_rd(float x) { return cuda_emulator::to_integer<unsigned>(floor(x)); }
inline unsigned __float2uint_rz(float x) { return cuda_emulator::to_integer<unsigned>(trunc(x)); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline float __double2float_rn(double x) { return static_cast<float>(x); }
inline float __ll2float_rn(long long x) { return static_cast<float>(x); }
