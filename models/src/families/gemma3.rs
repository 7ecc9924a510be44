//! EmbeddingGemma (Schechter Vera et al., 2025: <https://arxiv.org/abs/2509.20354>): Gemma 3 whose tokens attend to both
//! sides. Llama's layers with norms of queries and keys, norms after attention and feed-forward too, windows, and word
//! rows times the root of their width. Gemma 3 itself, which is causal, is refused.

use serde_json::Value;

use super::llama::{Defaults, Sizes};
use super::rope::{self, ThetaField};
use super::{Family, fields, known, layer_types};
use crate::encoder::block::{BlockRecipe, Order};
use crate::encoder::norm::NormKind;
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "gemma3_text",
    model_types: &["gemma3_text"],
    parts: "norms around each part, windows, shared keys, gates",
    examples: &["google/embeddinggemma-300m"],
    prefixes: &["", "model."],
    fields: &[&known::LLAMA, &FIELDS],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

const DEFAULTS: Defaults = Defaults {
    epsilon: 1e-6,
    activation: ("hidden_activation", "gelu_pytorch_tanh"),
    head_dim: Some(256),
    norm_kind: NormKind::RmsLessOne,
};

/// Of layers that attend to all tokens, and of the others.
const THETAS: [ThetaField; 2] = [
    ThetaField { kind: Some("full_attention"), old: "rope_theta", default: 1_000_000.0 },
    ThetaField { kind: Some("sliding_attention"), old: "rope_local_base_freq", default: 10_000.0 },
];

fn recipe(config: &Value) -> Result<Recipe> {
    const BOTH_SIDES: &str = "use_bidirectional_attention";
    if !fields::flag_or(config, BOTH_SIDES, false)? {
        return Err(fields::refused(BOTH_SIDES, "must be true, as in EmbeddingGemma, got false".to_owned()));
    }
    fields::only(config, "attn_logit_softcapping", &Value::Null)?;
    rope::no_scaling(config)?;
    let sizes = Sizes::read(config, &DEFAULTS)?;
    let is_full = full_layers(config, sizes.num_layers)?;
    let layers = Layers {
        sizes: &sizes,
        // Halved by the class, which counts the tokens of both sides (Gemma3TextConfig).
        radius: fields::size_or(config, "sliding_window", 4096)? / 2,
        scale: scale(config)?,
    };
    let blocks = is_full.iter().enumerate().map(|(number, full)| layers.block(number, *full));
    let [full, near] = THETAS.map(|theta| theta.read(config));
    let mut recipe = sizes.recipe(config, blocks.collect(), &[full?, near?])?;
    recipe.embeddings.word_scale = Some((sizes.hidden_dim as f64).sqrt());
    Ok(recipe)
}

/// Whether each layer attends to all tokens: by `layer_types`, else every n-th does.
fn full_layers(config: &Value, num_layers: usize) -> Result<Vec<bool>> {
    let every = match config.get("sliding_window_pattern") {
        None => fields::size_or(config, "_sliding_window_pattern", 6)?,
        Some(_) => fields::size_or(config, "sliding_window_pattern", 6)?,
    };
    let by_number = || (1..=num_layers).map(|number| number.is_multiple_of(every)).collect();
    Ok(layer_types::full_layers(config, num_layers)?.unwrap_or_else(by_number))
}

/// The factor of scores.
fn scale(config: &Value) -> Result<f32> {
    Ok(fields::positive_or(config, "query_pre_attn_scalar", 256.0)?.powf(-0.5) as f32)
}

struct Layers<'a> {
    sizes: &'a Sizes,
    /// Tokens on each side that a layer with a window attends to.
    radius: usize,
    scale: f32,
}

impl Layers<'_> {
    fn block(&self, number: usize, is_full: bool) -> BlockRecipe {
        let sizes = self.sizes;
        let mut block = sizes.block(number);
        block.order = Order::Sandwich {
            attention_output: sizes.norm("post_attention_layernorm"),
            feed_forward_output: sizes.norm("post_feedforward_layernorm"),
        };
        block.feed_forward_norm = sizes.norm("pre_feedforward_layernorm");
        block.attention.query_key_norm = Some(sizes.query_key_norm());
        block.attention.scale = Some(self.scale);
        block.attention.rotary = Some(usize::from(!is_full));
        block.attention.window = (!is_full).then_some(self.radius);
        block
    }
}

/// Gemma 3's fields; the last logits' cap has no effect on states.
const FIELDS: [&str; 8] = [
    "_sliding_window_pattern",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "hidden_activation",
    "query_pre_attn_scalar",
    "rope_local_base_freq",
    "sliding_window_pattern",
    "use_bidirectional_attention",
];
