//! MPNet (Song et al., 2020): <https://arxiv.org/abs/2004.09297>. BERT without token types, with RoBERTa's
//! positions, and a bias by distance in T5's buckets that all layers share.

use nearsay_kernels::DistanceBuckets;
use serde_json::{Value, json};

use super::post_norm::{BERT_DEFAULTS, LayerNames, Sizes};
use super::{Family, bert, fields, known, roberta};
use crate::encoder::attention::ScoresRecipe;
use crate::encoder::distance::DistanceBiasRecipe;
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "mpnet",
    model_types: &["mpnet"],
    parts: "positions, a bias by distance",
    examples: &["sentence-transformers/all-mpnet-base-v2", "microsoft/mpnet-base"],
    prefixes: &["", "mpnet."],
    fields: &[&known::LAYER, &FIELDS],
    recipe,
    classifier: Some(|_| Ok(roberta::CLASSIFIER)),
    masked_language: Some(roberta::masked_language),
    next_token: None,
};

const LAYER: LayerNames = LayerNames {
    query: "attention.attn.q",
    key: "attention.attn.k",
    value: "attention.attn.v",
    attention_output: "attention.attn.o",
    attention_norm: "attention.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    output_norm: "output.LayerNorm",
};

/// Positions start after this padding token, whatever config.json says (`MPNetEmbeddings.padding_idx`).
const PADDING: u32 = 1;

/// transformers sizes the table by config.json, and sorts distances into these buckets anyway.
const BUCKETS: usize = 32;
const FARTHEST: usize = 128;

fn recipe(config: &Value) -> Result<Recipe> {
    fields::only(config, "relative_attention_num_buckets", &json!(BUCKETS))?;
    let sizes = Sizes::read(config, &BERT_DEFAULTS)?;
    let positions = Positions::AfterPadding { pad_token_id: PADDING };
    let mut embeddings = bert::embeddings(config, positions, sizes.norm(bert::EMBEDDING_NORM))?;
    embeddings.token_type = None;
    let mut blocks = LAYER.blocks(bert::LAYERS, &sizes);
    blocks.iter_mut().for_each(|block| block.attention.scores = ScoresRecipe::Bias(0));
    let bias = DistanceBiasRecipe::Table {
        name: "encoder.relative_attention_bias.weight".to_owned(),
        rows: BUCKETS,
        buckets: DistanceBuckets::t5(BUCKETS, FARTHEST, true)?,
        num_heads: sizes.num_heads,
    };
    Ok(Recipe { biases: vec![bias], ..Recipe::new(embeddings, blocks).with_fill() })
}

/// MPNet's fields.
const FIELDS: [&str; 1] = ["relative_attention_num_buckets"];
