//! Shared by families of BERT's kind: sizes in config.json, and layers whose norms follow the sums.

use nearsay_kernels::Activation;
use serde_json::Value;

use super::fields;
use crate::Result;
use crate::encoder::attention::{AttentionRecipe, ScoresRecipe};
use crate::encoder::block::{BlockRecipe, Order};
use crate::encoder::feed_forward::{FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::norm::{NormKind, NormRecipe};
use crate::encoder::query_key_value::QueryKeyValueRecipe;

/// The sizes and choices of a layer, and how many there are.
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
            attention: AttentionRecipe {
                query_key_value: QueryKeyValueRecipe::Separate(
                    [self.query, self.key, self.value].map(square),
                ),
                output: square(self.attention_output),
                num_heads: sizes.num_heads,
                num_key_heads: sizes.num_heads,
                query_key_norm: None,
                scale: None,
                scores: ScoresRecipe::Plain,
                rotary: None,
                window: None,
                causal: false,
                convolution: None,
            },
            attention_norm: Some(sizes.norm(self.attention_norm)),
            feed_forward: FeedForwardRecipe {
                up: UpRecipe::Plain(LinearRecipe::new(self.up, [hidden, intermediate])),
                down: LinearRecipe::new(self.down, [intermediate, hidden]),
                activation: sizes.activation,
            },
            feed_forward_norm: sizes.norm(self.output_norm),
        }
    }
}
