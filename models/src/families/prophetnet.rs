//! The encoders of ProphetNet (Qi et al., 2020: <https://arxiv.org/abs/2001.04063>) and XLM-ProphetNet: BERT's order of
//! parts without token types, and positions that start after the padding token's and count every token.

use serde_json::Value;

use super::post_norm::{LayerNames, Sizes};
use super::{Family, fields};
use crate::encoder::embeddings::{EmbeddingsRecipe, TableRecipe};
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "prophetnet",
    model_types: &["prophetnet", "xlm-prophetnet"],
    parts: "the encoders alone; positions from pad_token_id + 1",
    examples: &["microsoft/prophetnet-large-uncased"],
    prefixes: &["", "prophetnet."],
    fields: &[&FIELDS],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

const LAYER: LayerNames = LayerNames {
    query: "self_attn.query_proj",
    key: "self_attn.key_proj",
    value: "self_attn.value_proj",
    attention_output: "self_attn.out_proj",
    attention_norm: "self_attn_layer_norm",
    up: "feed_forward.intermediate",
    down: "feed_forward.output",
    output_norm: "feed_forward_layer_norm",
};

/// Hard-coded in transformers; config.json does not have it.
const EPSILON: f64 = 1e-5;

fn recipe(config: &Value) -> Result<Recipe> {
    let hidden_dim = fields::size(config, "hidden_size")?;
    let sizes = Sizes {
        hidden_dim,
        num_layers: fields::layers(config, "num_encoder_layers")?,
        num_heads: fields::heads(config, "num_encoder_attention_heads", ("hidden_size", hidden_dim))?,
        intermediate_dim: fields::size(config, "encoder_ffn_dim")?,
        epsilon: EPSILON,
        activation: fields::activation_or(config, "activation_function", "gelu")?,
    };
    let pad_token_id = fields::pad_token_id_or(config, 0)?;
    let positions = Positions::From { first: pad_token_id + 1 };
    let rows = fields::position_rows(config, "max_position_embeddings", positions)?;
    let embeddings = EmbeddingsRecipe {
        word: TableRecipe { name: "word_embeddings.weight", rows: fields::size(config, "vocab_size")? },
        word_aliases: &["encoder.word_embeddings.weight"],
        word_scale: None,
        position: Some(TableRecipe { name: "encoder.position_embeddings.weight", rows }),
        has_sinusoids: false,
        positions,
        token_type: None,
        inner_projection: None,
        width: hidden_dim,
        norm: Some(sizes.norm("encoder.embeddings_layer_norm")),
        projection: None,
    };
    let mut recipe = Recipe::new(embeddings, LAYER.blocks("encoder.layers", &sizes));
    recipe.unread = &["word_embeddings.weight"];
    Ok(recipe)
}

/// ProphetNet's fields; most are the decoder's.
const FIELDS: [&str; 21] = [
    "activation_dropout",
    "activation_function",
    "attention_dropout",
    "decoder_ffn_dim",
    "decoder_layerdrop",
    "disable_ngram_loss",
    "dropout",
    "encoder_ffn_dim",
    "encoder_layerdrop",
    "eps",
    "hidden_size",
    "init_std",
    "ngram",
    "num_buckets",
    "num_decoder_attention_heads",
    "num_decoder_layers",
    "num_encoder_attention_heads",
    "num_encoder_layers",
    "num_hidden_layers",
    "relative_max_distance",
    "split_prophetnet",
];
