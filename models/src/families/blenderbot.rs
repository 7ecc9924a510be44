//! The encoders of Blenderbot (Roller et al., 2021: <https://arxiv.org/abs/2004.13637>), large and small: BART's with
//! positions from row 0; the large one is pre-norm and does not norm its embeddings.

use serde_json::Value;

use super::bart::{self, Variant};
use super::{Family, known};
use crate::encoder::block::Order;
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "blenderbot",
    model_types: &["blenderbot", "blenderbot-small"],
    parts: "the encoders alone; positions from row 0",
    examples: &["facebook/blenderbot-400M-distill", "facebook/blenderbot_small-90M"],
    prefixes: &["", "model."],
    fields: &[&known::BART],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

fn recipe(config: &Value) -> Result<Recipe> {
    let small = Variant { offset: 0, ..bart::BART };
    match config.get("model_type").and_then(Value::as_str) {
        Some("blenderbot-small") => bart::recipe_of(config, &small),
        _ => {
            let large = Variant { has_embedding_norm: false, order: Order::PreNorm, ..small };
            bart::recipe_of(config, &large)
        }
    }
}
