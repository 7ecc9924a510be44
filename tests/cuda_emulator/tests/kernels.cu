// Kernels that the emulator's own tests launch: what must work, and faults that must be told of.
#include "elements.cuh"

using namespace nearsay;

extern "C" __global__ void shuffles(float *output) {
    int lane = threadIdx.x;
    float *row = output + 8 * lane;
    float x = static_cast<float>(lane);
    row[0] = __shfl_sync(ALL_LANES, x, 5);
    row[1] = __shfl_up_sync(ALL_LANES, x, 3);
    row[2] = __shfl_down_sync(ALL_LANES, x, 3);
    row[3] = __shfl_xor_sync(ALL_LANES, x, 1);
    row[4] = __shfl_sync(ALL_LANES, x, 1, 8);
    row[5] = __shfl_up_sync(ALL_LANES, x, 2, 8);
    row[6] = __shfl_down_sync(ALL_LANES, x, 2, 8);
    row[7] = static_cast<float>(__shfl_xor_sync(ALL_LANES, static_cast<double>(lane), 4, 16));
}

// Both halves of the warp by themselves, the odd lanes in a loop that the even ones do not run.
extern "C" __global__ void halves(int *output) {
    int lane = threadIdx.x;
    int result;
    if (lane % 2) {
        result = lane;
        for (int i = 0; i < 3; i++) result = __shfl_sync(0xaaaaaaaau, result, (lane + 2) % 32);
    } else {
        result = static_cast<int>(__ballot_sync(0x55555555u, lane >= 16));
    }
    __syncwarp();
    output[lane] = result + 1000 * __any_sync(ALL_LANES, lane == 7) + 2000 * __all_sync(ALL_LANES, lane < 31);
}

// A sum over a block of up to 1024 threads by static shared memory.
extern "C" __global__ void __launch_bounds__(1024) block_sum(const float *values, float *sums, unsigned count) {
    __shared__ float partial[32];
    float x = 0.0f;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) x += values[i];
    x = warp_sum(x);
    if (threadIdx.x % WARP == 0) partial[threadIdx.x / WARP] = x;
    __syncthreads();
    if (threadIdx.x < WARP) {
        x = threadIdx.x < blockDim.x / WARP ? partial[threadIdx.x] : 0.0f;
        x = warp_sum(x);
        if (threadIdx.x == 0) sums[blockIdx.x] = x;
    }
}

// Threads that have ended are not waited for.
extern "C" __global__ void early_exit(int *output) {
    __shared__ int value;
    if (threadIdx.x >= 40 && threadIdx.x < 90) return;
    if (threadIdx.x == 95) value = 7;
    __syncthreads();
    output[threadIdx.x] = value + __syncthreads_count(threadIdx.x < 10) * 10;
}

// One warp: C = A B for a [16, 16] by rows and a [16, 8] by columns (that is, its transpose by rows).
template <class Element> __device__ void product(const Element *a, const Element *b, float *c) {
    DYNAMIC_SHARED(tiles);
    Element *tile_a = reinterpret_cast<Element *>(tiles), *tile_b = tile_a + 256;
    int lane = threadIdx.x;
    for (int i = lane; i < 256; i += WARP) tile_a[i] = a[i];
    for (int i = lane; i < 128; i += WARP) tile_b[i] = b[i];
    __syncwarp();
    uint32_t a_registers[4], b_registers[4];
    // Matrices 0 and 1 are the upper and lower left of A, 2 and 3 the right.
    load_matrices(a_registers, tile_a + (lane % 16) * 16 + lane / 16 * 8);
    load_matrices(b_registers, tile_b + (lane % 8) * 16 + lane / 8 % 2 * 8);
    uint32_t pair[2] = {b_registers[0], b_registers[1]};
    float sums[4] = {0.5f, 0.5f, 0.5f, 0.5f};
    multiply_add(sums, a_registers, pair, Element());
    int group = lane / 4, column = lane % 4 * 2;
    c[group * 8 + column] = sums[0];
    c[group * 8 + column + 1] = sums[1];
    c[(group + 8) * 8 + column] = sums[2];
    c[(group + 8) * 8 + column + 1] = sums[3];
}

extern "C" __global__ void product_f16(const __half *a, const __half *b, float *c) { product(a, b, c); }
extern "C" __global__ void product_bf16(const __nv_bfloat16 *a, const __nv_bfloat16 *b, float *c) { product(a, b, c); }

// What each lane has after both kinds of ldmatrix, of four 8 x 8 matrices one after the other.
extern "C" __global__ void matrices(const unsigned short *values, uint32_t *output) {
    __shared__ __align__(16) unsigned short tile[256];
    int lane = threadIdx.x;
    for (int i = lane; i < 256; i += WARP) tile[i] = values[i];
    __syncwarp();
    uint32_t registers[4];
    load_matrices(registers, tile + 8 * lane);
    for (int i = 0; i < 4; i++) output[8 * lane + i] = registers[i];
    load_matrices_transposed(registers, tile + 8 * lane);
    for (int i = 0; i < 4; i++) output[8 * lane + 4 + i] = registers[i];
}

