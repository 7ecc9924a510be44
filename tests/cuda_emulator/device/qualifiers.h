// CUDA C++'s qualifiers, built-in variables and vector types for g++.
#pragma once

#include "thread.h"

#include <cassert>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <math_constants.h>
#include <vector_functions.h>

#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __constant__
#undef __launch_bounds__
#undef __grid_constant__
#undef __managed__
#undef __noinline__

// The section tells kernels from other functions when scripts/cuda-emulator lists an object's symbols.
#define __global__ __attribute__((used, noinline, section("emulated_kernels")))
#define __device__
#define __host__
#define __noinline__ __attribute__((noinline))
#define __constant__
#define __grid_constant__
#define __launch_bounds__(...)
// A block runs on one operating system thread, so that its shared memory is that thread's. The kernels of a library have
// no other thread_local variables: the runtime fills them all with POISON before each block.
#define __shared__ static thread_local

#define threadIdx (::cuda_emulator::running->index)
#define blockIdx (::cuda_emulator::running->block->index)
#define blockDim (::cuda_emulator::running->block->block_dimensions)
#define gridDim (::cuda_emulator::running->block->grid_dimensions)
#define warpSize (::cuda_emulator::LANES)

#define __trap() ::cuda_emulator::fail("__trap()")
#undef assert
#define assert(condition)                                                                                                      \
    ((condition) ? static_cast<void>(0) : ::cuda_emulator::fail("%s:%d: assert(%s)", __FILE__, __LINE__, #condition))

// The memory of one thread is in order for all others: fibers of a block share an operating system thread.
inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_system() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

template <class T> inline T __ldg(const T *pointer) { return *pointer; }
template <class T> inline T __ldcg(const T *pointer) { return *pointer; }
template <class T> inline T __ldca(const T *pointer) { return *pointer; }
template <class T> inline T __ldcs(const T *pointer) { return *pointer; }
template <class T> inline T __ldcv(const T *pointer) { return *pointer; }
template <class T> inline void __stcg(T *pointer, T value) { *pointer = value; }
template <class T> inline void __stcs(T *pointer, T value) { *pointer = value; }
template <class T> inline void __stwt(T *pointer, T value) { *pointer = value; }
