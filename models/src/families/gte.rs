//! GTE's encoders of 2024 (Zhang et al., "mGTE", 2024: <https://arxiv.org/abs/2407.19669>), `new` by the code of
//! their repositories and `gte` by transformers 5: post-norm, rotary positions that are scaled for long texts, and a
//! gated feed-forward part.

use serde_json::{Value, json};

use super::fields::{self, refused};
use super::post_norm::{BERT_DEFAULTS, RotaryParts, Sizes};
use super::{Family, bert, known, native, rope};
use crate::encoder::block::BlockRecipe;
use crate::encoder::feed_forward::{FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::query_key_value::QueryKeyValueRecipe;
use crate::encoder::recipe::Alternative;
use crate::encoder::rotary::{RotaryRecipe, RotaryScaling};
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "gte",
    model_types: &["new", "gte"],
    parts: "rotary positions, gates",
    examples: &[
        "Alibaba-NLP/gte-multilingual-base",
        "Alibaba-NLP/gte-base-en-v1.5",
        "Snowflake/snowflake-arctic-embed-m-v2.0",
    ],
    prefixes: &["", "new.", "gte.", "model."],
    fields: &[&known::LAYER, &FIELDS],
    recipe,
    classifier: Some(|_| Ok(bert::CLASSIFIER)),
    masked_language: None,
    next_token: None,
};

fn recipe(config: &Value) -> Result<Recipe> {
    fields::only(config, "position_embedding_type", &json!("rope"))?;
    fields::only(config, "layer_norm_type", &json!("layer_norm"))?;
    fields::only(config, "logn_attention_scale", &json!(false))?;
    fields::only(config, "pack_qkv", &json!(true))?;
    let sizes = Sizes::read(config, &BERT_DEFAULTS)?;
    let mut embeddings = bert::embeddings(config, Positions::None, sizes.norm(bert::EMBEDDING_NORM))?;
    embeddings.token_type = bert::token_types(config, 1)?;
    let mut recipe = Recipe::new(embeddings, blocks(&sizes));
    recipe.rotary = vec![rotary(config, &sizes)?];
    recipe.stated_tokens = Some(fields::size_or(config, "max_position_embeddings", 8192)?);
    let native = Recipe { blocks: native::blocks(&sizes, true), ..recipe.clone() };
    recipe.alternatives.push(Alternative { tensor: native::TENSOR, rows: None, recipe: native });
    Ok(recipe)
}

fn blocks(sizes: &Sizes) -> Vec<BlockRecipe> {
    let [hidden, inner] = [sizes.hidden_dim, sizes.intermediate_dim];
    let parts = RotaryParts {
        query_key_value: QueryKeyValueRecipe::Joined(LinearRecipe::new(
            "attention.qkv_proj",
            [hidden, 3 * hidden],
        )),
        output: LinearRecipe::new("attention.o_proj", [hidden, hidden]),
        attention_norm: "attn_ln",
        feed_forward: FeedForwardRecipe {
            up: UpRecipe::UpThenGate(LinearRecipe::without_bias("mlp.up_gate_proj", [hidden, 2 * inner])),
            down: LinearRecipe::new("mlp.down_proj", [inner, hidden]),
            activation: sizes.activation,
        },
        output_norm: "mlp_ln",
    };
    sizes.rotary_blocks(bert::LAYERS, &parts)
}

/// `rope_parameters`, or `rope_theta` and `rope_scaling` of the older code, whose scaling is on for texts of any
/// length.
fn rotary(config: &Value, sizes: &Sizes) -> Result<RotaryRecipe> {
    let is_new = config.get("model_type") == Some(&json!("new"));
    let default = if is_new { 10_000.0 } else { 160_000.0 };
    if let Some(rotary) = rope::parameters(config, sizes, default)? {
        return Ok(rotary);
    }
    let rotary = rope::unscaled(sizes, rope::theta(config, "rope_theta", default)?)?;
    let Some(scaling) = config.get("rope_scaling").filter(|value| !value.is_null()) else {
        return Ok(rotary);
    };
    const SCALING: &str = "rope_scaling";
    let kind = fields::text_or(scaling, "type", fields::text_or(scaling, "rope_type", "none")?)?;
    if kind != "ntk" {
        return Err(refused(SCALING, format!("must have type ntk, got `{kind}`")));
    }
    let factor = rope::factor(scaling).map_err(|error| rope::inside(SCALING, error))?;
    let exponent =
        fields::number_or(scaling, "mixed_b", 0.0).map_err(|error| rope::inside(SCALING, error))?;
    let scaling = match scaling.get("mixed_b") {
        None | Some(Value::Null) => RotaryScaling::Ntk { factor },
        Some(_) if (0.0..=1.0).contains(&exponent) => RotaryScaling::Mixed { factor, exponent },
        Some(_) => return Err(refused("rope_scaling.mixed_b", format!("must be 0 to 1, got {exponent}"))),
    };
    Ok(RotaryRecipe { scaling, ..rotary })
}

/// GTE's fields, besides a layer's.
const FIELDS: [&str; 9] = [
    "layer_norm_type",
    "logn_attention_clip1",
    "logn_attention_scale",
    "pack_qkv",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "unpad_inputs",
    "use_memory_efficient_attention",
];
