//! Fused maths on packed token tensors.
//!
//! A packed tensor holds the tokens of several sequences back to back, [total_tokens, width], and [`CuSeqlens`] says where
//! each begins. There is no padding. The crate knows no model, no file and no text. Every operation has a plain reference
//! with sums in f64, and a kernel for the CPU; each is a candle custom operation, so the tensor's device chooses. On Metal operations
//! are composed of candle's own (docs/metal.md).
//!
//! CPU kernels run on the calling thread alone, unless it belongs to a [`Team`]: then they use the team's other threads too, with the
//! same result. [`Peaks`] measures what they could reach.

#![allow(unsafe_code, reason = "vector instructions and register tiles; every use says why it is sound")]

mod activation;
mod add_norm;
mod all_finite;
mod args;
pub mod attention;
mod buffers;
mod composed;
mod cu_seqlens;
#[cfg(feature = "cuda")]
mod cuda;
mod device_peaks;
pub mod devices;
mod embed_norm;
mod error;
mod layer_norm;
pub mod linear;
mod matrix_mut;
#[cfg(feature = "metal")]
mod metal;
mod normalize;
mod peaks;
mod placement;
mod pool;
mod precision;
mod product;
mod simd;
mod team;
#[cfg(test)]
mod testing;
pub mod token_match;
pub mod top_k;

pub use activation::Activation;
pub use add_norm::add_norm;
pub use all_finite::all_finite;
pub use attention::attention;
pub use buffers::recycle;
pub use cu_seqlens::CuSeqlens;
pub use embed_norm::{Embeddings, TokenIndices};
pub use error::{Error, Result};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use normalize::{normalize, normalize_row};
pub use peaks::Peaks;
pub use placement::Placement;
pub use pool::{PoolOptions, Pooling, pool};
pub use precision::Precision;
pub use simd::{InstructionSet, requested_instruction_set};
pub use team::Team;
pub use token_match::{MatchMaxima, TokenPair, token_match};
pub use top_k::{TopK, top_k};
