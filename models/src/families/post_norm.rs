//! Shared by families of BERT's kind: sizes in config.json, and layers whose norms follow the sums.

use nearsay_kernels::Activation;
use serde_json::Value;

use super::fields;
use crate::Result;
use crate::encoder::attention::AttentionRecipe;
use crate::encoder::block::{BlockRecipe, Order};
use crate::encoder::feed_forward::{FeedForwardKind, FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::norm::{NormKind, NormRecipe};
use crate::encoder::query_key_value::QueryKeyValueRecipe;

/// The sizes and choices of a layer, and how many there are.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) hidden_dim: usize,
    pub(super) num_layers: usize,
    pub(super) num_heads: usize,
    pub(super) intermediate_dim: usize,
    pub(super) epsilon: f64,
    pub(super) activation: Activation,
}

/// A family's defaults of fields that its config.json may lack.
pub(super) struct Defaults {
    pub(super) epsilon: f64,
    /// The activation's name.
    pub(super) activation: &'static str,
}

/// BERT's, and those of most later families.
pub(super) const BERT_DEFAULTS: Defaults = Defaults { epsilon: 1e-12, activation: "gelu" };

impl Sizes {
    /// Reads the fields that have BERT's names.
    pub(super) fn read(config: &Value, defaults: &Defaults) -> Result<Self> {
        let hidden_dim = fields::size(config, "hidden_size")?;
        Ok(Self {
            hidden_dim,
            num_layers: fields::layers(config, "num_hidden_layers")?,
            num_heads: fields::heads(config, "num_attention_heads", ("hidden_size", hidden_dim))?,
            intermediate_dim: fields::size(config, "intermediate_size")?,
            epsilon: fields::epsilon_or(config, "layer_norm_eps", defaults.epsilon)?,
            activation: fields::activation_or(config, "hidden_act", defaults.activation)?,
        })
    }

    /// The norm `name` over hidden states.
    pub(super) fn norm(&self, name: &'static str) -> NormRecipe {
        NormRecipe { name, width: self.hidden_dim, epsilon: self.epsilon, kind: NormKind::Layer }
    }
}

/// The parts of a layer with rotary positions, and the names of its norms, below the layer.
pub(super) struct RotaryParts {
    pub(super) query_key_value: QueryKeyValueRecipe,
    pub(super) output: LinearRecipe,
    pub(super) attention_norm: &'static str,
    pub(super) feed_forward: FeedForwardRecipe,
    pub(super) output_norm: &'static str,
}

impl Sizes {
    /// The layers `PREFIX.0`, `PREFIX.1`, .. with rotary positions, which are the recipe's first.
    pub(super) fn rotary_blocks(&self, prefix: &str, parts: &RotaryParts) -> Vec<BlockRecipe> {
        let block = |number| BlockRecipe {
            prefix: format!("{prefix}.{number}"),
            order: Order::PostNorm,
            attention: AttentionRecipe {
                rotary: Some(0),
                ..AttentionRecipe::new(parts.query_key_value.clone(), parts.output.clone(), self.num_heads)
            },
            attention_norm: Some(self.norm(parts.attention_norm)),
            feed_forward: FeedForwardKind::Single(parts.feed_forward.clone()),
            feed_forward_norm: self.norm(parts.output_norm),
        };
        (0..self.num_layers).map(block).collect()
    }
}

/// The names of a layer's weights, below the layer. `.weight` and `.bias` are left out.
pub(super) struct LayerNames {
    pub(super) query: &'static str,
    pub(super) key: &'static str,
    pub(super) value: &'static str,
    pub(super) attention_output: &'static str,
    pub(super) attention_norm: &'static str,
    pub(super) up: &'static str,
    pub(super) down: &'static str,
    pub(super) output_norm: &'static str,
}

impl LayerNames {
    /// The layers `PREFIX.0`, `PREFIX.1`, ..
    pub(super) fn blocks(&self, prefix: &str, sizes: &Sizes) -> Vec<BlockRecipe> {
        (0..sizes.num_layers).map(|number| self.block(format!("{prefix}.{number}"), sizes)).collect()
    }

    pub(super) fn block(&self, prefix: String, sizes: &Sizes) -> BlockRecipe {
        let (hidden, intermediate) = (sizes.hidden_dim, sizes.intermediate_dim);
        let square = |name| LinearRecipe::new(name, [hidden, hidden]);
        BlockRecipe {
            prefix,
            order: Order::PostNorm,
            attention: AttentionRecipe::new(
                QueryKeyValueRecipe::Separate([self.query, self.key, self.value].map(square)),
                square(self.attention_output),
                sizes.num_heads,
            ),
            attention_norm: Some(sizes.norm(self.attention_norm)),
            feed_forward: FeedForwardKind::Single(FeedForwardRecipe {
                up: UpRecipe::Plain(LinearRecipe::new(self.up, [hidden, intermediate])),
                down: LinearRecipe::new(self.down, [intermediate, hidden]),
                activation: sizes.activation,
            }),
            feed_forward_norm: sizes.norm(self.output_norm),
        }
    }
}
