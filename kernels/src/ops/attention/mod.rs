//! Variable-length self-attention over a packed batch: per sequence and head, softmax(scores) V, since sequences
//! are separate without a mask for padding (Vaswani et al., "Attention Is All You Need", 2017).
//!
//! qkv: [total_tokens, 3 * hidden_dim] f32, contiguous; query, key and value side by side, heads side by side
//! in each. With fewer key heads than query heads, key and value are narrower, and query head h has key head
//! h / (num_heads / num_key_heads). Output: [total_tokens, hidden_dim] f32, heads side by side. On CUDA both may
//! be f16 or bf16; sums and the softmax are always f32, while tensor cores read weights in the values' type.
//!
//! The score of query i and key j, with the distance δ = j - i and [`AttentionOptions`]:
//!
//! | [`Scores`] | score | its source |
//! |---|---|---|
//! | `Plain` | scale q_i k_j | Vaswani et al. |
//! | `ByDistance` | scale q_i k_j + b[δ], b per head: [`DistanceBias`] | T5, MPNet, ALiBi |
//! | `ByVectors` | scale (q_i k_j + q_i PK[r] + k_j PQ[r]), r a row per δ: [`DistanceVectors`] | BERT's relative keys, DeBERTa |
//!
//! Sources: Raffel et al., "Exploring the Limits of Transfer Learning" (T5), 2020; Song et al., "MPNet", 2020;
//! Press, Smith and Lewis, "Train Short, Test Long" (ALiBi), 2022; Huang et al., "Improve Transformer Models with
//! Better Relative Position Embeddings", 2020; He et al., "DeBERTa", 2021.
//!
//! scale is 1 / sqrt(head_dim) unless given. A window of radius r leaves the keys with |δ| <= r (Beltagy, Peters
//! and Cohan, "Longformer", 2020), causal attention those with δ <= 0. The weight of every other key is 0; a key
//! or value that is not finite may still reach queries within a block's reach of it. If only the first tokens of a
//! sequence are keys (`key_counts`), the others are queries alone (Khattab and Zaharia, "ColBERT", 2020).
//!
//! Order of the reductions: Q K^T sums over head_dim and P V over the sequence's keys, both first to last
//! (see `product`), and then come the score's other terms in the table's order; the softmax's sum runs over the
//! sequence's keys by lanes. On CUDA they go by tiles of 64 keys from the sequence's first token on, see
//! `attention.cu` and `attention_general.cu`. All depend only on the sequence. On Metal (composed of candle's
//! operations, one sequence at a time) both may be f16, and all computation is f32.
//!
//! On CUDA the tensor cores' kernels have plain scores only, of any scale. Biases by distance, windows and causal
//! attention go through multiply-adds in f32 (`attention_by_distance.cu`). Vectors by distance, fewer key heads than
//! heads, and fewer keys than queries, are composed of candle's operations there.

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod distances;
mod options;
#[cfg(feature = "cuda")]
mod plan;
#[cfg(test)]
mod reference;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

#[cfg(feature = "cuda")]
pub(crate) use cuda::Plans;
pub use distances::{DistanceBias, DistanceBuckets, DistanceVectors};
pub use options::{AttentionOptions, Scores};

use crate::args::{expect_shape, f32_slice, matrix};
use crate::cpu::simd::InstructionSet;
use crate::{CuSeqlens, Error, Form, Result};

const NAME: &str = "attention";

/// Self-attention of every sequence with itself: `qkv` [total_tokens, 3 * hidden_dim] to [total_tokens,
/// hidden_dim].
///
/// # Errors
/// If the key heads do not divide the heads, the width is not that of some head_dim, `cu_seqlens` covers a
/// different number of tokens, or the scores' terms are for other heads or shorter texts.
pub fn attention(
    qkv: &Tensor,
    cu_seqlens: &CuSeqlens,
    options: &AttentionOptions<'_>,
    form: Form,
) -> Result<Tensor> {
    let (_, width) = matrix(NAME, "qkv", qkv)?;
    let heads = Heads::of(options, width)?;
    expect_shape(NAME, "qkv", qkv, &[cu_seqlens.total_tokens(), width])?;
    options.check(heads, cu_seqlens)?;
    if form == Form::Composed || !has_kernel(qkv, heads, options) {
        return Ok(composed::attention(qkv, cu_seqlens, heads, options)?);
    }
    Ok(qkv.apply_op1_no_bwd(&Attention { cu_seqlens, heads, options })?)
}

/// Whether the device of `qkv` has a kernel for this kind of attention.
fn has_kernel(qkv: &Tensor, heads: Heads, options: &AttentionOptions<'_>) -> bool {
    #[cfg(feature = "cuda")]
    if qkv.device().is_cuda() {
        return cuda::has_kernel(heads, options);
    }
    let _ = (qkv, heads, options);
    true
}

/// How a row is divided into heads.
#[derive(Debug, Clone, Copy)]
struct Heads {
    num_heads: usize,
    /// A divisor of `num_heads`.
    num_key_heads: usize,
    head_dim: usize,
}

impl Heads {
    /// The heads of rows of `width` values.
    fn of(options: &AttentionOptions<'_>, width: usize) -> Result<Self> {
        let AttentionOptions { num_heads, num_key_heads, .. } = *options;
        let broken = |rule: String| Err(Error::Argument { operation: NAME, rule });
        if num_heads == 0 || num_key_heads == 0 || !num_heads.is_multiple_of(num_key_heads) {
            let rule = "num_heads must be a multiple of num_key_heads, and neither 0";
            return broken(format!("{rule}, got {num_heads} and {num_key_heads}"));
        }
        let parts = num_heads + 2 * num_key_heads;
        if width == 0 || !width.is_multiple_of(parts) {
            let rule = "width of qkv must be a multiple of num_heads + 2 * num_key_heads";
            return broken(format!("{rule}, got {width}, {num_heads} and {num_key_heads} heads"));
        }
        Ok(Self { num_heads, num_key_heads, head_dim: width / parts })
    }

    /// Values of a row of qkv.
    fn width(self) -> usize {
        (self.num_heads + 2 * self.num_key_heads) * self.head_dim
    }

    /// The key head of a head.
    fn key_head(self, head: usize) -> usize {
        head / (self.num_heads / self.num_key_heads)
    }

    /// The first column of query (0), key (1) or value (2) of `head` in a row of qkv.
    fn column(self, head: usize, part: usize) -> usize {
        let heads_before = match part {
            0 => head,
            part => self.num_heads + (part - 1) * self.num_key_heads + self.key_head(head),
        };
        heads_before * self.head_dim
    }

    /// Values of a row of the output.
    fn hidden_dim(self) -> usize {
        self.num_heads * self.head_dim
    }
}

struct Attention<'a> {
    cu_seqlens: &'a CuSeqlens,
    heads: Heads,
    options: &'a AttentionOptions<'a>,
}

impl CustomOp1 for Attention<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let Self { cu_seqlens, heads, options } = *self;
        let qkv = f32_slice(NAME, storage, layout)?;
        let output = options.scores.with_terms(|terms| {
            let task = cpu::Task { heads, options, terms };
            Ok(cpu::attention_for(InstructionSet::current(), qkv, cu_seqlens, task))
        })?;
        let shape = Shape::from((cu_seqlens.total_tokens(), heads.hidden_dim()));
        Ok((CpuStorage::F32(output), shape))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let output = cuda::attention((storage, layout), self.cu_seqlens, self.heads, self.options)?;
        let shape = Shape::from((self.cu_seqlens.total_tokens(), self.heads.hidden_dim()));
        Ok((output, shape))
    }
}

#[cfg(test)]
mod tests;
