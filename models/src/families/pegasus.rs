//! The encoder of PEGASUS (Zhang et al., 2020): <https://arxiv.org/abs/1912.08777>. BART's, pre-norm, with sinusoids as
//! positions, which files often leave out, and no norm of the embeddings.

use serde_json::Value;

use super::bart::{self, Variant};
use super::{Family, known};
use crate::encoder::block::Order;
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "pegasus",
    model_types: &["pegasus"],
    parts: "the encoder alone; pre-norm, sinusoids",
    examples: &["google/pegasus-large", "google/pegasus-xsum"],
    prefixes: &["", "model."],
    fields: &[&known::BART],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

fn recipe(config: &Value) -> Result<Recipe> {
    let variant = Variant {
        offset: 0,
        has_embedding_norm: false,
        order: Order::PreNorm,
        has_sinusoids: true,
        ..bart::BART
    };
    bart::recipe_of(config, &variant)
}
