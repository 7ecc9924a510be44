//! The encoder of mBART (Liu et al., 2020): <https://arxiv.org/abs/2001.08210>. BART's with norms before
//! attention and feed-forward, and one after the last layer.

use serde_json::Value;

use super::bart::{self, Variant};
use super::{Family, known};
use crate::encoder::block::Order;
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "mbart",
    model_types: &["mbart"],
    parts: "the encoder alone; pre-norm, positions from row 2",
    examples: &["facebook/mbart-large-cc25", "facebook/mbart-large-50-many-to-many-mmt"],
    prefixes: &["", "model."],
    fields: &[&known::BART],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

fn recipe(config: &Value) -> Result<Recipe> {
    bart::recipe_of(config, &Variant { order: Order::PreNorm, ..bart::BART })
}
