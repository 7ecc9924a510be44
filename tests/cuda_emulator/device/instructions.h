// The functions of kernels/src/cuda/instructions.cuh, with the same signatures, for fibers. The layouts of fragments are
// the ones that are described there.
#pragma once

#include "half.h"
#include "maths.h"
#include "meeting.h"

#define DYNAMIC_SHARED(name) unsigned char *const name = ::cuda_emulator::running->block->dynamic_shared

namespace cuda_emulator {

// A copy waits in the thread's queue until copies are waited for: memory read too early has not changed yet.
void begin_copy(void *shared, const void *global, uint32_t bytes);
void commit_copies();
void wait_for_copies(int pending);

struct MultiplyAddRequest {
    float *c;
    const uint32_t *a;
    const uint32_t *b;
};

inline void require_full_warp(const char *name, unsigned members) {
    if (members != EVERY_LANE) fail("%s: only the lanes %#x of the warp have come", name, members);
}

// The products of 16-bit values are exact in f32; they are added first to last.
template <float (*convert)(uint16_t)> inline void complete_multiply_add(MultiplyAddRequest *const *lanes, unsigned members) {
    require_full_warp("mma", members);
    float a[16][16], b[16][8];
    for (int lane = 0; lane < LANES; lane++) {
        int group = lane / 4, pair = lane % 4;
        for (int part = 0; part < 4; part++) {
            uint32_t bits = lanes[lane]->a[part];
            int row = group + part % 2 * 8, column = 2 * pair + part / 2 * 8;
            a[row][column] = convert(static_cast<uint16_t>(bits));
            a[row][column + 1] = convert(static_cast<uint16_t>(bits >> 16));
        }
        for (int part = 0; part < 2; part++) {
            uint32_t bits = lanes[lane]->b[part];
            int row = 2 * pair + part * 8;
            b[row][group] = convert(static_cast<uint16_t>(bits));
            b[row + 1][group] = convert(static_cast<uint16_t>(bits >> 16));
        }
    }
    for (int row = 0; row < 16; row++) {
        float sums[8];
        for (int column = 0; column < 8; column++) sums[column] = lanes[row % 8 * 4 + column / 2]->c[row / 8 * 2 + column % 2];
        for (int k = 0; k < 16; k++) {
            for (int column = 0; column < 8; column++) sums[column] += a[row][k] * b[k][column];
        }
        for (int column = 0; column < 8; column++) lanes[row % 8 * 4 + column / 2]->c[row / 8 * 2 + column % 2] = sums[column];
    }
}

struct LoadMatricesRequest {
    uint32_t *registers;
    const unsigned char *row;
};

template <bool transposed> inline void complete_load_matrices(LoadMatricesRequest *const *lanes, unsigned members) {
    require_full_warp("ldmatrix", members);
    for (int matrix = 0; matrix < 4; matrix++) {
        for (int lane = 0; lane < LANES; lane++) {
            int group = lane / 4, pair = lane % 4;
            uint16_t values[2];
            for (int i = 0; i < 2; i++) {
                int row = transposed ? 2 * pair + i : group, column = transposed ? group : 2 * pair + i;
                __builtin_memcpy(&values[i], lanes[8 * matrix + row]->row + 2 * column, 2);
            }
            lanes[lane]->registers[matrix] = static_cast<uint32_t>(values[1]) << 16 | values[0];
        }
    }
}

template <bool transposed> inline void load_matrices(const char *name, uint32_t (&registers)[4], const void *row) {
    require_shared(row, 16, name);
    if (reinterpret_cast<uintptr_t>(row) % 16) fail("%s: a row that is not aligned to 16 bytes", name);
    LoadMatricesRequest request{registers, static_cast<const unsigned char *>(row)};
    meet<LoadMatricesRequest, complete_load_matrices<transposed>>(name, EVERY_LANE, request);
}

} // namespace cuda_emulator

namespace nearsay {

inline void multiply_add(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], __half) {
    cuda_emulator::MultiplyAddRequest request{c, a, b};
    cuda_emulator::meet<cuda_emulator::MultiplyAddRequest, cuda_emulator::complete_multiply_add<cuda_emulator::f16_to_float>>(
        "mma (f16)", cuda_emulator::EVERY_LANE, request);
}

inline void multiply_add(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], __nv_bfloat16) {
    cuda_emulator::MultiplyAddRequest request{c, a, b};
    cuda_emulator::meet<cuda_emulator::MultiplyAddRequest, cuda_emulator::complete_multiply_add<cuda_emulator::bf16_to_float>>(
        "mma (bf16)", cuda_emulator::EVERY_LANE, request);
}

inline void load_matrices(uint32_t (&r)[4], const void *row) { cuda_emulator::load_matrices<false>("ldmatrix", r, row); }
inline void load_matrices_transposed(uint32_t (&r)[4], const void *row) {
    cuda_emulator::load_matrices<true>("ldmatrix.trans", r, row);
}

inline void copy_async(void *shared, const void *global, uint32_t bytes = 16) {
    cuda_emulator::begin_copy(shared, global, bytes);
}
inline void copy_async_commit() { cuda_emulator::commit_copies(); }
template <int pending> inline void copy_async_wait() { cuda_emulator::wait_for_copies(pending); }

inline float exp2_fast(float x) { return cuda_emulator::exp2_approximate(x); }
inline float reciprocal_fast(float x) { return cuda_emulator::flush(1.0f / cuda_emulator::flush(x)); }

} // namespace nearsay
