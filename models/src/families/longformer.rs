//! Longformer (Beltagy, Peters and Cohan, 2020): <https://arxiv.org/abs/2004.05150>. RoBERTa whose tokens attend to
//! their neighbours only. No token attends to all others, as when transformers is given no global mask.

use serde_json::Value;

use super::{Family, fields, known, roberta};
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "longformer",
    model_types: &["longformer"],
    parts: "as roberta, with windows",
    examples: &["allenai/longformer-base-4096"],
    prefixes: &["", "longformer."],
    fields: &[&known::LAYER, &FIELDS],
    recipe,
    // Their first token attends to all others.
    classifier: None,
    masked_language: None,
    next_token: None,
};

fn recipe(config: &Value) -> Result<Recipe> {
    let mut recipe = roberta::recipe(config)?;
    recipe.takes_fill = false;
    set_windows(config, &mut recipe)?;
    Ok(recipe)
}

/// The window of every layer: tokens on both sides, an even number, or a list of one per layer.
pub(super) fn set_windows(config: &Value, recipe: &mut Recipe) -> Result<()> {
    const FIELD: &str = "attention_window";
    let count = recipe.blocks.len();
    let stated = config.get(FIELD).cloned().unwrap_or_else(|| 512.into());
    let broken = || {
        let rule = format!("must be an even number of at least 2, or {count} of them, got {stated}");
        fields::refused(FIELD, rule)
    };
    let window = |value: &Value| {
        let window = value.as_u64().filter(|window| *window >= 2 && window.is_multiple_of(2));
        Ok(window.ok_or_else(broken)? as usize)
    };
    let windows: Vec<usize> = match &stated {
        Value::Array(windows) => windows.iter().map(window).collect::<Result<_>>()?,
        one => vec![window(one)?; count],
    };
    if windows.len() != count {
        return Err(broken());
    }
    for (block, window) in recipe.blocks.iter_mut().zip(windows) {
        block.attention.window = Some(window / 2);
    }
    recipe.unread = GLOBAL;
    Ok(())
}

/// Projections of tokens that attend to all others, and of BART's relatives the other name of the word table.
const GLOBAL: &[&str] = &[
    "query_global.weight",
    "query_global.bias",
    "key_global.weight",
    "key_global.bias",
    "value_global.weight",
    "value_global.bias",
    "shared.weight",
    "encoder.embed_tokens.weight",
];

/// Longformer's fields: BERT's and two of its own.
const FIELDS: [&str; 3] = ["attention_window", "ignore_attention_mask", "onnx_export"];
