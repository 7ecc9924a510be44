//! Layers by the names that transformers 5 gives those of gte and nomic_bert, whose published files have the names
//! of their repositories' own code.

use super::post_norm::{RotaryParts, Sizes};
use crate::encoder::block::BlockRecipe;
use crate::encoder::feed_forward::{FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::query_key_value::QueryKeyValueRecipe;

/// A tensor that only files with these names have.
pub(super) const TENSOR: &str = "layers.0.self_attn.q_proj.weight";

/// The layers, whose gates and what they multiply have no biases; the others do if `has_biases`.
pub(super) fn blocks(sizes: &Sizes, has_biases: bool) -> Vec<BlockRecipe> {
    let [hidden, inner] = [sizes.hidden_dim, sizes.intermediate_dim];
    let linear = |name, dims| LinearRecipe::with_bias(name, dims, has_biases);
    let up = |name| LinearRecipe::without_bias(name, [hidden, inner]);
    let queries_keys_values = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
    let parts = RotaryParts {
        query_key_value: QueryKeyValueRecipe::Separate(
            queries_keys_values.map(|name| linear(name, [hidden, hidden])),
        ),
        output: linear("self_attn.o_proj", [hidden, hidden]),
        attention_norm: "post_attention_layernorm",
        feed_forward: FeedForwardRecipe {
            up: UpRecipe::Gated { gate: up("mlp.gate_proj"), up: up("mlp.up_proj") },
            down: linear("mlp.down_proj", [inner, hidden]),
            activation: sizes.activation,
        },
        output_norm: "post_mlp_layernorm",
    };
    sizes.rotary_blocks("layers", &parts)
}
