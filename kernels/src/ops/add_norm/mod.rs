//! Residual and norm in one pass: s = x + residual, y = norm(s). Post-norm models need y alone, pre-norm ones
//! both; a norm alone has no residual.
//!
//! x, residual: [total_tokens, hidden_dim] f32, contiguous. s, y: the same shape. Order of the sums: see
//! [`crate::LayerNorm`]. On CUDA all may be f16 or bf16, on Metal (composed of candle's operations) f16; sums and
//! statistics are always f32, and y is the norm of s before s is rounded.

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use std::cell::RefCell;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::op::BackpropOp;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Storage, Tensor};

use crate::args::{expect_shape, f32_slice, matrix};
use crate::ops::layer_norm::LayerNorm;
use crate::{Error, Form, Result};

const NAME: &str = "add_norm";

/// The norm of `hidden` + `residual`, row by row.
///
/// # Errors
/// If the shapes differ from each other or from the norm's width.
pub fn add_norm(hidden: &Tensor, residual: &Tensor, norm: &LayerNorm) -> Result<Tensor> {
    check(hidden, residual, norm)?;
    if norm.form() == Form::Composed {
        return Ok(composed::add_norm(hidden, residual, norm)?.norm);
    }
    hidden.apply_op2_no_bwd(residual, &AddNorm { norm, sum: None }).map_err(Error::from)
}

/// A sum and its norm.
#[derive(Debug, Clone)]
pub struct SumAndNorm {
    /// `hidden` + `residual`: the next residual.
    pub sum: Tensor,
    /// Its norm.
    pub norm: Tensor,
}

/// `hidden` + `residual` and the norm of that, row by row: the step between two blocks of a pre-norm model.
///
/// # Errors
/// As [`add_norm`].
pub fn add_norm_with_sum(hidden: &Tensor, residual: &Tensor, norm: &LayerNorm) -> Result<SumAndNorm> {
    check(hidden, residual, norm)?;
    if norm.form() == Form::Composed {
        return Ok(composed::add_norm(hidden, residual, norm)?);
    }
    let sum = RefCell::new(None);
    let norm = hidden.apply_op2_no_bwd(residual, &AddNorm { norm, sum: Some(&sum) })?;
    let Some(sum) = sum.into_inner() else {
        return Err(Error::Argument { operation: NAME, rule: "has no sum on this device".to_owned() });
    };
    let sum = Tensor::from_storage(sum, hidden.shape(), BackpropOp::none(), false);
    Ok(SumAndNorm { sum, norm })
}

impl LayerNorm {
    /// The norm of `hidden` [total_tokens, hidden_dim], row by row.
    ///
    /// # Errors
    /// If the width is not the norm's.
    pub fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let (total_tokens, _) = matrix(NAME, "hidden", hidden)?;
        expect_shape(NAME, "hidden", hidden, &[total_tokens, self.hidden_dim()])?;
        if self.form() == Form::Composed {
            return Ok(composed::norm(hidden, self)?);
        }
        hidden.apply_op1_no_bwd(&AddNorm { norm: self, sum: None }).map_err(Error::from)
    }
}

fn check(hidden: &Tensor, residual: &Tensor, norm: &LayerNorm) -> Result<()> {
    let (total_tokens, _) = matrix(NAME, "hidden", hidden)?;
    expect_shape(NAME, "hidden", hidden, &[total_tokens, norm.hidden_dim()])?;
    expect_shape(NAME, "residual", residual, hidden.dims())
}

struct AddNorm<'a> {
    norm: &'a LayerNorm,
    /// Where the sum is left, if it is wanted.
    sum: Option<&'a RefCell<Option<Storage>>>,
}

impl AddNorm<'_> {
    fn on_cpu(&self, hidden: &[f32], residual: Option<&[f32]>) -> candle_core::Result<CpuStorage> {
        let cpu::Rows { norm, sum } = cpu::add_norm(hidden, residual, self.norm, self.sum.is_some())?;
        self.keep(sum.map(|sum| Storage::Cpu(CpuStorage::F32(sum))));
        Ok(CpuStorage::F32(norm))
    }

    fn keep(&self, sum: Option<Storage>) {
        if let Some(slot) = self.sum {
            slot.replace(sum);
        }
    }
}

impl CustomOp1 for AddNorm<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, hidden: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        Ok((self.on_cpu(f32_slice(NAME, hidden, layout)?, None)?, layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, hidden: &CudaStorage, layout: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let cuda::Rows { norm, .. } = cuda::add_norm((hidden, layout), None, self.norm, false)?;
        Ok((norm, layout.shape().clone()))
    }
}

impl CustomOp2 for AddNorm<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        hidden: &CpuStorage,
        hidden_layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let hidden = f32_slice(NAME, hidden, hidden_layout)?;
        let residual = f32_slice(NAME, residual, residual_layout)?;
        Ok((self.on_cpu(hidden, Some(residual))?, hidden_layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        hidden: &CudaStorage,
        hidden_layout: &Layout,
        residual: &CudaStorage,
        residual_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let arguments = ((hidden, hidden_layout), Some((residual, residual_layout)));
        let cuda::Rows { norm, sum } =
            cuda::add_norm(arguments.0, arguments.1, self.norm, self.sum.is_some())?;
        self.keep(sum.map(Storage::Cuda));
        Ok((norm, hidden_layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests;
