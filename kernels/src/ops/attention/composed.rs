//! [`super::attention`] composed of candle's operations, in f32, one sequence after another: no sequence's
//! numbers depend on another's, and none is padded. This is slow for many short texts, with a dozen
//! operations each. For long texts all scores of a sequence are in memory at once: 4 * num_heads * tokens^2
//! bytes, and the same for the weights.

use candle_core::{D, DType, Result, Tensor};

use super::Heads;
use crate::CuSeqlens;

pub(super) fn attention(qkv: &Tensor, cu_seqlens: &CuSeqlens, heads: Heads) -> Result<Tensor> {
    let sequences = cu_seqlens.ranges().filter(|tokens| !tokens.is_empty());
    let attended = sequences.map(|tokens| attend(&qkv.narrow(0, tokens.start, tokens.len())?, heads));
    let attended: Vec<Tensor> = attended.collect::<Result<_>>()?;
    if attended.is_empty() {
        return Tensor::zeros((0, heads.hidden_dim()), qkv.dtype(), qkv.device());
    }
    Tensor::cat(&attended, 0)
}

/// One sequence with itself: [tokens, 3 * hidden_dim] to [tokens, hidden_dim].
fn attend(qkv: &Tensor, heads: Heads) -> Result<Tensor> {
    let Heads { num_heads, head_dim } = heads;
    let tokens = qkv.dims()[0];
    let parts = qkv.to_dtype(DType::F32)?.reshape((tokens, 3, num_heads, head_dim))?;
    // [3, num_heads, tokens, head_dim], the layout that candle's matmul on Metal needs for each of the three.
    let parts = parts.permute((1, 2, 0, 3))?.contiguous()?;
    let (query, key, value) = (parts.get(0)?, parts.get(1)?, parts.get(2)?);
    let scores = (query.matmul(&key.t()?)? * (1.0 / (head_dim as f64).sqrt()))?;
    let weights = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?)?.exp()?;
    let context = weights.matmul(&value)?.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
    context.transpose(0, 1)?.reshape((tokens, heads.hidden_dim()))?.to_dtype(qkv.dtype())
}
