// Pooling of each sequence and, if requested, its length to 1: see mod.rs. A block handles one sequence; each thread handles a
// column of the output, then the one THREADS further on, and adds its tokens first to last in f64, so that a column is rounded
// once and has the same bits as on the CPU. The hidden states are read once: the floor is total_tokens hidden_dim elements over
// the memory's bandwidth. It is limited by memory latency, so a thread requests AHEAD tokens before it adds the first.

#include "elements.cuh"

namespace nearsay {

constexpr int THREADS = 512;
constexpr int AHEAD = 16;

// As in mod.rs, in the order of several modes side by side.
enum Mode : uint32_t { CLS, MAX, MEAN, MEAN_SQRT_LENGTH, WEIGHTED_MEAN, LAST_TOKEN };

// Calls `each(token, value)` for the tokens from `first` on, in order.
template <class Element, class Each>
__device__ __forceinline__ void for_tokens(const Element *values, uint32_t first, uint32_t length, int64_t stride, Each each) {
    for (; first < length; first += AHEAD) {
        float ahead[AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD; ++i) ahead[i] = first + i < length ? to_float(values[(first + i) * stride]) : 0.0f;
#pragma unroll
        for (int i = 0; i < AHEAD; ++i)
            if (first + i < length) each(first + i, ahead[i]);
    }
}

// One column of one mode. `values` is the column of the sequence's first token, `stride` the distance to the next token.
template <class Element>
__device__ float pool_column(uint32_t mode, const Element *values, uint32_t length, int64_t stride, uint32_t skip) {
    if (length == 0) return 0.0f;
    if (mode == CLS) return to_float(values[length > skip ? skip * stride : 0]);
    if (mode == LAST_TOKEN) return to_float(values[(length - 1) * stride]);
    if (length <= skip) return 0.0f;
    if (mode == MAX) {
        float largest = to_float(values[skip * stride]);
        for_tokens(values, skip + 1, length, stride, [&](uint32_t, float value) {
            // Not fmaxf, which would lose a NaN: the value that does not equal itself.
            if (value > largest || value != value) largest = value;
        });
        return largest;
    }
    double sum = 0.0;
    const bool weighted = mode == WEIGHTED_MEAN;
    for_tokens(values, skip, length, stride, [&](uint32_t token, float value) { sum += weighted ? (token + 1.0) * value : value; });
    const double count = length - skip;
    if (mode == MEAN) return static_cast<float>(sum / count);
    if (mode == MEAN_SQRT_LENGTH) return static_cast<float>(sum / sqrt(count));
    // The positions skip + 1 to length.
    return static_cast<float>(sum / (count * (skip + 1.0 + length) / 2.0));
}

// The sum of one value per thread, in a fixed order; the same in all threads.
__device__ double block_sum(double x) {
    __shared__ double sums[THREADS / WARP];
    x = warp_sum(x);
    if (threadIdx.x % WARP == 0) sums[threadIdx.x / WARP] = x;
    __syncthreads();
    double total = 0.0;
    for (int warp = 0; warp < THREADS / WARP; ++warp) total += sums[warp];
    return total;
}

template <class Element>
__device__ void pool(const Element *hidden, const uint32_t *cu_seqlens, const uint32_t *modes, float *output,
                     uint32_t num_modes, uint32_t hidden_dim, uint32_t skip, uint32_t normalize) {
    const uint32_t begin = cu_seqlens[blockIdx.x], length = cu_seqlens[blockIdx.x + 1] - begin;
    const Element *sequence = hidden + static_cast<int64_t>(begin) * hidden_dim;
    const uint32_t width = num_modes * hidden_dim;
    float *row = output + static_cast<int64_t>(blockIdx.x) * width;
    double squares = 0.0;
    for (uint32_t column = threadIdx.x; column < width; column += THREADS) {
        const float value = pool_column(modes[column / hidden_dim], sequence + column % hidden_dim, length, hidden_dim, skip);
        row[column] = value;
        squares += static_cast<double>(value) * value;
    }
    if (!normalize) return;
    const double total = sqrt(block_sum(squares));
    const double factor = 1.0 / (total < 1e-12 ? 1e-12 : total);
    // Each thread wrote these columns itself.
    for (uint32_t column = threadIdx.x; column < width; column += THREADS)
        row[column] = static_cast<float>(row[column] * factor);
}

} // namespace nearsay

#define KERNEL(suffix, Element)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(nearsay::THREADS)                                                               \
        pool_##suffix(const Element *hidden, const uint32_t *cu_seqlens, const uint32_t *modes, float *output,                   \
                      uint32_t num_modes, uint32_t hidden_dim, uint32_t skip, uint32_t normalize) {                              \
        nearsay::pool(hidden, cu_seqlens, modes, output, num_modes, hidden_dim, skip, normalize);                                \
    }

FOR_ELEMENTS(KERNEL)
