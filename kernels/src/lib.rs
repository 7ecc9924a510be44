//! Fused operations on packed token tensors.
//!
//! A packed tensor holds the tokens of several sequences back to back, [total_tokens, width], without
//! padding. [`CuSeqlens`] holds the row at which each sequence starts. The crate knows nothing of models,
//! files or text. Every operation has a plain reference with sums in f64, and a kernel for the CPU. Each is a
//! candle custom operation, so the tensor's device selects the kernel. On Metal, operations are composed of
//! candle's own (docs/metal.md).
//!
//! CPU kernels run on the calling thread alone, unless it belongs to a [`Team`]: then they also use the
//! team's other threads, with the same result. [`Peaks`] measures the CPU's limits.

#![allow(unsafe_code, reason = "vector instructions and register tiles; every use says why it is sound")]

mod args;
mod cpu;
mod cu_seqlens;
#[cfg(feature = "cuda")]
mod cuda;
pub mod device;
mod error;
mod ops;
#[cfg(test)]
mod testing;
mod values;

pub use cpu::buffers::recycle;
pub use cpu::peaks::Peaks;
pub use cpu::simd::{InstructionSet, requested_instruction_set};
pub use cpu::team::Team;
pub use cu_seqlens::CuSeqlens;
pub use device::{Form, Placement, Precision};
pub use error::{Error, Result};
pub use ops::activation::Activation;
pub use ops::add_norm::{SumAndNorm, add_norm, add_norm_with_sum};
pub use ops::all_finite::all_finite;
pub use ops::attention::{
    AttentionOptions, DistanceBias, DistanceBuckets, DistanceVectors, Scores, attention,
};
pub use ops::convolve::{Filters, convolve};
pub use ops::embed_norm::{Embeddings, TokenIndices};
pub use ops::layer_norm::LayerNorm;
pub use ops::linear::{ColumnReduction, Linear, Saturation};
pub use ops::norm_heads::{NormedHeads, norm_heads};
pub use ops::normalize::{normalize, normalize_row};
pub use ops::pool::{PoolOptions, Pooling, pool};
pub use ops::rotate::{RotaryHeads, RotaryTable, rotate};
pub use ops::token_match::{MatchMaxima, TokenPair, token_match};
pub use ops::top_k::{Block, ByteRanges, RowValues, TopK, TopKSearch, top_k};
pub use ops::top_k_bits::{BitBlock, BitSearch, sign_bits};
pub use ops::top_k_bytes::{ByteCodes, ByteSearch, CodeBlock, PANEL_ROWS, Rotation};
pub use values::read_f32;
