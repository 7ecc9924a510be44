//! [`super::add_norm`] composed of candle's operations, in f32.

use candle_core::{DType, Result, Tensor};

use crate::LayerNorm;

pub(super) fn add_norm(hidden: &Tensor, residual: &Tensor, norm: &LayerNorm) -> Result<Tensor> {
    if hidden.elem_count() == 0 {
        return Ok(hidden.clone());
    }
    let sums = (hidden.to_dtype(DType::F32)? + residual.to_dtype(DType::F32)?)?;
    norm.composed(&sums)?.to_dtype(hidden.dtype())
}
