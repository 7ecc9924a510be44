//! RoBERTa (Liu et al., 2019: <https://arxiv.org/abs/1907.11692>), and XLM-RoBERTa and CamemBERT, which
//! differ from it only in their tokenizers. The computation is BERT's; positions start after the padding
//! token's id.

use nearsay_kernels::Activation;
use serde_json::Value;

use super::post_norm::{BERT_DEFAULTS, Sizes};
use super::{Family, bert, fields, known};
use crate::encoder::linear::LinearRecipe;
use crate::heads::{ClassifierRecipe, MaskedLanguageRecipe};
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "roberta",
    model_types: &["roberta", "xlm-roberta", "camembert"],
    parts: "positions that begin after the padding token's",
    examples: &["FacebookAI/roberta-large", "intfloat/multilingual-e5-base", "BAAI/bge-m3"],
    prefixes: &["", "roberta.", "xlm-roberta.", "camembert.", "model.", "model.roberta."],
    fields: &[&known::LAYER, &known::BERT],
    recipe,
    classifier: Some(|_| Ok(CLASSIFIER)),
    masked_language: Some(masked_language),
    next_token: None,
};

/// Also of MPNet and, with another activation, ELECTRA.
pub(super) const CLASSIFIER: ClassifierRecipe =
    ClassifierRecipe::of_first_token("classifier.dense", Activation::Tanh, "classifier.out_proj");

pub(super) fn recipe(config: &Value) -> Result<Recipe> {
    let pad_token_id = fields::pad_token_id_or(config, 1)?;
    Ok(bert::recipe_with(config, Positions::AfterPadding { pad_token_id })?.with_fill())
}

/// Also of MPNet. The activation is GELU, whatever that of the layers.
pub(super) fn masked_language(config: &Value) -> Result<MaskedLanguageRecipe> {
    let sizes = Sizes::read(config, &BERT_DEFAULTS)?;
    let hidden = sizes.hidden_dim;
    Ok(MaskedLanguageRecipe {
        dense: LinearRecipe::new("lm_head.dense", [hidden, hidden]),
        activation: Activation::Gelu,
        norm: sizes.norm("lm_head.layer_norm"),
        decoder: "lm_head.decoder",
        biases: &["lm_head.bias", "lm_head.decoder.bias"],
    })
}
