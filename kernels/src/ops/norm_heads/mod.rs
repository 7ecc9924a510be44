//! Norms of the heads of a row, in place: queries and keys normalised before they meet (Henry et al., "Query-Key
//! Normalization for Transformers", 2020).
//!
//! qkv: [total_tokens, width] f32, contiguous. Its heads are side by side from the first column on: those of the first
//! part, of as many values each as that part's norm is wide, then those of the next. Every head becomes its norm (see
//! [`crate::LayerNorm`] for the formula and the order of the sums); values after the heads are unchanged. On CUDA
//! heads are copied for the kernel of row norms; on Metal it is composed of candle's operations, in f32. Both return a
//! new tensor.

mod composed;
mod cpu;

use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor};

use crate::args::{matrix, shape};
use crate::{Error, Form, LayerNorm, Result};

const NAME: &str = "norm_heads";

/// Heads side by side that have one norm, as wide as each of them.
#[derive(Debug, Clone, Copy)]
pub struct NormedHeads<'a> {
    /// How many there are.
    pub num_heads: usize,
    /// The norm of each.
    pub norm: &'a LayerNorm,
}

impl NormedHeads<'_> {
    fn width(&self) -> usize {
        self.num_heads * self.norm.hidden_dim()
    }
}

/// Normalises the heads of `parts`, which are at the start of every row of `qkv` [total_tokens, width].
///
/// It changes the values of `qkv`, which must be its storage's only owner, as the result of a linear layer is.
///
/// # Errors
/// If the heads do not fit into a row, or the norms are on another device.
pub fn norm_heads(qkv: Tensor, parts: &[NormedHeads<'_>], form: Form) -> Result<Tensor> {
    let (_, width) = matrix(NAME, "qkv", &qkv)?;
    let normed: usize = parts.iter().map(NormedHeads::width).sum();
    if normed > width {
        return Err(shape(NAME, "qkv", &format!("[rows, {normed} or more]"), qkv.dims()));
    }
    if form == Form::Composed || !qkv.device().is_cpu() {
        return composed::norm_heads(&qkv, parts, form);
    }
    qkv.inplace_op1(&NormHeads { parts }).map_err(Error::from)?;
    Ok(qkv)
}

struct NormHeads<'a> {
    parts: &'a [NormedHeads<'a>],
}

impl InplaceOp1 for NormHeads<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let CpuStorage::F32(values) = storage else {
            candle_core::bail!("{NAME}: qkv must be f32 on the CPU")
        };
        let Some((start, end)) = layout.contiguous_offsets() else {
            return Err(candle_core::Error::RequiresContiguous { op: NAME });
        };
        let (qkv, width) = (&mut values[start..end], layout.dims()[1]);
        let mut first = 0;
        for part in self.parts {
            part.norm.with_slices(|norm| {
                cpu::norm_heads(qkv, width, first..first + part.width(), norm);
                Ok(())
            })?;
            first += part.width();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
