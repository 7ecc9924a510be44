//! DistilBERT (Sanh et al., 2019): <https://arxiv.org/abs/1910.01108>. BERT without token types and with
//! different names; `hidden_dim` in its config.json is the intermediate size of other families.

use nearsay_kernels::Activation;
use serde_json::Value;

use super::post_norm::{LayerNames, Sizes};
use super::{Family, fields};
use crate::encoder::embeddings::{EmbeddingsRecipe, TableRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::heads::{ClassifierRecipe, MaskedLanguageRecipe};
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "distilbert",
    model_types: &["distilbert"],
    parts: "positions, no token types",
    examples: &["distilbert/distilbert-base-uncased"],
    prefixes: &["", "distilbert.", "model.", "model.distilbert."],
    fields: &[&FIELDS],
    recipe,
    classifier: Some(|_| {
        Ok(ClassifierRecipe::of_first_token("pre_classifier", Activation::Relu, "classifier"))
    }),
    masked_language: Some(masked_language),
    next_token: None,
};

const LAYER: LayerNames = LayerNames {
    query: "attention.q_lin",
    key: "attention.k_lin",
    value: "attention.v_lin",
    attention_output: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    up: "ffn.lin1",
    down: "ffn.lin2",
    output_norm: "output_layer_norm",
};

/// Hard-coded in transformers; config.json does not have it.
const EPSILON: f64 = 1e-12;

fn recipe(config: &Value) -> Result<Recipe> {
    let sizes = sizes(config)?;
    let hidden_dim = sizes.hidden_dim;
    let position_rows = fields::position_rows(config, "max_position_embeddings", Positions::FromZero)?;
    let table = |name, rows| TableRecipe { name, rows };
    let embeddings = EmbeddingsRecipe {
        word: table("embeddings.word_embeddings.weight", fields::size(config, "vocab_size")?),
        word_aliases: &[],
        word_scale: None,
        position: Some(table("embeddings.position_embeddings.weight", position_rows)),
        has_sinusoids: false,
        positions: Positions::FromZero,
        token_type: None,
        inner_projection: None,
        width: hidden_dim,
        norm: Some(sizes.norm("embeddings.LayerNorm")),
        projection: None,
    };
    Ok(Recipe::new(embeddings, LAYER.blocks("transformer.layer", &sizes)).with_fill())
}

fn sizes(config: &Value) -> Result<Sizes> {
    let hidden_dim = fields::size(config, "dim")?;
    Ok(Sizes {
        hidden_dim,
        num_layers: fields::layers(config, "n_layers")?,
        num_heads: fields::heads(config, "n_heads", ("dim", hidden_dim))?,
        intermediate_dim: fields::size(config, "hidden_dim")?,
        epsilon: EPSILON,
        activation: fields::activation_or(config, "activation", "gelu")?,
    })
}

fn masked_language(config: &Value) -> Result<MaskedLanguageRecipe> {
    let sizes = sizes(config)?;
    let hidden = sizes.hidden_dim;
    Ok(MaskedLanguageRecipe {
        dense: LinearRecipe::new("vocab_transform", [hidden, hidden]),
        activation: sizes.activation,
        norm: sizes.norm("vocab_layer_norm"),
        decoder: "vocab_projector",
        biases: &["vocab_projector.bias"],
    })
}

/// DistilBERT's fields. The sinusoidal positions are in its weights.
const FIELDS: [&str; 10] = [
    "activation",
    "attention_dropout",
    "dim",
    "dropout",
    "hidden_dim",
    "n_heads",
    "n_layers",
    "qa_dropout",
    "seq_classif_dropout",
    "sinusoidal_pos_embds",
];
