//! RoBERTa (Liu et al., 2019: <https://arxiv.org/abs/1907.11692>), and XLM-RoBERTa and CamemBERT, which
//! differ from it only in their tokenizers. The computation is BERT's; positions start after the padding
//! token's id.

use serde_json::Value;

use super::{Family, bert, fields, known};
use crate::config::{BERT_NAMES, refused};
use crate::{EncoderConfig, Positions, Result};

pub(super) const FAMILY: Family = Family {
    name: "roberta",
    model_types: &["roberta", "xlm-roberta", "camembert"],
    prefixes: &["", "roberta.", "xlm-roberta.", "camembert.", "model.", "model.roberta."],
    fields: &known::BERT,
    config: read_config,
    names: &bert::NAMES,
};

fn read_config(config: &Value) -> Result<EncoderConfig> {
    let pad_token_id = fields::size_or(config, "pad_token_id", 1)?;
    let pad_token_id = u32::try_from(pad_token_id)
        .ok()
        .filter(|&id| id < u32::MAX)
        .ok_or_else(|| refused("pad_token_id", format!("must be below 2^32 - 1, got {pad_token_id}")))?;
    bert::read_with(config, Positions::AfterPadding { pad_token_id })?.validate(&BERT_NAMES)
}
