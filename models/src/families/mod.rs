//! The families of models: how each one's config.json and weight names map onto the encoder's parts.

mod albert;
mod bart;
mod bert;
mod big_bird;
mod blenderbot;
mod convbert;
mod deberta;
mod deberta_v2;
mod distilbert;
mod electra;
mod eurobert;
mod fields;
mod gemma3;
mod known;
mod led;
mod llama;
mod longformer;
mod mbart;
mod modernbert;
mod mpnet;
mod neobert;
mod pegasus;
mod post_norm;
mod prophetnet;
mod qwen3;
mod roberta;
mod rope;
mod squeezebert;
mod t5;
mod xlm;
mod xlnet;

use serde_json::Value;

use self::fields::refused;
use crate::heads::ClassifierRecipe;
use crate::{Recipe, Result};

/// A family of models.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// The values of `model_type` in config.json that belong to it.
    pub model_types: &'static [&'static str],
    /// How it differs from the others, in a few words.
    pub parts: &'static str,
    /// Published models.
    pub examples: &'static [&'static str],
    /// The prefixes that its checkpoints put before every weight's name; the empty one comes first.
    pub(crate) prefixes: &'static [&'static str],
    /// The fields of its config.json that other families do not have.
    pub(crate) fields: &'static [&'static [&'static str]],
    pub(crate) recipe: fn(&Value) -> Result<Recipe>,
    /// The head of its models for sequence classification, by config.json.
    pub(crate) classifier: fn(&Value) -> Result<ClassifierRecipe>,
}

/// Every supported family. To add one, add a file next to this one and a line here (docs/adding-a-model.md).
pub const FAMILIES: [Family; 26] = [
    bert::FAMILY,
    roberta::FAMILY,
    distilbert::FAMILY,
    electra::FAMILY,
    albert::FAMILY,
    mpnet::FAMILY,
    deberta::FAMILY,
    deberta_v2::FAMILY,
    modernbert::FAMILY,
    bart::FAMILY,
    mbart::FAMILY,
    t5::FAMILY,
    longformer::FAMILY,
    led::FAMILY,
    pegasus::FAMILY,
    blenderbot::FAMILY,
    prophetnet::FAMILY,
    big_bird::FAMILY,
    eurobert::FAMILY,
    qwen3::FAMILY,
    gemma3::FAMILY,
    neobert::FAMILY,
    squeezebert::FAMILY,
    convbert::FAMILY,
    xlnet::FAMILY,
    xlm::FAMILY,
];

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

/// The classifier of families whose models classify by a part that nearsay does not have.
fn no_classifier(config: &Value) -> Result<ClassifierRecipe> {
    let model_type = config.get("model_type").and_then(Value::as_str).unwrap_or_default();
    let rule =
        format!("must be of a family whose models classify by their encoder alone, got `{model_type}`");
    Err(refused("model_type", rule))
}

/// Families that are published with their own code, and its class.
const PUBLISHED_AS_CODE: [(&str, &str); 2] =
    [("eurobert", "modeling_eurobert.EuroBertModel"), ("neobert", "model.NeoBERT")];

/// A repository with custom modelling code (`auto_map`) may say `model_type: bert` and still compute
/// something else, as Jina's first models do.
fn refuse_custom_code(config: &Value, model_type: &str) -> Result<()> {
    let Some(code) = config.get("auto_map").and_then(|map| map.get("AutoModel")).and_then(Value::as_str)
    else {
        return Ok(());
    };
    // The code may be in another repository: `REPOSITORY--FILE.CLASS`.
    let class = code.rsplit("--").next().unwrap_or(code);
    if PUBLISHED_AS_CODE.contains(&(model_type, class)) {
        return Ok(());
    }
    let rule = format!("must not name code of the repository's own, got `{code}` for a `{model_type}` model");
    Err(refused("auto_map.AutoModel", rule))
}

/// Tensors in checkpoints that the encoder does not need: training heads, poolers, buffers.
pub(crate) fn is_known_extra(name: &str) -> bool {
    const PARTS: [&str; 23] = [
        "pooler",
        "pred_layer",
        "cls",
        "discriminator_predictions",
        "generator_lm_head",
        "generator_predictions",
        "predictions",
        "sequence_summary",
        "sop_classifier",
        "lm_head",
        "lm_loss",
        "lm_predictions",
        "logits_proj",
        "mask_predictions",
        "vocab_transform",
        "vocab_layer_norm",
        "vocab_projector",
        "classifier",
        "classification_head",
        "decoder",
        "final_logits_bias",
        "qa_outputs",
        "position_ids",
    ];
    let last = name.rsplit('.').next();
    name.split('.').any(|part| PARTS.contains(&part)) || last == Some("token_type_ids")
}
