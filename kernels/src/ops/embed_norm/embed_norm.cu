// Embedding gather and LayerNorm in one pass, one row per warp: see mod.rs. Reads three rows and writes one for each token; the
// position and type rows come from the L2, so its floor is 2 total_tokens hidden_dim elements over the memory's bandwidth.

#include "rows.cuh"

namespace nearsay {

// Rows of embeddings. An index beyond the last row reads the last row: callers check indices; this only prevents reads out of
// bounds.
template <class Element> struct Table {
    const Element *rows;
    uint32_t last;

    __device__ __forceinline__ const Element *row(uint32_t index, int64_t width) const {
        return rows + (index < last ? index : last) * width;
    }
};

template <class Element, int CHUNKS>
__device__ __forceinline__ void embed_norm(const uint32_t *ids, const uint32_t *positions, const uint32_t *types,
                                           const Table<Element> &word, const Table<Element> &position,
                                           const Table<Element> &token_type, const float *weight, const float *bias,
                                           Element *output, uint32_t total_tokens, uint32_t hidden_dim, float epsilon,
                                           bool is_centred) {
    const int64_t token = row_of_warp();
    if (token >= total_tokens) return;
    const int64_t width = hidden_dim;
    Row<CHUNKS> row(hidden_dim);
    row.add(word.row(ids[token], width));
    row.add(token_type.row(types[token], width));
    row.add(position.row(positions[token], width));
    row.normalize(weight, bias, epsilon, is_centred);
    row.store(output + token * width);
}

} // namespace nearsay

#define KERNEL(suffix, Element, CHUNKS)                                                                                          \
    extern "C" __global__ void __launch_bounds__(nearsay::ROWS_OF_A_BLOCK *nearsay::WARP) embed_norm_##CHUNKS##_##suffix(        \
        const uint32_t *ids, const uint32_t *positions, const uint32_t *types, const Element *word, const Element *position,     \
        const Element *token_type, const float *weight, const float *bias, Element *output, uint32_t total_tokens,               \
        uint32_t hidden_dim, float epsilon, uint32_t is_centred, uint32_t last_word, uint32_t last_position,                     \
        uint32_t last_type) {                                                                                                    \
        nearsay::embed_norm<Element, CHUNKS>(ids, positions, types, {word, last_word}, {position, last_position},                \
                                             {token_type, last_type}, weight, bias, output, total_tokens, hidden_dim, epsilon,   \
                                             is_centred != 0);                                                                   \
    }

#define KERNELS(suffix, Element) FOR_CHUNKS(KERNEL, suffix, Element)
FOR_ELEMENTS(KERNELS)
