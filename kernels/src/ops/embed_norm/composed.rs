//! [`super::Embeddings::forward`] composed of candle's operations, in f32.

use candle_core::{DType, Result, Tensor};

use super::{Embeddings, TokenIndices};

pub(super) fn embed_norm(indices: TokenIndices<'_>, embeddings: &Embeddings) -> Result<Tensor> {
    let Embeddings { word, position, token_type, norm } = embeddings;
    let TokenIndices { input_ids, position_ids, type_ids } = indices;
    if input_ids.elem_count() == 0 {
        return Tensor::zeros((0, norm.hidden_dim()), word.dtype(), word.device());
    }
    let rows = |table: &Tensor, indices: &Tensor| table.index_select(indices, 0)?.to_dtype(DType::F32);
    let sums = ((rows(word, input_ids)? + rows(token_type, type_ids)?)? + rows(position, position_ids)?)?;
    norm.composed(&sums)?.to_dtype(word.dtype())
}
