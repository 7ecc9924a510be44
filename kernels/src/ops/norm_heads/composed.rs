//! [`super::norm_heads`] composed of candle's operations, in f32.

use candle_core::{DType, Result, Tensor};

use super::NormedHeads;

pub(super) fn norm_heads(qkv: &Tensor, parts: &[NormedHeads<'_>]) -> Result<Tensor> {
    let (total_tokens, width) = qkv.dims2()?;
    if total_tokens == 0 {
        return Ok(qkv.clone());
    }
    let all = qkv.to_dtype(DType::F32)?;
    let (mut pieces, mut first) = (Vec::with_capacity(parts.len() + 1), 0);
    for part in parts.iter().filter(|part| part.width() > 0) {
        let heads = all.narrow(1, first, part.width())?;
        let heads = heads.reshape((total_tokens * part.num_heads, part.norm.hidden_dim()))?;
        pieces.push(part.norm.composed(&heads)?.reshape((total_tokens, part.width()))?);
        first += part.width();
    }
    if first < width {
        pieces.push(all.narrow(1, first, width - first)?);
    }
    Tensor::cat(&pieces, 1)?.to_dtype(qkv.dtype())
}
