//! XLM (Lample and Conneau, 2019): <https://arxiv.org/abs/1901.07291>. BERT's computation under other names, without token types.
//!
//! No language is given, as in bert_score, so that none's embedding is added. Its tokenizer is Python code alone: a
//! model needs a tokenizer.json.

use nearsay_kernels::Activation;
use serde_json::{Value, json};

use super::post_norm::{LayerNames, Sizes};
use super::{Family, fields};
use crate::encoder::embeddings::{EmbeddingsRecipe, TableRecipe};
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "xlm",
    model_types: &["xlm"],
    parts: "as bert, needs a tokenizer.json",
    examples: &["FacebookAI/xlm-mlm-en-2048"],
    prefixes: &["", "transformer."],
    fields: &[&FIELDS],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

const LAYER: LayerNames = LayerNames {
    query: "attentions.q_lin",
    key: "attentions.k_lin",
    value: "attentions.v_lin",
    attention_output: "attentions.out_lin",
    attention_norm: "layer_norm1",
    up: "ffns.lin1",
    down: "ffns.lin2",
    output_norm: "layer_norm2",
};

/// The layers have their numbers after the first part of a name: `attentions.0.q_lin`, `layer_norm1.0`, ..
const LAYERS: &str = "*";

fn recipe(config: &Value) -> Result<Recipe> {
    fields::only(config, "causal", &json!(false))?;
    fields::only(config, "is_encoder", &json!(true))?;
    let hidden_dim = fields::size(config, "emb_dim")?;
    let is_gelu = fields::flag_or(config, "gelu_activation", true)?;
    let sizes = Sizes {
        hidden_dim,
        num_layers: fields::layers(config, "n_layers")?,
        num_heads: fields::heads(config, "n_heads", ("emb_dim", hidden_dim))?,
        intermediate_dim: 4 * hidden_dim,
        epsilon: fields::epsilon_or(config, "layer_norm_eps", 1e-12)?,
        activation: if is_gelu { Activation::Gelu } else { Activation::Relu },
    };
    let table = |name, rows| TableRecipe { name, rows };
    let positions = fields::position_rows(config, "max_position_embeddings", Positions::FromZero)?;
    let embeddings = EmbeddingsRecipe {
        word: table("embeddings.weight", vocab_size(config)?),
        word_aliases: &[],
        word_scale: None,
        position: Some(table("position_embeddings.weight", positions)),
        has_sinusoids: false,
        positions: Positions::FromZero,
        token_type: None,
        inner_projection: None,
        width: hidden_dim,
        norm: Some(sizes.norm("layer_norm_emb")),
        projection: None,
    };
    let mut recipe = Recipe::new(embeddings, LAYER.blocks(LAYERS, &sizes));
    recipe.unread = &["lang_embeddings.weight"];
    Ok(recipe)
}

/// `vocab_size`, or `n_words`, its older name. transformers reads the latter if both are there.
fn vocab_size(config: &Value) -> Result<usize> {
    const OLD: &str = "n_words";
    match fields::size_if_stated(config, "vocab_size")? {
        None => fields::size(config, OLD),
        Some(words) => fields::only(config, OLD, &json!(words)).map(|()| words),
    }
}

/// XLM's fields.
const FIELDS: [&str; 29] = [
    "asm",
    "attention_dropout",
    "bos_index",
    "causal",
    "dropout",
    "emb_dim",
    "embed_init_std",
    "end_n_top",
    "eos_index",
    "gelu_activation",
    "id2lang",
    "init_std",
    "is_encoder",
    "lang2id",
    "lang_id",
    "layer_norm_eps",
    "mask_index",
    "mask_token_id",
    "max_vocab",
    "min_count",
    "n_heads",
    "n_langs",
    "n_layers",
    "n_words",
    "pad_index",
    "sinusoidal_embeddings",
    "start_n_top",
    "unk_index",
    "use_lang_emb",
];
