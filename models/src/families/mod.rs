//! The families of models: how each one's config.json and weight names map onto the encoder's parts.

pub(crate) mod bert;
mod distilbert;
mod fields;
mod known;
mod roberta;

use serde_json::Value;

use crate::config::refused;
use crate::{EncoderConfig, Result};

/// Names of an encoder's weights in a checkpoint, below the checkpoint's prefix.
///
/// Names of linear layers and norms omit `.weight` and `.bias`. Names of a layer's parts are relative to the
/// layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WeightNames {
    pub(crate) word_embeddings: &'static str,
    pub(crate) position_embeddings: &'static str,
    pub(crate) token_type_embeddings: Option<&'static str>,
    pub(crate) embedding_norm: &'static str,
    /// The layers are named `layers.0`, `layers.1`, ..
    pub(crate) layers: &'static str,
    pub(crate) query: &'static str,
    pub(crate) key: &'static str,
    pub(crate) value: &'static str,
    pub(crate) attention_output: &'static str,
    pub(crate) attention_norm: &'static str,
    pub(crate) up: &'static str,
    pub(crate) down: &'static str,
    pub(crate) output_norm: &'static str,
}

/// A family of models.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// The values of `model_type` in config.json that belong to it.
    pub model_types: &'static [&'static str],
    /// The prefixes that its checkpoints put before every weight's name; the empty one comes first.
    pub(crate) prefixes: &'static [&'static str],
    /// The fields of its config.json that other families do not have.
    pub(crate) fields: &'static [&'static str],
    pub(crate) config: fn(&Value) -> Result<EncoderConfig>,
    pub(crate) names: &'static WeightNames,
}

/// Every supported family. To add one, add a file next to this one and a line here (docs/adding-a-model.md).
pub const FAMILIES: [Family; 3] = [bert::FAMILY, roberta::FAMILY, distilbert::FAMILY];

/// The family that config.json names.
///
/// # Errors
/// If it names an unsupported family or a variant that computes something else.
pub(crate) fn find(config: &Value) -> Result<Family> {
    let Some(model_type) = config.get("model_type").and_then(Value::as_str) else {
        return Err(refused("model_type", format!("must be one of {}, got none", supported())));
    };
    refuse_custom_code(config, model_type)?;
    known::refuse_other_models(config)?;
    FAMILIES
        .into_iter()
        .find(|family| family.model_types.contains(&model_type))
        .ok_or_else(|| refused("model_type", format!("must be one of {}, got `{model_type}`", supported())))
}

fn supported() -> String {
    FAMILIES.iter().flat_map(|family| family.model_types).copied().collect::<Vec<_>>().join(", ")
}

/// A repository with custom modelling code (`auto_map`) may say `model_type: bert` and still compute
/// something else, as Jina's first models do.
fn refuse_custom_code(config: &Value, model_type: &str) -> Result<()> {
    let Some(code) = config.get("auto_map").and_then(|map| map.get("AutoModel")).and_then(Value::as_str)
    else {
        return Ok(());
    };
    let rule = format!("must not name code of the repository's own, got `{code}` for a `{model_type}` model");
    Err(refused("auto_map.AutoModel", rule))
}

/// Tensors in checkpoints that the encoder does not need: training heads, poolers, buffers.
pub(crate) fn is_known_extra(name: &str) -> bool {
    const PARTS: [&str; 9] = [
        "pooler",
        "cls",
        "lm_head",
        "vocab_transform",
        "vocab_layer_norm",
        "vocab_projector",
        "classifier",
        "qa_outputs",
        "position_ids",
    ];
    let last = name.rsplit('.').next();
    name.split('.').any(|part| PARTS.contains(&part)) || last == Some("token_type_ids")
}
