//! EuroBERT (Boizard et al., 2025): <https://arxiv.org/abs/2503.05500>. Llama's layers, whose tokens attend to all others.

use serde_json::Value;

use super::llama::{Defaults, Sizes};
use super::rope::{self, ThetaField};
use super::{Family, fields, known, layer_types};
use crate::encoder::norm::NormKind;
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "eurobert",
    model_types: &["eurobert"],
    parts: "Llama's layers: rotary positions, shared keys, gates",
    examples: &["EuroBERT/EuroBERT-210m"],
    prefixes: &["", "model."],
    fields: &[&known::LLAMA, &FIELDS],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

const DEFAULTS: Defaults =
    Defaults { epsilon: 1e-5, activation: ("hidden_act", "silu"), head_dim: None, norm_kind: NormKind::Rms };

fn recipe(config: &Value) -> Result<Recipe> {
    let sizes = Sizes::read(config, &DEFAULTS)?;
    rope::no_scaling(config)?;
    fields::only(config, "sliding_window", &Value::Null)?;
    if layer_types::full_layers(config, sizes.num_layers)?.is_some_and(|full| full.contains(&false)) {
        return Err(fields::refused("layer_types", "must be full_attention for every layer".to_owned()));
    }
    let theta = ThetaField { kind: None, old: "rope_theta", default: 250_000.0 }.read(config)?;
    let blocks = (0..sizes.num_layers).map(|number| sizes.block(number));
    sizes.recipe(config, blocks.collect(), &[theta])
}

/// EuroBERT's fields. The tokens repeat ids, and have no effect.
const FIELDS: [&str; 6] =
    ["bos_token", "classifier_pooling", "clf_pooling", "eos_token", "mask_token", "mask_token_id"];
