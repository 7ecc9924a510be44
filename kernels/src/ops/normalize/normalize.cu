// Rows to length 1, one row per warp: see mod.rs. The row is read twice, the second time from the L1; its floor is 2 rows dim
// elements over the memory's bandwidth. The length is summed in f64: each lane adds every 32nd piece's values first to last, then
// the lanes are added by halves.

#include "rows.cuh"

namespace nearsay {

// Calls `each(column, values, count)` for this lane's pieces of a row.
template <class Element, class Each>
__device__ __forceinline__ void for_pieces(const Element *row, uint32_t dim, Each each) {
    const bool whole = dim % PIECE == 0 && is_aligned(row);
    for (uint32_t first = threadIdx.x % WARP * PIECE; first < dim; first += WARP * PIECE) {
        float values[PIECE];
        if (whole) {
            load_piece(row + first, values);
        } else {
#pragma unroll
            for (int i = 0; i < PIECE; ++i) values[i] = first + i < dim ? to_float(row[first + i]) : 0.0f;
        }
        each(first, values, whole);
    }
}

template <class Element>
__device__ __forceinline__ void normalize(const Element *rows, Element *output, uint32_t count, uint32_t dim, double epsilon) {
    const int64_t index = row_of_warp();
    if (index >= count) return;
    const Element *row = rows + index * dim;
    Element *target = output + index * dim;
    double squares = 0.0;
    for_pieces(row, dim, [&](uint32_t, const float(&values)[PIECE], bool) {
#pragma unroll
        for (int i = 0; i < PIECE; ++i) squares += static_cast<double>(values[i]) * values[i];
    });
    const double length = sqrt(warp_sum(squares));
    // Not fmax, so that a NaN stays NaN.
    const double factor = 1.0 / (length < epsilon ? epsilon : length);
    for_pieces(row, dim, [&](uint32_t first, float(&values)[PIECE], bool whole) {
#pragma unroll
        for (int i = 0; i < PIECE; ++i) values[i] = static_cast<float>(values[i] * factor);
        if (whole && is_aligned(target)) {
            store_piece(values, target + first);
        } else {
#pragma unroll
            for (int i = 0; i < PIECE; ++i)
                if (first + i < dim) target[first + i] = from_float<Element>(values[i]);
        }
    });
}

} // namespace nearsay

#define KERNEL(suffix, Element)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(nearsay::ROWS_OF_A_BLOCK *nearsay::WARP)                                        \
        normalize_##suffix(const Element *rows, Element *output, uint32_t count, uint32_t dim, double epsilon) {                 \
        nearsay::normalize(rows, output, count, dim, epsilon);                                                                   \
    }

FOR_ELEMENTS(KERNEL)
