//! The encoder of BART (Lewis et al., 2020): <https://arxiv.org/abs/1910.13461>. BERT's order of parts under other
//! names, with positions that start at row 2 of their table. Decoders are not read.

use serde_json::{Value, json};

use super::post_norm::{LayerNames, Sizes};
use super::{Family, fields, known};
use crate::encoder::block::Order;
use crate::encoder::embeddings::{EmbeddingsRecipe, TableRecipe};
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "bart",
    model_types: &["bart"],
    parts: "the encoder alone; positions from row 2",
    examples: &["facebook/bart-base", "facebook/bart-large-mnli"],
    prefixes: &["", "model."],
    fields: &[&known::BART],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

pub(super) const LAYER: LayerNames = LayerNames {
    query: "self_attn.q_proj",
    key: "self_attn.k_proj",
    value: "self_attn.v_proj",
    attention_output: "self_attn.out_proj",
    attention_norm: "self_attn_layer_norm",
    up: "fc1",
    down: "fc2",
    output_norm: "final_layer_norm",
};

/// Hard-coded in transformers; config.json does not have it.
const EPSILON: f64 = 1e-5;

/// The differences of BART's relatives.
pub(super) struct Variant {
    pub(super) layer: LayerNames,
    /// Rows of the position table before that of a text's first token.
    pub(super) offset: u32,
    /// The field with the number of positions.
    pub(super) position_field: &'static str,
    /// Positions are computed if the file has none.
    pub(super) has_sinusoids: bool,
    pub(super) has_embedding_norm: bool,
    pub(super) order: Order,
}

pub(super) const BART: Variant = Variant {
    layer: LAYER,
    offset: 2,
    position_field: "max_position_embeddings",
    has_sinusoids: false,
    has_embedding_norm: true,
    order: Order::PostNorm,
};

fn recipe(config: &Value) -> Result<Recipe> {
    for field in ["normalize_before", "add_final_layer_norm", "static_position_embeddings"] {
        fields::only(config, field, &json!(false))?;
    }
    fields::only(config, "normalize_embedding", &json!(true))?;
    fields::only(config, "extra_pos_embeddings", &json!(BART.offset))?;
    recipe_of(config, &BART)
}

/// The encoder of BART or of a relative.
pub(super) fn recipe_of(config: &Value, variant: &Variant) -> Result<Recipe> {
    let sizes = sizes(config)?;
    let width = sizes.hidden_dim;
    let offset = variant.offset;
    let embeddings = EmbeddingsRecipe {
        word: TableRecipe { name: "shared.weight", rows: fields::size(config, "vocab_size")? },
        word_aliases: &["encoder.embed_tokens.weight"],
        word_scale: fields::flag_or(config, "scale_embedding", false)?.then(|| (width as f64).sqrt()),
        position: Some(TableRecipe {
            name: "encoder.embed_positions.weight",
            rows: fields::size(config, variant.position_field)? + offset as usize,
        }),
        has_sinusoids: variant.has_sinusoids,
        positions: Positions::From { first: offset },
        token_type: None,
        inner_projection: None,
        width,
        norm: variant.has_embedding_norm.then(|| sizes.norm("encoder.layernorm_embedding")),
        projection: None,
    };
    let mut recipe = Recipe::new(embeddings, variant.layer.blocks("encoder.layers", &sizes));
    if variant.order == Order::PreNorm {
        recipe.blocks.iter_mut().for_each(|block| block.order = Order::PreNorm);
        recipe.final_norm = Some(sizes.norm("encoder.layer_norm"));
    }
    recipe.unread = &["encoder.embed_tokens.weight", "shared.weight"];
    Ok(recipe)
}

fn sizes(config: &Value) -> Result<Sizes> {
    let hidden_dim = fields::size(config, "d_model")?;
    Ok(Sizes {
        hidden_dim,
        num_layers: fields::layers(config, "encoder_layers")?,
        num_heads: fields::heads(config, "encoder_attention_heads", ("d_model", hidden_dim))?,
        intermediate_dim: fields::size(config, "encoder_ffn_dim")?,
        epsilon: EPSILON,
        activation: fields::activation_or(config, "activation_function", "gelu")?,
    })
}