// Two groups of copies; with `early` 1 both are read before they are waited for, with 2 the second.
extern "C" __global__ void copies(const float *values, float *output, int early) {
    __shared__ __align__(16) float tile[8][32];
    int thread = threadIdx.x;
    copy_async(tile[thread], values + 4 * thread, thread == 1 ? 8 : thread == 2 ? 0 : 16);
    copy_async_commit();
    copy_async(tile[thread] + 4, values + 4 * thread);
    copy_async_commit();
    if (early != 1) copy_async_wait<1>();
    for (int i = 0; i < 4; i++) output[8 * thread + i] = tile[thread][i];
    if (!early) copy_async_wait<0>();
    for (int i = 4; i < 8; i++) output[8 * thread + i] = tile[thread][i];
}

extern "C" __global__ void atomics(int *counts, float *sum, unsigned *most) {
    for (int i = 0; i < 1000; i++) atomicAdd(&counts[threadIdx.x % 4], 1);
    atomicAdd(sum, 0.25f);
    atomicMax(most, blockIdx.x * blockDim.x + threadIdx.x);
    if (atomicCAS(&counts[4], 0, static_cast<int>(blockIdx.x) + 1) == 0) atomicExch(&counts[5], 1);
}

struct Pair {
    const float *values;
    short scale;
};

extern "C" __global__ void arguments(float *output, unsigned char small, double large, Pair pair, unsigned short end) {
    output[0] = small;
    output[1] = static_cast<float>(large);
    output[2] = pair.values[1] * pair.scale;
    output[3] = end;
}

extern "C" __global__ void block_numbers(unsigned *output) {
    unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    output[block * blockDim.x * blockDim.y * blockDim.z + thread] = 1000 * block + thread;
}

// Each thread reads what its neighbour writes: wrong without a barrier between.
extern "C" __global__ void neighbours(float *output, int has_barrier) {
    DYNAMIC_SHARED(shared);
    float *values = reinterpret_cast<float *>(shared);
    values[threadIdx.x] = static_cast<float>(threadIdx.x);
    if (has_barrier) __syncthreads();
    output[threadIdx.x] = values[(threadIdx.x + 1) % blockDim.x];
}

// Each thread but the last writes again what the one before it may not have read yet: if they run in order it goes well,
// whichever begins.
extern "C" __global__ void overwritten(float *output, int has_barrier) {
    DYNAMIC_SHARED(shared);
    float *values = reinterpret_cast<float *>(shared);
    values[threadIdx.x] = static_cast<float>(threadIdx.x);
    __syncthreads();
    output[threadIdx.x] = threadIdx.x + 1 < blockDim.x ? values[threadIdx.x + 1] : 0.0f;
    if (has_barrier) __syncthreads();
    if (threadIdx.x + 1 < blockDim.x) values[threadIdx.x] = -1.0f;
}

extern "C" __global__ void unwritten(float *output) {
    DYNAMIC_SHARED(shared);
    __shared__ float values[4];
    if (output[2] == 1.0f) values[0] = 1.0f;
    output[0] = values[threadIdx.x];
    output[1] = reinterpret_cast<float *>(shared)[threadIdx.x];
}

extern "C" __global__ void lane_missing(int *output) {
    if (threadIdx.x != 3)
        output[threadIdx.x] = __shfl_sync(ALL_LANES, static_cast<int>(threadIdx.x), 0);
    else
        __syncthreads();
}

extern "C" __global__ void mixed(int *output) {
    if (threadIdx.x % 2)
        output[threadIdx.x] = __shfl_sync(ALL_LANES, 1, 0);
    else
        output[threadIdx.x] = __any_sync(ALL_LANES, 1);
}

// Writes at any index, or reads there.
extern "C" __global__ void write_at(float *output, long long index) { output[index] = 1.0f; }
extern "C" __global__ void read_at(const float *values, float *output, long long index) { output[0] = values[index]; }
extern "C" __global__ void write_shared_at(float *output, int index) {
    DYNAMIC_SHARED(shared);
    reinterpret_cast<volatile float *>(shared)[index] = 1.0f;
    output[0] = 0.0f;
}
extern "C" __global__ void write_array_at(float *output, int index) {
    __shared__ float values[16];
    values[index] = 1.0f;
    output[0] = values[0];
}
extern "C" __global__ void vector_at(const float *values, float4 *output, int index) {
    output[0] = *reinterpret_cast<const float4 *>(values + index);
}
__device__ __noinline__ int descend(int depth) {
    volatile int local[1024];
    local[depth % 1024] = depth;
    return depth > 0 ? descend(depth - 1) + local[depth % 1024] : 0;
}
extern "C" __global__ void recursion(int *output, int depth) { output[0] = descend(depth); }
extern "C" __global__ void divide(int *output, int divisor) { output[0] = 100 / divisor; }
