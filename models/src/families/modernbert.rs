//! ModernBERT (Warner et al., 2024): <https://arxiv.org/abs/2412.13663>. Pre-norm, rotary positions, a gated
//! feed-forward part, and layers that attend to near tokens only.

use nearsay_kernels::Pooling;
use serde_json::Value;

use super::rope::ThetaField;
use super::{Family, fields, layer_types};
use crate::encoder::attention::AttentionRecipe;
use crate::encoder::block::{BlockRecipe, Order};
use crate::encoder::embeddings::{EmbeddingsRecipe, TableRecipe};
use crate::encoder::feed_forward::{FeedForwardKind, FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::norm::{NormKind, NormRecipe};
use crate::encoder::query_key_value::QueryKeyValueRecipe;
use crate::encoder::rotary::RotaryRecipe;
use crate::heads::{ClassifierRecipe, MaskedLanguageRecipe};
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "modernbert",
    model_types: &["modernbert"],
    parts: "pre-norm, rotary positions, gates, windows",
    examples: &["answerdotai/ModernBERT-base", "Alibaba-NLP/gte-modernbert-base"],
    prefixes: &["", "model."],
    fields: &[&FIELDS],
    recipe,
    classifier: Some(classifier),
    masked_language: Some(masked_language),
    next_token: None,
};

fn recipe(config: &Value) -> Result<Recipe> {
    let parts = Parts::read(config)?;
    let num_layers = fields::layers(config, "num_hidden_layers")?;
    let is_full = full_layers(config, num_layers)?;
    let embeddings = EmbeddingsRecipe {
        norm: Some(parts.norm("embeddings.norm")),
        ..EmbeddingsRecipe::of_words(
            TableRecipe {
                name: "embeddings.tok_embeddings.weight",
                rows: fields::size(config, "vocab_size")?,
            },
            parts.hidden_dim,
        )
    };
    let blocks = is_full.iter().enumerate().map(|(number, full)| parts.block(number, *full));
    let mut recipe = Recipe::new(embeddings, blocks.collect()).with_fill();
    recipe.rotary = parts.thetas.map(|theta| RotaryRecipe::new(theta, parts.head_dim())).to_vec();
    recipe.final_norm = Some(parts.norm("final_norm"));
    recipe.stated_tokens = Some(fields::size_or(config, "max_position_embeddings", 8192)?);
    Ok(recipe)
}

fn classifier(config: &Value) -> Result<ClassifierRecipe> {
    let parts = Parts::read(config)?;
    let dense = parts.head_dense()?;
    let pooling = match fields::text_or(config, "classifier_pooling", "cls")? {
        "cls" => Pooling::Cls,
        "mean" => Pooling::Mean,
        other => {
            return Err(fields::refused("classifier_pooling", format!("must be cls or mean, got `{other}`")));
        }
    };
    let activation = fields::activation_or(config, "classifier_activation", "gelu")?;
    Ok(ClassifierRecipe {
        pooling,
        has_dense_bias: dense.has_bias,
        norm: Some(parts.norm("head.norm")),
        ..ClassifierRecipe::of_first_token(dense.name, activation, "classifier")
    })
}

fn masked_language(config: &Value) -> Result<MaskedLanguageRecipe> {
    let parts = Parts::read(config)?;
    let has_bias = fields::flag_or(config, "decoder_bias", true)?;
    Ok(MaskedLanguageRecipe {
        dense: parts.head_dense()?,
        activation: fields::activation_or(config, "classifier_activation", "gelu")?,
        norm: parts.norm("head.norm"),
        decoder: "decoder",
        biases: if has_bias { &["decoder.bias"] } else { &[] },
    })
}

/// Settings that all layers share.
struct Parts<'a> {
    config: &'a Value,
    hidden_dim: usize,
    num_heads: usize,
    epsilon: f64,
    has_attention_bias: bool,
    /// Tokens on each side that a layer with a window attends to.
    radius: usize,
    /// Of layers without a window, and of the others.
    thetas: [f64; 2],
    feed_forward: FeedForwardRecipe,
}

