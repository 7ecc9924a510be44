//! [`super::top_k`] composed of candle's operations: scores in f32 by a product on the device, the best of
//! them selected on the CPU. Unlike the kernels, this writes scores, those of some rows at a time.

use candle_core::{DType, Result, Tensor};

use super::hit::{Best, PackedHit};

/// Scores that are in memory at once.
const SCORES: usize = 1 << 22;

/// The hits of every query, best first. A score is a product plus its row's bias, if there are biases.
pub(super) fn top_k(
    queries: &Tensor,
    rows: &Tensor,
    biases: Option<&[f32]>,
    k: usize,
) -> Result<Vec<Vec<PackedHit>>> {
    let (num_queries, num_rows) = (queries.dim(0)?, rows.dim(0)?);
    let mut best = vec![Best::new(k); num_queries];
    let Some(together) = SCORES.checked_div(num_queries) else { return Ok(Vec::new()) };
    let queries = queries.to_dtype(DType::F32)?.contiguous()?;
    for first in (0..num_rows).step_by(together.max(1)) {
        let some = rows.narrow(0, first, together.max(1).min(num_rows - first))?;
        let some = some.to_dtype(DType::F32)?.contiguous()?;
        let scores = queries.matmul(&some.t()?)?.to_vec2::<f32>()?;
        for (best, scores) in best.iter_mut().zip(scores) {
            best.extend(scores.into_iter().zip(first..).map(|(score, row)| {
                PackedHit::new(score + biases.map_or(0.0, |biases| biases[row]), row as u32)
            }));
        }
    }
    Ok(best.into_iter().map(Best::into_sorted).collect())
}
