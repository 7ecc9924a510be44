//! Shared code of this crate's tests.

use nearsay_kernels::Activation;

use crate::{EncoderConfig, Positions};

/// A BERT of two layers with a vocabulary of 20 and 8 positions.
pub(crate) fn tiny_config() -> EncoderConfig {
    EncoderConfig {
        vocab_size: 20,
        hidden_dim: 8,
        num_layers: 2,
        num_heads: 2,
        intermediate_dim: 16,
        max_positions: 8,
        type_vocab_size: 2,
        layer_norm_epsilon: 1e-12,
        activation: Activation::Gelu,
        positions: Positions::FromZero,
    }
}