impl<'a> Parts<'a> {
    fn read(config: &'a Value) -> Result<Self> {
        let hidden_dim = fields::size(config, "hidden_size")?;
        let intermediate_dim = fields::size(config, "intermediate_size")?;
        let has_mlp_bias = fields::flag_or(config, "mlp_bias", false)?;
        let linear = |name, dims| LinearRecipe::with_bias(name, dims, has_mlp_bias);
        Ok(Self {
            config,
            hidden_dim,
            num_heads: fields::heads(config, "num_attention_heads", ("hidden_size", hidden_dim))?,
            epsilon: fields::epsilon_or(config, "norm_eps", 1e-5)?,
            has_attention_bias: fields::flag_or(config, "attention_bias", false)?,
            radius: fields::size_or(config, "local_attention", 128)? / 2,
            thetas: thetas(config)?,
            feed_forward: FeedForwardRecipe {
                up: UpRecipe::GateThenUp(linear("mlp.Wi", [hidden_dim, 2 * intermediate_dim])),
                down: linear("mlp.Wo", [intermediate_dim, hidden_dim]),
                activation: fields::activation_or(config, "hidden_activation", "gelu")?,
            },
        })
    }

    fn head_dim(&self) -> usize {
        self.hidden_dim / self.num_heads
    }

    /// The dense layer of the heads.
    fn head_dense(&self) -> Result<LinearRecipe> {
        let has_bias = fields::flag_or(self.config, "classifier_bias", false)?;
        Ok(LinearRecipe::with_bias("head.dense", [self.hidden_dim, self.hidden_dim], has_bias))
    }

    fn norm(&self, name: &'static str) -> NormRecipe {
        let has_bias = self.config.get("norm_bias") == Some(&Value::Bool(true));
        let kind = if has_bias { NormKind::Layer } else { NormKind::LayerWithoutBias };
        NormRecipe { name, width: self.hidden_dim, epsilon: self.epsilon, kind }
    }

    fn block(&self, number: usize, is_full: bool) -> BlockRecipe {
        let hidden = self.hidden_dim;
        let linear = |name, dims| LinearRecipe::with_bias(name, dims, self.has_attention_bias);
        BlockRecipe {
            prefix: format!("layers.{number}"),
            order: Order::PreNorm,
            attention: AttentionRecipe {
                rotary: Some(usize::from(!is_full)),
                window: (!is_full).then_some(self.radius),
                ..AttentionRecipe::new(
                    QueryKeyValueRecipe::Joined(linear("attn.Wqkv", [hidden, 3 * hidden])),
                    linear("attn.Wo", [hidden, hidden]),
                    self.num_heads,
                )
            },
            // The embeddings' norm is the first layer's, too.
            attention_norm: (number > 0).then(|| self.norm("attn_norm")),
            feed_forward: FeedForwardKind::Single(self.feed_forward.clone()),
            feed_forward_norm: self.norm("mlp_norm"),
        }
    }
}

/// Whether each layer attends to all tokens: by `layer_types` (transformers 5), else every n-th does.
fn full_layers(config: &Value, num_layers: usize) -> Result<Vec<bool>> {
    const EVERY: &str = "global_attn_every_n_layers";
    let every = fields::size_or(config, EVERY, 3)?;
    let by_number: Vec<bool> = (0..num_layers).map(|number| number.is_multiple_of(every)).collect();
    let Some(types) = layer_types::full_layers(config, num_layers)? else { return Ok(by_number) };
    if config.get(EVERY).is_some() && types != by_number {
        let rule = format!("must not contradict {EVERY} ({every})");
        return Err(fields::refused("layer_types", rule));
    }
    Ok(types)
}

/// Of layers with all tokens, and of those with a window.
fn thetas(config: &Value) -> Result<[f64; 2]> {
    let field = |kind, old, default| ThetaField { kind: Some(kind), old, default };
    let global = field("full_attention", "global_rope_theta", 160_000.0).read(config)?;
    let local = match config.get("local_rope_theta") {
        Some(Value::Null) => global,
        _ => 10_000.0,
    };
    Ok([global, field("sliding_attention", "local_rope_theta", local).read(config)?])
}

/// ModernBERT's fields.
const FIELDS: [&str; 32] = [
    "attention_bias",
    "attention_dropout",
    "classifier_activation",
    "classifier_bias",
    "classifier_pooling",
    "cls_token_id",
    "decoder_bias",
    "deterministic_flash_attn",
    "embedding_dropout",
    "global_attn_every_n_layers",
    "global_rope_theta",
    "hidden_activation",
    "hidden_size",
    "initializer_cutoff_factor",
    "intermediate_size",
    "layer_norm_eps",
    "layer_types",
    "local_attention",
    "local_rope_theta",
    "mlp_bias",
    "mlp_dropout",
    "norm_bias",
    "norm_eps",
    "num_attention_heads",
    "num_hidden_layers",
    "reference_compile",
    "repad_logits_with_grad",
    "rope_parameters",
    "sparse_pred_ignore_index",
    "sparse_prediction",
    "sliding_window",
    "token_dropout",
];
