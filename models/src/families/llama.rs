//! Shared by families with the layers of Llama (Touvron et al., 2023: <https://arxiv.org/abs/2302.13971>): pre-norm
//! with norms by the root mean square, rotary positions, heads that may share keys, and gates.

use nearsay_kernels::Activation;
use serde_json::Value;

use super::fields;
use crate::encoder::attention::AttentionRecipe;
use crate::encoder::block::{BlockRecipe, Order};
use crate::encoder::embeddings::{EmbeddingsRecipe, TableRecipe};
use crate::encoder::feed_forward::{FeedForwardKind, FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::norm::{NormKind, NormRecipe};
use crate::encoder::query_key_norm::QueryKeyNormRecipe;
use crate::encoder::query_key_value::QueryKeyValueRecipe;
use crate::encoder::rotary::RotaryRecipe;
use crate::{Recipe, Result};

/// The sizes and choices of a layer, and how many there are.
pub(super) struct Sizes {
    pub(super) hidden_dim: usize,
    pub(super) num_layers: usize,
    num_heads: usize,
    num_key_heads: usize,
    pub(super) head_dim: usize,
    intermediate_dim: usize,
    epsilon: f64,
    activation: Activation,
    norm_kind: NormKind,
    has_attention_bias: bool,
    has_mlp_bias: bool,
}

/// A family's choices and its defaults of fields that its config.json may lack.
pub(super) struct Defaults {
    pub(super) epsilon: f64,
    /// The field and the name of the activation.
    pub(super) activation: (&'static str, &'static str),
    /// `None`: the hidden states' width over the number of heads.
    pub(super) head_dim: Option<usize>,
    pub(super) norm_kind: NormKind,
}

const HEADS: &str = "num_attention_heads";
const KEY_HEADS: &str = "num_key_value_heads";
const HEAD_DIM: &str = "head_dim";

impl Sizes {
    pub(super) fn read(config: &Value, defaults: &Defaults) -> Result<Self> {
        let hidden_dim = fields::size(config, "hidden_size")?;
        let num_heads = fields::size(config, HEADS)?;
        let num_key_heads = fields::size_or(config, KEY_HEADS, num_heads)?;
        if !num_heads.is_multiple_of(num_key_heads) {
            let rule = format!("must divide {HEADS} ({num_heads}), got {num_key_heads}");
            return Err(fields::refused(KEY_HEADS, rule));
        }
        let (field, activation) = defaults.activation;
        Ok(Self {
            hidden_dim,
            num_layers: fields::layers(config, "num_hidden_layers")?,
            num_heads,
            num_key_heads,
            head_dim: head_dim(config, hidden_dim, num_heads, defaults.head_dim)?,
            intermediate_dim: fields::size(config, "intermediate_size")?,
            epsilon: fields::epsilon_or(config, "rms_norm_eps", defaults.epsilon)?,
            activation: fields::activation_or(config, field, activation)?,
            norm_kind: defaults.norm_kind,
            has_attention_bias: fields::flag_or(config, "attention_bias", false)?,
            has_mlp_bias: fields::flag_or(config, "mlp_bias", false)?,
        })
    }

    /// The norm `name` over hidden states.
    pub(super) fn norm(&self, name: &'static str) -> NormRecipe {
        NormRecipe { name, width: self.hidden_dim, epsilon: self.epsilon, kind: self.norm_kind }
    }

    /// Norms of the heads of queries and of keys.
    pub(super) fn query_key_norm(&self) -> QueryKeyNormRecipe {
        let norm = |name| NormRecipe { width: self.head_dim, ..self.norm(name) };
        QueryKeyNormRecipe::PerHead { query: norm("self_attn.q_norm"), key: norm("self_attn.k_norm") }
    }

    /// An encoder of `blocks` with the rotary embeddings that they refer to by their numbers.
    pub(super) fn recipe(&self, config: &Value, blocks: Vec<BlockRecipe>, thetas: &[f64]) -> Result<Recipe> {
        let word = TableRecipe { name: "embed_tokens.weight", rows: fields::size(config, "vocab_size")? };
        let embeddings = EmbeddingsRecipe::of_words(word, self.hidden_dim);
        let mut recipe = Recipe::new(embeddings, blocks);
        let rotary = thetas.iter().map(|&theta| RotaryRecipe::new(theta, self.head_dim));
        recipe.rotary = rotary.collect();
        recipe.final_norm = Some(self.norm("norm"));
        recipe.stated_tokens = fields::size_if_stated(config, "max_position_embeddings")?;
        Ok(recipe)
    }

    /// A layer that attends to all tokens and has the first rotary embedding.
    pub(super) fn block(&self, number: usize) -> BlockRecipe {
        let (hidden, intermediate) = (self.hidden_dim, self.intermediate_dim);
        let (queries, keys) = (self.num_heads * self.head_dim, self.num_key_heads * self.head_dim);
        let attention = |name, dims| LinearRecipe::with_bias(name, dims, self.has_attention_bias);
        let mlp = |name, dims| LinearRecipe::with_bias(name, dims, self.has_mlp_bias);
        BlockRecipe {
            prefix: format!("layers.{number}"),
            order: Order::PreNorm,
            attention: AttentionRecipe {
                num_key_heads: self.num_key_heads,
                rotary: Some(0),
                ..AttentionRecipe::new(
                    QueryKeyValueRecipe::Separate([
                        attention("self_attn.q_proj", [hidden, queries]),
                        attention("self_attn.k_proj", [hidden, keys]),
                        attention("self_attn.v_proj", [hidden, keys]),
                    ]),
                    attention("self_attn.o_proj", [queries, hidden]),
                    self.num_heads,
                )
            },
            attention_norm: Some(self.norm("input_layernorm")),
            feed_forward: FeedForwardKind::Single(FeedForwardRecipe {
                up: UpRecipe::Gated {
                    gate: mlp("mlp.gate_proj", [hidden, intermediate]),
                    up: mlp("mlp.up_proj", [hidden, intermediate]),
                },
                down: mlp("mlp.down_proj", [intermediate, hidden]),
                activation: self.activation,
            }),
            feed_forward_norm: self.norm("post_attention_layernorm"),
        }
    }
}

/// Values of a head: an even number, half of which make pairs with the others.
fn head_dim(config: &Value, hidden_dim: usize, num_heads: usize, default: Option<usize>) -> Result<usize> {
    let is_stated = config.get(HEAD_DIM).is_some_and(|value| !value.is_null());
    let default = match default {
        Some(default) => default,
        None if is_stated => 1,
        None => hidden_dim / fields::heads(config, HEADS, ("hidden_size", hidden_dim))?,
    };
    // All heads together are as wide as other families' hidden states may be.
    let most = (fields::LARGEST_SIZE / num_heads).max(1);
    let head_dim = fields::within(HEAD_DIM, fields::size_or(config, HEAD_DIM, default)?, 1..=most)?;
    match head_dim.is_multiple_of(2) {
        true => Ok(head_dim),
        false => Err(fields::refused(HEAD_DIM, format!("must be even, got {head_dim}"))),
    }
}
