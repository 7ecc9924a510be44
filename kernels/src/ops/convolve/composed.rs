//! [`super::convolve`] composed of candle's operations, in f32.

use candle_core::{D, DType, Result, Tensor};

use super::Filters;
use crate::CuSeqlens;

pub(super) fn convolve(
    hidden: &Tensor,
    filters: Filters<'_>,
    cu_seqlens: &CuSeqlens,
    taps: usize,
) -> Result<Tensor> {
    let (total_tokens, width) = hidden.dims2()?;
    if hidden.elem_count() == 0 {
        return Ok(hidden.clone());
    }
    let zeros = Tensor::zeros((1, width), DType::F32, hidden.device())?;
    // A row of zeros stands for neighbours before and after a text.
    let rows = Tensor::cat(&[&hidden.to_dtype(DType::F32)?, &zeros], 0)?;
    let softmax = match filters {
        Filters::Columns(_) => None,
        Filters::Heads { logits, num_heads } => {
            let logits = logits.to_dtype(DType::F32)?.reshape((total_tokens, num_heads, taps))?;
            let exp = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?)?.exp()?;
            Some((exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)?, num_heads))
        }
    };
    let mut sum = Tensor::zeros((total_tokens, width), DType::F32, hidden.device())?;
    for tap in 0..taps {
        let places = Tensor::from_vec(places(cu_seqlens, taps, tap), total_tokens, hidden.device())?;
        let values = rows.index_select(&places, 0)?;
        let product = match (&softmax, filters) {
            (Some((weights, num_heads)), _) => {
                let values = values.reshape((total_tokens, *num_heads, width / num_heads))?;
                let weights = weights.narrow(2, tap, 1)?;
                values.broadcast_mul(&weights)?.reshape((total_tokens, width))?
            }
            (None, filters) => {
                values.broadcast_mul(&filters.tensor().to_dtype(DType::F32)?.narrow(0, tap, 1)?)?
            }
        };
        sum = (sum + product)?;
    }
    sum.to_dtype(hidden.dtype())
}

/// For each token, the row under a tap; the row after all tokens where there is none.
fn places(cu_seqlens: &CuSeqlens, taps: usize, tap: usize) -> Vec<u32> {
    let nothing = cu_seqlens.total_tokens() as u32;
    let place = |text: &std::ops::Range<usize>, token: usize| {
        let place = (token + tap).checked_sub(taps / 2).filter(|place| text.contains(place));
        place.map_or(nothing, |place| place as u32)
    };
    let places = cu_seqlens.ranges().flat_map(|text| text.clone().map(move |token| place(&text, token)));
    places.collect()
}
