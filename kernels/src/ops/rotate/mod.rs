//! Rotary position embeddings, in place (Su et al., "RoFormer", 2021): the query and key heads of every token are
//! rotated by angles that grow with its position in its sequence, so that q_i k_j depends on j - i.
//!
//! qkv: [total_tokens, width] f32, contiguous; the heads that are rotated (queries, then keys) come first, each
//! of head_dim values, and what follows them stays. cos, sin: [positions, pairs] f32 ([`RotaryTable`]). Of a head's
//! first 2 pairs values, x_i and x_(i + pairs) become
//!
//! x_i cos_i - x_(i + pairs) sin_i and x_(i + pairs) cos_i + x_i sin_i,
//!
//! each product rounded, as the references do; a head's other values stay. For models that pair neighbours (x_2i,
//! x_(2i + 1)), the rows of the query and key weights are permuted at load: q k does not change with the order
//! of its products. There are no sums over tokens or values. On CUDA and Metal it is composed of candle's
//! operations, in f32, and returns a new tensor.

mod composed;
mod cpu;
mod table;

use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor};

pub use table::RotaryTable;

use crate::args::{expect_shape, matrix, with_f32};
use crate::{CuSeqlens, Error, Form, Result};

const NAME: &str = "rotate";

/// Rotates the first `num_heads` heads of `head_dim` values of every row of `qkv` [total_tokens, width].
///
/// It changes the values of `qkv`, which must be its storage's only owner, as the result of a linear layer is.
///
/// # Errors
/// If the heads do not fit into a row, the pairs into a head, or the longest sequence into the table.
pub fn rotate(
    qkv: Tensor,
    cu_seqlens: &CuSeqlens,
    heads: RotaryHeads,
    table: &RotaryTable,
    form: Form,
) -> Result<Tensor> {
    let (_, width) = matrix(NAME, "qkv", &qkv)?;
    expect_shape(NAME, "qkv", &qkv, &[cu_seqlens.total_tokens(), width])?;
    heads.check(width, cu_seqlens.longest(), table)?;
    if form == Form::Composed || !qkv.device().is_cpu() {
        return Ok(composed::rotate(&qkv, cu_seqlens, heads, table)?);
    }
    qkv.inplace_op1(&Rotate { cu_seqlens, heads, table })?;
    Ok(qkv)
}

/// The heads that are rotated, at the start of a row.
#[derive(Debug, Clone, Copy)]
pub struct RotaryHeads {
    /// Query heads and key heads.
    pub num_heads: usize,
    /// Values of each.
    pub head_dim: usize,
}

impl RotaryHeads {
    fn check(self, width: usize, longest: usize, table: &RotaryTable) -> Result<()> {
        let Self { num_heads, head_dim } = self;
        let broken = |rule: String| Err(Error::Argument { operation: NAME, rule });
        if num_heads * head_dim > width {
            return broken(format!("{num_heads} heads of {head_dim} values must fit into rows of {width}"));
        }
        if 2 * table.pairs() > head_dim {
            return broken(format!("pairs must fit into a head of {head_dim} values, got {}", table.pairs()));
        }
        if longest > table.positions() {
            let positions = table.positions();
            return broken(format!("sequences must have at most {positions} tokens, got {longest}"));
        }
        Ok(())
    }
}

struct Rotate<'a> {
    cu_seqlens: &'a CuSeqlens,
    heads: RotaryHeads,
    table: &'a RotaryTable,
}

impl InplaceOp1 for Rotate<'_> {
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
        let qkv = &mut values[start..end];
        let (width, pairs) = (layout.dims()[1], self.table.pairs());
        with_f32(&self.table.cos, |cos| {
            with_f32(&self.table.sin, |sin| {
                let angles = cpu::Angles { cos, sin, pairs };
                cpu::rotate(qkv, width, self.cu_seqlens, self.heads, angles);
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests;
