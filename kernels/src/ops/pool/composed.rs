//! [`super::pool`] composed of candle's operations, one sequence after another. Sums are f32: over n tokens
//! they err by up to n units in the last place of the values' mean size. A maximum may lose a NaN, like
//! candle's.

use candle_core::{DType, Result, Tensor};

use super::{PoolOptions, Pooling};
use crate::CuSeqlens;
use crate::ops::normalize;

pub(super) fn pool(hidden: &Tensor, cu_seqlens: &CuSeqlens, options: &PoolOptions) -> Result<Tensor> {
    let (num_sequences, hidden_dim) = (cu_seqlens.num_sequences(), hidden.dims()[1]);
    let width = options.modes.len() * hidden_dim;
    if num_sequences * width == 0 {
        return Tensor::zeros((num_sequences, width), DType::F32, hidden.device());
    }
    let hidden = hidden.to_dtype(DType::F32)?;
    let mut rows = Vec::with_capacity(num_sequences * options.modes.len());
    for tokens in cu_seqlens.ranges() {
        let sequence = hidden.narrow(0, tokens.start, tokens.len())?;
        for &mode in &options.modes {
            rows.push(pool_sequence(mode, &sequence, options.skip_tokens)?);
        }
    }
    let vectors = Tensor::cat(&rows, 0)?.reshape((num_sequences, width))?;
    if options.normalize {
        normalize::composed::normalize(&vectors, 1e-12)
    } else {
        // A single row may still be a view of `hidden`, whose memory we do not own.
        vectors.force_contiguous()
    }
}

/// One mode of one sequence [tokens, hidden_dim]: [1, hidden_dim].
fn pool_sequence(mode: Pooling, sequence: &Tensor, skip_tokens: usize) -> Result<Tensor> {
    let (tokens, hidden_dim) = sequence.dims2()?;
    let count = tokens.saturating_sub(skip_tokens);
    let is_left_empty = match mode {
        Pooling::Cls | Pooling::LastToken => tokens == 0,
        _ => count == 0,
    };
    if is_left_empty {
        return Tensor::zeros((1, hidden_dim), DType::F32, sequence.device());
    }
    let kept = || sequence.narrow(0, skip_tokens, count);
    match mode {
        Pooling::Cls => sequence.narrow(0, if count > 0 { skip_tokens } else { 0 }, 1),
        Pooling::LastToken => sequence.narrow(0, tokens - 1, 1),
        Pooling::Max => kept()?.max_keepdim(0),
        Pooling::Mean => kept()?.sum_keepdim(0)? / count as f64,
        Pooling::MeanSqrtLength => kept()?.sum_keepdim(0)? / (count as f64).sqrt(),
        Pooling::WeightedMean => {
            let positions = Tensor::arange((skip_tokens + 1) as f32, (tokens + 1) as f32, sequence.device())?;
            let weighted = kept()?.broadcast_mul(&positions.reshape((count, 1))?)?;
            let total: usize = (skip_tokens + 1..=tokens).sum();
            weighted.sum_keepdim(0)? / total as f64
        }
    }
}
