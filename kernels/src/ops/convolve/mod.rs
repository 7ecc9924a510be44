//! Convolution along a text: y[i, c] = sum over taps t of f[i, t, c] x[i + t - taps / 2, c], with zeros before and after
//! the text (the two convolutions of Jiang et al., "ConvBERT", 2020). The number of taps is odd: the middle one is the
//! token itself.
//!
//! x: [total_tokens, width] f32, contiguous. y: the same shape. The filters f are one of
//!
//! | [`Filters`] | given | f[i, t, c] |
//! |---|---|---|
//! | `Columns` | weights [taps, width] | weights[t, c] |
//! | `Heads` | logits [total_tokens, num_heads * taps], the taps of a head side by side | the softmax over t of logits[i, head of c, t] |
//!
//! Columns are divided among heads in order, as in attention. Order of the sums: taps from first to last, those beyond
//! the text left out; the softmax's sum by lanes. They depend on the text alone. On CUDA and Metal it is composed of
//! candle's operations, in f32.

mod composed;
mod cpu;

use candle_core::{CpuStorage, CustomOp2, Layout, Shape, Tensor};

use crate::args::{expect_shape, f32_slice, matrix, shape};
use crate::{CuSeqlens, Error, Form, Result};

const NAME: &str = "convolve";

/// The filters of a convolution.
#[derive(Debug, Clone, Copy)]
pub enum Filters<'a> {
    /// One per column, for all tokens: weights [taps, width].
    Columns(&'a Tensor),
    /// One per token and head, shared by the head's columns: logits [total_tokens, num_heads * taps].
    Heads {
        /// The softmax over a head's taps is its filter.
        logits: &'a Tensor,
        /// A divisor of both widths.
        num_heads: usize,
    },
}

/// The convolution of `hidden` [total_tokens, width] with `filters`, within each text.
///
/// # Errors
/// If the shapes do not fit each other, or the number of taps is even.
pub fn convolve(hidden: &Tensor, filters: Filters<'_>, cu_seqlens: &CuSeqlens, form: Form) -> Result<Tensor> {
    let (_, width) = matrix(NAME, "hidden", hidden)?;
    expect_shape(NAME, "hidden", hidden, &[cu_seqlens.total_tokens(), width])?;
    let taps = filters.taps(cu_seqlens.total_tokens(), width)?;
    if taps.is_multiple_of(2) {
        let rule = format!("filters must have an odd number of taps, got {taps}");
        return Err(Error::Argument { operation: NAME, rule });
    }
    if form == Form::Composed || !hidden.device().is_cpu() {
        return Ok(composed::convolve(hidden, filters, cu_seqlens, taps)?);
    }
    let num_heads = match filters {
        Filters::Columns(_) => None,
        Filters::Heads { num_heads, .. } => Some(num_heads),
    };
    Ok(hidden.apply_op2_no_bwd(filters.tensor(), &Convolve { cu_seqlens, taps, num_heads })?)
}

impl Filters<'_> {
    fn tensor(&self) -> &Tensor {
        match self {
            Self::Columns(tensor) | Self::Heads { logits: tensor, .. } => tensor,
        }
    }

    fn taps(&self, total_tokens: usize, width: usize) -> Result<usize> {
        match *self {
            Self::Columns(weights) => {
                let (taps, _) = matrix(NAME, "weights", weights)?;
                expect_shape(NAME, "weights", weights, &[taps, width])?;
                Ok(taps)
            }
            Self::Heads { logits, num_heads } => {
                let (_, columns) = matrix(NAME, "logits", logits)?;
                let divides = |width: usize| num_heads > 0 && width.is_multiple_of(num_heads);
                if !divides(width) || !divides(columns) {
                    let expected = format!("[{total_tokens}, {num_heads} * taps]");
                    return Err(shape(NAME, "logits", &expected, logits.dims()));
                }
                expect_shape(NAME, "logits", logits, &[total_tokens, columns])?;
                Ok(columns / num_heads)
            }
        }
    }
}

struct Convolve<'a> {
    cu_seqlens: &'a CuSeqlens,
    taps: usize,
    /// `None`: a filter per column.
    num_heads: Option<usize>,
}

impl CustomOp2 for Convolve<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        hidden: &CpuStorage,
        hidden_layout: &Layout,
        filters: &CpuStorage,
        filters_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let task = cpu::Task {
            hidden: f32_slice(NAME, hidden, hidden_layout)?,
            width: hidden_layout.dims()[1],
            filters: f32_slice(NAME, filters, filters_layout)?,
            taps: self.taps,
            num_heads: self.num_heads,
            cu_seqlens: self.cu_seqlens,
        };
        Ok((CpuStorage::F32(cpu::convolve(task)), hidden_layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests;
