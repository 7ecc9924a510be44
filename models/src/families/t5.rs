//! The encoders of T5 (Raffel et al., 2020: <https://arxiv.org/abs/1910.10683>), mT5, ByT5 and umT5: pre-norm with
//! RMS norms, no biases, scores that are not scaled, and a bias by distance in place of positions. Decoders are not
//! read. A text may have any length; unless more is asked for, texts are cut at 512 tokens, as T5 was trained.

use nearsay_kernels::{Activation, DistanceBuckets};
use serde_json::Value;

use super::{Family, fields};
use crate::encoder::attention::{AttentionRecipe, ScoresRecipe};
use crate::encoder::block::{BlockRecipe, Order};
use crate::encoder::distance::DistanceBiasRecipe;
use crate::encoder::embeddings::{EmbeddingsRecipe, TableRecipe};
use crate::encoder::feed_forward::{FeedForwardKind, FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::norm::{NormKind, NormRecipe};
use crate::encoder::query_key_value::QueryKeyValueRecipe;
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "t5",
    model_types: &["t5", "mt5", "umt5"],
    parts: "the encoder alone; pre-norm, a bias by distance",
    examples: &["google-t5/t5-large", "sentence-transformers/gtr-t5-base", "google/byt5-base"],
    prefixes: &["", "transformer."],
    fields: &[&FIELDS],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

fn recipe(config: &Value) -> Result<Recipe> {
    let sizes = Sizes::read(config)?;
    let num_layers = fields::layers(config, "num_layers")?;
    // umT5's layers have a table each; in the others the first layer's is used by all.
    let tables = if is_of(config, "umt5") { num_layers } else { num_layers.min(1) };
    let block = |number: usize| sizes.block(number, number.min(tables.saturating_sub(1)));
    let embeddings = EmbeddingsRecipe {
        word_aliases: &["encoder.embed_tokens.weight"],
        ..EmbeddingsRecipe::of_words(
            TableRecipe { name: "shared.weight", rows: fields::size(config, "vocab_size")? },
            sizes.hidden_dim,
        )
    };
    let mut recipe = Recipe::new(embeddings, (0..num_layers).map(block).collect());
    recipe.biases = (0..tables).map(|number| sizes.bias(number)).collect::<Result<_>>()?;
    recipe.final_norm = Some(sizes.norm("encoder.final_layer_norm"));
    recipe.unread = &["encoder.embed_tokens.weight", "shared.weight"];
    Ok(recipe)
}

fn is_of(config: &Value, model_type: &str) -> bool {
    config.get("model_type").and_then(Value::as_str) == Some(model_type)
}

struct Sizes {
    hidden_dim: usize,
    num_heads: usize,
    head_dim: usize,
    intermediate_dim: usize,
    epsilon: f64,
    activation: Activation,
    is_gated: bool,
    buckets: usize,
    farthest: usize,
}

impl Sizes {
    fn read(config: &Value) -> Result<Self> {
        let (activation, is_gated) = feed_forward(config)?;
        let num_heads = fields::size(config, "num_heads")?;
        // All heads together are as wide as other families' hidden states may be.
        let head_dim = limited(config, "d_kv", (64, fields::LARGEST_SIZE / num_heads))?;
        Ok(Self {
            hidden_dim: fields::size(config, "d_model")?,
            num_heads,
            head_dim,
            intermediate_dim: fields::size(config, "d_ff")?,
            epsilon: fields::epsilon_or(config, "layer_norm_epsilon", 1e-6)?,
            activation,
            is_gated,
            buckets: limited(config, "relative_attention_num_buckets", (32, MOST_BUCKETS))?,
            farthest: limited(config, "relative_attention_max_distance", (128, FARTHEST))?,
        })
    }

    fn norm(&self, name: &'static str) -> NormRecipe {
        NormRecipe { name, width: self.hidden_dim, epsilon: self.epsilon, kind: NormKind::Rms }
    }

    fn bias(&self, layer: usize) -> Result<DistanceBiasRecipe> {
        Ok(DistanceBiasRecipe::Table {
            name: format!("encoder.block.{layer}.layer.0.SelfAttention.relative_attention_bias.weight"),
            rows: self.buckets,
            buckets: DistanceBuckets::t5(self.buckets, self.farthest, true)?,
            num_heads: self.num_heads,
        })
    }

    fn block(&self, layer: usize, bias: usize) -> BlockRecipe {
        let (hidden, heads) = (self.hidden_dim, self.num_heads * self.head_dim);
        let into = |name| LinearRecipe::without_bias(name, [hidden, heads]);
        let up = |name| LinearRecipe::without_bias(name, [hidden, self.intermediate_dim]);
        BlockRecipe {
            prefix: format!("encoder.block.{layer}"),
            order: Order::PreNorm,
            attention: AttentionRecipe {
                scale: Some(1.0),
                scores: ScoresRecipe::Bias(bias),
                ..AttentionRecipe::new(
                    QueryKeyValueRecipe::Separate([
                        into("layer.0.SelfAttention.q"),
                        into("layer.0.SelfAttention.k"),
                        into("layer.0.SelfAttention.v"),
                    ]),
                    LinearRecipe::without_bias("layer.0.SelfAttention.o", [heads, hidden]),
                    self.num_heads,
                )
            },
            attention_norm: Some(self.norm("layer.0.layer_norm")),
            feed_forward: FeedForwardKind::Single(FeedForwardRecipe {
                up: match self.is_gated {
                    true => UpRecipe::Gated {
                        gate: up("layer.1.DenseReluDense.wi_0"),
                        up: up("layer.1.DenseReluDense.wi_1"),
                    },
                    false => UpRecipe::Plain(up("layer.1.DenseReluDense.wi")),
                },
                down: LinearRecipe::without_bias(
                    "layer.1.DenseReluDense.wo",
                    [self.intermediate_dim, hidden],
                ),
                activation: self.activation,
            }),
            feed_forward_norm: self.norm("layer.1.layer_norm"),
        }
    }
}

/// The limits of exact buckets, which take time by both; published models have 32 and 128.
const MOST_BUCKETS: usize = 256;
const FARTHEST: usize = 8192;

/// A size up to a limit, or its default.
fn limited(config: &Value, field: &str, (default, most): (usize, usize)) -> Result<usize> {
    fields::within(field, fields::size_or(config, field, default)?, 1..=most)
}

/// `relu`, or `gated-` and the gate's activation; `gated-gelu` means GELU by tanh (`T5Config`).
fn feed_forward(config: &Value) -> Result<(Activation, bool)> {
    const FIELD: &str = "feed_forward_proj";
    let default = if is_of(config, "t5") { "relu" } else { "gated-gelu" };
    let named = fields::text_or(config, FIELD, default)?;
    match named.strip_prefix("gated-") {
        Some("gelu") => Ok((Activation::GeluTanh, true)),
        Some(name) => Ok((fields::activation_named(FIELD, name)?, true)),
        None => Ok((fields::activation_named(FIELD, named)?, false)),
    }
}

/// T5's fields; `n_positions` has no effect.
const FIELDS: [&str; 17] = [
    "d_ff",
    "d_kv",
    "d_model",
    "dense_act_fn",
    "dropout_rate",
    "feed_forward_proj",
    "is_gated_act",
    "layer_norm_epsilon",
    "n_positions",
    "num_decoder_layers",
    "num_heads",
    "num_layers",
    "output_past",
    "relative_attention_max_distance",
    "relative_attention_num_buckets",
    "scalable_attention",
    "scale_decoder_outputs",
];
