//! Variable-length self-attention over a packed batch: per sequence and head, softmax(Q K^T / sqrt(head_dim))
//! V (Vaswani et al., "Attention Is All You Need", 2017), without a mask, since sequences are separate.
//!
//! qkv: [total_tokens, 3 * hidden_dim] f32, contiguous; query, key and value side by side, heads side by side
//! in each. Output: [total_tokens, hidden_dim] f32, heads side by side. On CUDA both may be f16 or bf16; sums
//! and the softmax are always f32, while tensor cores read weights in the values' type.
//!
//! Order of the reductions: Q K^T sums over head_dim and P V over the sequence's keys, both first to last
//! (see `product`); the softmax's sum runs over the sequence's keys by lanes. On CUDA they go by tiles of 64
//! keys from the sequence's first token on, see `attention.cu` and `attention_general.cu`. All depend only on
//! the sequence. On Metal (composed of candle's operations, one sequence at a time) both may be f16, and all
//! computation is f32.

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
#[cfg(feature = "cuda")]
mod plan;
#[cfg(test)]
mod reference;
mod softmax;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

#[cfg(feature = "cuda")]
pub(crate) use cuda::Plans;
#[cfg(test)]
pub(crate) use reference::attention as attention_reference;

use crate::args::{expect_shape, f32_slice, matrix};
use crate::{CuSeqlens, Error, Form, Result};

const NAME: &str = "attention";

/// Self-attention of every sequence with itself: `qkv` [total_tokens, 3 * hidden_dim] to [total_tokens,
/// hidden_dim].
///
/// # Errors
/// If `num_heads` is 0, the width is not three times a multiple of it, or `cu_seqlens` covers a different
/// number of tokens.
pub fn attention(qkv: &Tensor, cu_seqlens: &CuSeqlens, num_heads: usize, form: Form) -> Result<Tensor> {
    let (_, width) = matrix(NAME, "qkv", qkv)?;
    if num_heads == 0 || width == 0 || !width.is_multiple_of(3 * num_heads) {
        let rule =
            format!("width of qkv must be a multiple of 3 * num_heads, got {width} and {num_heads} heads");
        return Err(Error::Argument { operation: NAME, rule });
    }
    expect_shape(NAME, "qkv", qkv, &[cu_seqlens.total_tokens(), width])?;
    let heads = Heads { num_heads, head_dim: width / (3 * num_heads) };
    if form == Form::Composed {
        return Ok(composed::attention(qkv, cu_seqlens, heads)?);
    }
    Ok(qkv.apply_op1_no_bwd(&Attention { cu_seqlens, heads })?)
}

/// How a row is divided into heads.
#[derive(Debug, Clone, Copy)]
struct Heads {
    num_heads: usize,
    head_dim: usize,
}

impl Heads {
    fn hidden_dim(self) -> usize {
        self.num_heads * self.head_dim
    }
}

struct Attention<'a> {
    cu_seqlens: &'a CuSeqlens,
    heads: Heads,
}

impl CustomOp1 for Attention<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let qkv = f32_slice(NAME, storage, layout)?;
        let output = cpu::attention(qkv, self.cu_seqlens, self.heads);
        let shape = Shape::from((self.cu_seqlens.total_tokens(), self.heads.hidden_dim()));
        Ok((CpuStorage::F32(output), shape))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let output = cuda::attention((storage, layout), self.cu_seqlens, self.heads)?;
        let shape = Shape::from((self.cu_seqlens.total_tokens(), self.heads.hidden_dim()));
        Ok((output, shape))
    }
}

#[cfg(test)]
mod tests;
