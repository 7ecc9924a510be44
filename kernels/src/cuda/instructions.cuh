// Functions for instructions that have no name in CUDA C++. Nothing else in the kernels is written in PTX, so a program that
// provides these functions for another machine (tests/cuda_emulator has them for a CPU) runs the same kernels.
//
// Fragments of mma.m16n8k16 by lane of the warp (PTX ISA, "Matrix fragments for mma.m16n8k16"), with group = lane / 4 and
// pair = lane % 4, two values of 16 bits per register, the lower column in the lower half:
//   A [16, 16], rows:    a[0] (group, 2 pair)  a[1] (group + 8, 2 pair)  a[2] (group, 2 pair + 8)  a[3] (group + 8, 2 pair + 8)
//   B [16, 8], columns:  b[0] (rows 2 pair and 2 pair + 1, column group)  b[1] (rows 2 pair + 8 and 2 pair + 9, column group)
//   C [16, 8], rows:     c[0], c[1] (group, 2 pair and 2 pair + 1)  c[2], c[3] (group + 8, 2 pair and 2 pair + 1)
#pragma once

#include <cstdint>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

// The block's dynamic shared memory, 16-byte aligned.
#define DYNAMIC_SHARED(name) extern __shared__ __align__(16) unsigned char name[]

namespace nearsay {

__device__ __forceinline__ uint32_t shared_address(const void *pointer) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

// c += a b in f32, for halves.
__device__ __forceinline__ void multiply_add(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], __half) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// c += a b in f32, for bf16.
__device__ __forceinline__ void multiply_add(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], __nv_bfloat16) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Four 8 x 8 matrices of 16-bit values from shared memory. Lane i passes the address of row i % 8 of matrix i / 8 (16 bytes,
// aligned); of matrix m it gets, in r[m], the pair (row lane / 4, columns 2 (lane % 4) and the next).
__device__ __forceinline__ void load_matrices(uint32_t (&r)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row)));
}

// The same with each matrix transposed: lane i gets (rows 2 (lane % 4) and the next, column lane / 4).
__device__ __forceinline__ void load_matrices_transposed(uint32_t (&r)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row)));
}

// Copies 16 bytes from global to shared memory asynchronously; the bytes after the first `bytes` become 0.
__device__ __forceinline__ void copy_async(void *shared, const void *global, uint32_t bytes = 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(bytes));
}

// Ends a group of copies.
__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;"); }

// Waits until at most `pending` of the thread's groups are in flight.
template <int pending> __device__ __forceinline__ void copy_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(pending));
}

// 2^x, within 2 units in the last place; 0 for minus infinity.
__device__ __forceinline__ float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// 1 / x, within 1 unit in the last place; a subnormal x counts as 0.
__device__ __forceinline__ float reciprocal_fast(float x) {
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

} // namespace nearsay
