//! Fused maths on packed token tensors.
//!
//! A packed tensor holds the tokens of several sequences back to back, [total_tokens, width], and
//! [`CuSeqlens`] says where each begins. There is no padding. The crate knows no model, no file and no text.
//! Every operation has a plain reference with sums in f64, and a kernel for the CPU; each is a candle custom
//! operation, so the tensor's device chooses. On Metal operations are composed of candle's own
//! (docs/metal.md).
//!
//! CPU kernels run on the calling thread alone, unless it belongs to a [`Team`]: then they use the team's
//! other threads too, with the same result. [`Peaks`] measures what they could reach.

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
pub use ops::add_norm::add_norm;
pub use ops::all_finite::all_finite;
pub use ops::attention::attention;
pub use ops::embed_norm::{Embeddings, TokenIndices};
pub use ops::layer_norm::LayerNorm;
pub use ops::linear::Linear;
pub use ops::normalize::{normalize, normalize_row};
pub use ops::pool::{PoolOptions, Pooling, pool};
pub use ops::token_match::{MatchMaxima, TokenPair, token_match};
pub use ops::top_k::{TopK, TopKSearch, top_k};
pub use values::read_f32;
