//! Which layers attend to all tokens, where others have a window: `layer_types` of transformers 5.

use serde_json::Value;

use super::fields;
use crate::Result;

/// Whether each layer attends to all tokens, by `layer_types`; none if there is no such field.
pub(super) fn full_layers(config: &Value, num_layers: usize) -> Result<Option<Vec<bool>>> {
    const TYPES: &str = "layer_types";
    let Some(types) = config.get(TYPES).filter(|types| !types.is_null()) else { return Ok(None) };
    let rule = || {
        fields::refused(
            TYPES,
            format!(
                "must list full_attention or sliding_attention for each of the {num_layers} layers, got {types}"
            ),
        )
    };
    let full = |value: &Value| match value.as_str() {
        Some("full_attention") => Ok(true),
        Some("sliding_attention") => Ok(false),
        _ => Err(rule()),
    };
    let types: Vec<bool> = types.as_array().ok_or_else(rule)?.iter().map(full).collect::<Result<_>>()?;
    if types.len() == num_layers { Ok(Some(types)) } else { Err(rule()) }
}
