//! The families of models: how each one's config.json and weight names map onto the encoder's parts.

mod albert;
mod bart;
mod bert;
mod big_bird;
mod blenderbot;
mod convbert;
mod custom_code;
mod deberta;
mod deberta_v2;
mod distilbert;
mod electra;
mod eurobert;
mod fields;
mod gemma3;
mod gte;
mod jina_bert;
mod jina_v3;
mod known;
mod layer_types;
mod led;
mod llama;
mod longformer;
mod mbart;
mod modernbert;
mod mpnet;
mod native;
mod neobert;
mod nomic_bert;
mod nomic_fields;
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

pub(crate) use self::fields::flag_or;
use self::fields::refused;
use crate::heads::{ClassifierRecipe, HeadKind, MaskedLanguageRecipe, NextTokenRecipe};
use crate::{Error, Recipe, Result};

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
    /// The head of its models for sequence classification, by config.json, if it is read.
    pub(crate) classifier: Option<fn(&Value) -> Result<ClassifierRecipe>>,
    /// The head of its masked-language models, by config.json, if it is read.
    pub(crate) masked_language: Option<fn(&Value) -> Result<MaskedLanguageRecipe>>,
    /// The head of its causal language models, by config.json, if it is read.
    pub(crate) next_token: Option<fn(&Value) -> Result<NextTokenRecipe>>,
}

impl Family {
    /// The heads of its models that are read, besides poolings.
    pub fn heads(&self) -> Vec<HeadKind> {
        let classification = self.classifier.map(|_| HeadKind::Classification);
        let masked_language = self.masked_language.map(|_| HeadKind::MaskedLanguage);
        let next_token = self.next_token.map(|_| HeadKind::NextToken);
        [classification, masked_language, next_token].into_iter().flatten().collect()
    }
}

/// Every supported family. To add one, add a file next to this one and a line here (docs/adding-a-model.md).
pub const FAMILIES: [Family; 30] = [
    bert::FAMILY,
    roberta::FAMILY,
    distilbert::FAMILY,
    electra::FAMILY,
    albert::FAMILY,
    mpnet::FAMILY,
    deberta::FAMILY,
    deberta_v2::FAMILY,
    modernbert::FAMILY,
    gte::FAMILY,
    nomic_bert::FAMILY,
    jina_bert::FAMILY,
    jina_v3::FAMILY,
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

/// Families whose `model_type` is another's, by their `position_embedding_type`.
const BY_POSITION_TYPE: [(&str, Family); 2] = [("alibi", jina_bert::FAMILY), ("rotary", jina_v3::FAMILY)];

/// The family that config.json names.
///
/// # Errors
/// If it names an unsupported family or a variant that computes something else.
pub(crate) fn find(config: &Value) -> Result<Family> {
    let Some(model_type) = config.get("model_type").and_then(Value::as_str) else {
        return Err(refused("model_type", format!("must be one of {}, got none", supported())));
    };
    let position_type = config.get("position_embedding_type").and_then(Value::as_str);
    let by_type = BY_POSITION_TYPE.into_iter().filter(|(name, _)| Some(*name) == position_type);
    let mut families = by_type.map(|(_, family)| family).chain(FAMILIES);
    let family = families.find(|family| family.model_types.contains(&model_type));
    let Some(family) = family else {
        let rule = format!("must be one of {}, got `{model_type}`", supported());
        return Err(refused("model_type", rule));
    };
    custom_code::check(config, &family)?;
    known::refuse_other_models(config, &family)?;
    Ok(family)
}

fn supported() -> String {
    let types = FAMILIES.iter().flat_map(|family| family.model_types).copied();
    let mut distinct = Vec::new();
    for model_type in types {
        if !distinct.contains(&model_type) {
            distinct.push(model_type);
        }
    }
    distinct.join(", ")
}

/// The error for a head that the config.json's family does not have.
pub(crate) fn no_such_head(config: &Value, head: HeadKind) -> Error {
    let model_type = config.get("model_type").and_then(Value::as_str).unwrap_or_default();
    let families = FAMILIES.iter().filter(|family| family.heads().contains(&head));
    let families: Vec<&str> = families.map(|family| family.name).collect();
    let (head, families) = (head.name(), families.join(", "));
    let rule = format!("must be a family with a supported {head} head ({families}), got `{model_type}`");
    refused("model_type", rule)
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
