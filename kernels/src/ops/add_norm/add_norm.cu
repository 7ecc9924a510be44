// Residual and norm in one pass, one row per warp: see mod.rs. Reads hidden and residual once, writes once: its floor is
// 3 total_tokens hidden_dim elements over the memory's bandwidth (or the L2's, if the batch stays in it), 4 with the sum.

#include "rows.cuh"

namespace nearsay {

template <class Element, int CHUNKS>
__device__ __forceinline__ void add_norm(const Element *hidden, const Element *residual, const float *weight, const float *bias,
                                         Element *output, Element *sum, uint32_t total_tokens, uint32_t hidden_dim, float epsilon,
                                         bool is_centred) {
    const int64_t token = row_of_warp();
    if (token >= total_tokens) return;
    const int64_t first = token * hidden_dim;
    Row<CHUNKS> row(hidden_dim);
    row.add(hidden + first);
    if (residual != nullptr) row.add(residual + first);
    if (sum != nullptr) row.store(sum + first);
    row.normalize(weight, bias, epsilon, is_centred);
    row.store(output + first);
}

} // namespace nearsay

// `residual` and `sum` may be null: a norm without a residual, or without its sum.
#define KERNEL(suffix, Element, CHUNKS)                                                                                          \
    extern "C" __global__ void __launch_bounds__(nearsay::ROWS_OF_A_BLOCK *nearsay::WARP)                                        \
        add_norm_##CHUNKS##_##suffix(const Element *hidden, const Element *residual, const float *weight, const float *bias,     \
                                     Element *output, Element *sum, uint32_t total_tokens, uint32_t hidden_dim, float epsilon,   \
                                     uint32_t is_centred) {                                                                      \
        nearsay::add_norm<Element, CHUNKS>(hidden, residual, weight, bias, output, sum, total_tokens, hidden_dim, epsilon,       \
                                           is_centred != 0);                                                                     \
    }

#define KERNELS(suffix, Element) FOR_CHUNKS(KERNEL, suffix, Element)
FOR_ELEMENTS(KERNELS)
