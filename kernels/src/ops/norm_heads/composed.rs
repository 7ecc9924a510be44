//! [`super::norm_heads`] composed: heads are taken out, normalised as rows, and put back.

use candle_core::{DType, Tensor};

use super::NormedHeads;
use crate::{Form, Result};

/// Rows are normalised by candle's operations in f32, or by their kernel: candle's sums on CUDA may depend on the
/// number of rows.
pub(super) fn norm_heads(qkv: &Tensor, parts: &[NormedHeads<'_>], form: Form) -> Result<Tensor> {
    let (total_tokens, width) = qkv.dims2()?;
    if total_tokens == 0 {
        return Ok(qkv.clone());
    }
    let all = if form == Form::Composed { qkv.to_dtype(DType::F32)? } else { qkv.clone() };
    let (mut pieces, mut first) = (Vec::with_capacity(parts.len() + 1), 0);
    for part in parts.iter().filter(|part| part.width() > 0) {
        let heads = all.narrow(1, first, part.width())?;
        let heads = heads.reshape((total_tokens * part.num_heads, part.norm.hidden_dim()))?;
        let normed = match form {
            Form::Composed => part.norm.composed(&heads)?,
            Form::Kernels => part.norm.forward(&heads.contiguous()?)?,
        };
        pieces.push(normed.reshape((total_tokens, part.width()))?);
        first += part.width();
    }
    if first < width {
        pieces.push(all.narrow(1, first, width - first)?);
    }
    Ok(Tensor::cat(&pieces, 1)?.to_dtype(qkv.dtype())?)
}
