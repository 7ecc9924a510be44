//! SqueezeBERT (Iandola et al., 2020): <https://arxiv.org/abs/2006.11316>. BERT whose linear layers divide input and output into
//! groups.

use serde_json::{Value, json};

use super::post_norm::{BERT_DEFAULTS, LayerNames, Sizes};
use super::{Family, bert, fields, known};
use crate::encoder::feed_forward::{FeedForwardKind, FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::{LinearRecipe, Stored};
use crate::encoder::query_key_value::QueryKeyValueRecipe;
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "squeezebert",
    model_types: &["squeezebert"],
    parts: "as bert, linear layers in groups",
    examples: &["squeezebert/squeezebert-uncased"],
    prefixes: &["", "transformer."],
    fields: &[&known::LAYER, &FIELDS],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

const LAYER: LayerNames = LayerNames {
    query: "attention.query",
    key: "attention.key",
    value: "attention.value",
    attention_output: "post_attention.conv1d",
    attention_norm: "post_attention.layernorm",
    up: "intermediate.conv1d",
    down: "output.conv1d",
    output_norm: "output.layernorm",
};

fn recipe(config: &Value) -> Result<Recipe> {
    let sizes = Sizes::read(config, &BERT_DEFAULTS)?;
    fields::only(config, "embedding_size", &json!(sizes.hidden_dim))?;
    let embeddings = bert::embeddings(config, Positions::FromZero, sizes.norm(bert::EMBEDDING_NORM))?;
    let mut blocks = LAYER.blocks("encoder.layers", &sizes);
    for block in &mut blocks {
        if let QueryKeyValueRecipe::Separate(linears) = &mut block.attention.query_key_value {
            for (linear, field) in linears.iter_mut().zip(["q_groups", "k_groups", "v_groups"]) {
                divide(config, linear, field, 4)?;
            }
        }
        divide(config, &mut block.attention.output, "post_attention_groups", 1)?;
        if let FeedForwardKind::Single(FeedForwardRecipe { up: UpRecipe::Plain(up), down, .. }) =
            &mut block.feed_forward
        {
            divide(config, up, "intermediate_groups", 4)?;
            divide(config, down, "output_groups", 4)?;
        }
    }
    Ok(Recipe::new(embeddings, blocks))
}

/// Divides a linear layer into the groups that `field` states.
fn divide(config: &Value, linear: &mut LinearRecipe, field: &str, default: usize) -> Result<()> {
    let groups = fields::size_or(config, field, default)?;
    let LinearRecipe { in_dim, out_dim, .. } = *linear;
    if !in_dim.is_multiple_of(groups) || !out_dim.is_multiple_of(groups) {
        let rule = format!("must divide the widths {in_dim} and {out_dim}, got {groups}");
        return Err(fields::refused(field, rule));
    }
    linear.stored = Stored::Blocks { groups };
    Ok(())
}

/// SqueezeBERT's fields.
const FIELDS: [&str; 7] = [
    "embedding_size",
    "intermediate_groups",
    "k_groups",
    "output_groups",
    "post_attention_groups",
    "q_groups",
    "v_groups",
];
