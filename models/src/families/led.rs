//! The encoder of LED (Beltagy, Peters and Cohan, 2020): <https://arxiv.org/abs/2004.05150>. BART's with Longformer's
//! windows and positions from row 0.

use serde_json::Value;

use super::bart::{self, Variant};
use super::post_norm::LayerNames;
use super::{Family, known, longformer};
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "led",
    model_types: &["led"],
    parts: "the encoder alone; as bart, with windows",
    examples: &["allenai/led-base-16384"],
    prefixes: &["", "led.", "model."],
    fields: &[&known::BART],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

const LAYER: LayerNames = LayerNames {
    query: "self_attn.longformer_self_attn.query",
    key: "self_attn.longformer_self_attn.key",
    value: "self_attn.longformer_self_attn.value",
    attention_output: "self_attn.output",
    ..bart::LAYER
};

fn recipe(config: &Value) -> Result<Recipe> {
    let variant =
        Variant { layer: LAYER, offset: 0, position_field: "max_encoder_position_embeddings", ..bart::BART };
    let mut recipe = bart::recipe_of(config, &variant)?;
    longformer::set_windows(config, &mut recipe)?;
    Ok(recipe)
}
