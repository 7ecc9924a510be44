//! ELECTRA (Clark et al., 2020): <https://arxiv.org/abs/2003.10555>. BERT whose embeddings may be narrower (in
//! generators: wider) than its hidden states; a linear layer after their norm maps them to that width.

use nearsay_kernels::Activation;
use serde_json::Value;

use super::post_norm::{BERT_DEFAULTS, Sizes};
use super::{Family, bert, fields, known, roberta};
use crate::encoder::embeddings::EmbeddingsRecipe;
use crate::encoder::linear::LinearRecipe;
use crate::encoder::norm::NormRecipe;
use crate::heads::{ClassifierRecipe, MaskedLanguageRecipe};
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "electra",
    model_types: &["electra"],
    parts: "positions, embeddings of another width",
    examples: &["google/electra-base-discriminator", "google/electra-large-discriminator"],
    prefixes: &["", "electra."],
    fields: &[&known::LAYER, &FIELDS],
    recipe,
    classifier: Some(|_| Ok(ClassifierRecipe { activation: Activation::Gelu, ..roberta::CLASSIFIER })),
    masked_language: Some(masked_language),
    next_token: None,
};

fn recipe(config: &Value) -> Result<Recipe> {
    let sizes = Sizes::read(config, &BERT_DEFAULTS)?;
    let embeddings = embeddings(config, &sizes, 128)?;
    Ok(Recipe::new(embeddings, bert::LAYER.blocks(bert::LAYERS, &sizes)).with_fill())
}

/// BERT's embeddings, of a width that config.json states or the family's default.
pub(super) fn embeddings(config: &Value, sizes: &Sizes, default: usize) -> Result<EmbeddingsRecipe> {
    let width = fields::size_or(config, "embedding_size", default)?;
    let norm = NormRecipe { width, ..sizes.norm(bert::EMBEDDING_NORM) };
    let mut embeddings = bert::embeddings(config, Positions::FromZero, norm)?;
    if width != sizes.hidden_dim {
        embeddings.projection = Some(LinearRecipe::new("embeddings_project", [width, sizes.hidden_dim]));
    }
    Ok(embeddings)
}

/// The generator's. The activation is GELU, whatever that of the layers.
fn masked_language(config: &Value) -> Result<MaskedLanguageRecipe> {
    let sizes = Sizes::read(config, &BERT_DEFAULTS)?;
    let width = fields::size_or(config, "embedding_size", 128)?;
    Ok(MaskedLanguageRecipe {
        dense: LinearRecipe::new("generator_predictions.dense", [sizes.hidden_dim, width]),
        activation: Activation::Gelu,
        norm: NormRecipe { width, ..sizes.norm("generator_predictions.LayerNorm") },
        decoder: "generator_lm_head",
        biases: &["generator_lm_head.bias"],
    })
}

/// ELECTRA's fields.
const FIELDS: [&str; 1] = ["embedding_size"];
