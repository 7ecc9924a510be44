//! [`super::add_norm`] composed of candle's operations, in f32.

use candle_core::{DType, Result, Tensor};

use super::SumAndNorm;
use crate::LayerNorm;

pub(super) fn add_norm(hidden: &Tensor, residual: &Tensor, norm: &LayerNorm) -> Result<SumAndNorm> {
    if hidden.elem_count() == 0 {
        return Ok(SumAndNorm { sum: hidden.clone(), norm: hidden.clone() });
    }
    let sum = (hidden.to_dtype(DType::F32)? + residual.to_dtype(DType::F32)?)?;
    let norm = norm.composed(&sum)?.to_dtype(hidden.dtype())?;
    Ok(SumAndNorm { sum: sum.to_dtype(hidden.dtype())?, norm })
}

pub(super) fn norm(hidden: &Tensor, norm: &LayerNorm) -> Result<Tensor> {
    if hidden.elem_count() == 0 {
        return Ok(hidden.clone());
    }
    norm.composed(&hidden.to_dtype(DType::F32)?)?.to_dtype(hidden.dtype())
}
