//! Qwen3 as an encoder (Zhang et al., "Qwen3 Embedding", 2025: <https://arxiv.org/abs/2506.05176>): Llama's layers with norms of
//! queries and keys. A token attends only to those before it and to itself, so the last token's state is the text's.

use serde_json::{Value, json};

use super::llama::{Defaults, Sizes};
use super::rope::{self, ThetaField};
use super::{Family, fields, known, layer_types};
use crate::encoder::norm::NormKind;
use crate::heads::NextTokenRecipe;
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "qwen3",
    model_types: &["qwen3"],
    parts: "causal; norms of queries and keys, shared keys, gates",
    examples: &["Qwen/Qwen3-Embedding-0.6B", "Qwen/Qwen3-Reranker-0.6B"],
    prefixes: &["", "model."],
    fields: &[&known::LLAMA, &FIELDS],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: Some(next_token),
};

/// A decoder of its own, unless the file says that it is the table of word embeddings.
fn next_token(config: &Value) -> Result<NextTokenRecipe> {
    let is_tied = fields::flag_or(config, "tie_word_embeddings", false)?;
    Ok(NextTokenRecipe { decoder: (!is_tied).then_some("lm_head.weight") })
}

const DEFAULTS: Defaults = Defaults {
    epsilon: 1e-6,
    activation: ("hidden_act", "silu"),
    head_dim: Some(128),
    norm_kind: NormKind::Rms,
};

fn recipe(config: &Value) -> Result<Recipe> {
    let sizes = Sizes::read(config, &DEFAULTS)?;
    rope::no_scaling(config)?;
    fields::only(config, "is_causal", &json!(true))?;
    fields::only(config, "use_sliding_window", &json!(false))?;
    if layer_types::full_layers(config, sizes.num_layers)?.is_some_and(|full| full.contains(&false)) {
        let rule = "must be full_attention for every layer".to_owned();
        return Err(fields::refused("layer_types", rule));
    }
    let theta = ThetaField { kind: None, old: "rope_theta", default: 10_000.0 }.read(config)?;
    let mut blocks: Vec<_> = (0..sizes.num_layers).map(|number| sizes.block(number)).collect();
    for attention in blocks.iter_mut().map(|block| &mut block.attention) {
        attention.query_key_norm = Some(sizes.query_key_norm());
        attention.causal = true;
    }
    sizes.recipe(config, blocks, &[theta])
}

/// Qwen3's fields.
const FIELDS: [&str; 3] = ["is_causal", "max_window_layers", "use_sliding_window"];
