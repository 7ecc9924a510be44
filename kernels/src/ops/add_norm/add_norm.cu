// Residual and LayerNorm in one pass, one row per warp: see mod.rs. Reads hidden and residual once, writes once: its floor
// is 3 total_tokens hidden_dim elements over the memory's bandwidth (or the L2's, if the batch stays in it).

#include "rows.cuh"

namespace nearsay {

template <class Element, int CHUNKS>
__device__ __forceinline__ void add_norm(const Element *hidden, const Element *residual, const float *weight, const float *bias,
                                         Element *output, uint32_t total_tokens, uint32_t hidden_dim, float epsilon) {
    const int64_t token = row_of_warp();
    if (token >= total_tokens) return;
    const int64_t first = token * hidden_dim;
    Row<CHUNKS> row(hidden_dim);
    row.add(hidden + first);
    row.add(residual + first);
    row.normalize(weight, bias, epsilon);
    row.store(output + first);
}

} // namespace nearsay

#define KERNEL(suffix, Element, CHUNKS)                                                                                          \
    extern "C" __global__ void __launch_bounds__(nearsay::ROWS_OF_A_BLOCK *nearsay::WARP)                                        \
        add_norm_##CHUNKS##_##suffix(const Element *hidden, const Element *residual, const float *weight, const float *bias,     \
                                     Element *output, uint32_t total_tokens, uint32_t hidden_dim, float epsilon) {               \
        nearsay::add_norm<Element, CHUNKS>(hidden, residual, weight, bias, output, total_tokens, hidden_dim, epsilon);           \
    }

#define KERNELS(suffix, Element) FOR_CHUNKS(KERNEL, suffix, Element)
FOR_ELEMENTS(KERNELS)
