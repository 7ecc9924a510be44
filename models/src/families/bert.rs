//! BERT (Devlin et al., 2019): <https://arxiv.org/abs/1810.04805>.

use serde_json::Value;

use super::{Family, WeightNames, fields, known};
use crate::config::BERT_NAMES;
use crate::{EncoderConfig, Positions, Result};

pub(super) const FAMILY: Family = Family {
    name: "bert",
    model_types: &["bert"],
    prefixes: &["", "bert.", "model.", "model.bert."],
    fields: &known::BERT,
    config: read_config,
    names: &NAMES,
};

pub(crate) const NAMES: WeightNames = WeightNames {
    word_embeddings: "embeddings.word_embeddings.weight",
    position_embeddings: "embeddings.position_embeddings.weight",
    token_type_embeddings: Some("embeddings.token_type_embeddings.weight"),
    embedding_norm: "embeddings.LayerNorm",
    layers: "encoder.layer",
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    attention_output: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    output_norm: "output.LayerNorm",
};

fn read_config(config: &Value) -> Result<EncoderConfig> {
    read_with(config, Positions::FromZero)?.validate(&BERT_NAMES)
}

/// The fields that BERT and RoBERTa share, with BERT's defaults.
pub(super) fn read_with(config: &Value, positions: Positions) -> Result<EncoderConfig> {
    Ok(EncoderConfig {
        vocab_size: fields::size(config, BERT_NAMES.vocab_size)?,
        hidden_dim: fields::size(config, BERT_NAMES.hidden_dim)?,
        num_layers: fields::size(config, BERT_NAMES.num_layers)?,
        num_heads: fields::size(config, BERT_NAMES.num_heads)?,
        intermediate_dim: fields::size(config, BERT_NAMES.intermediate_dim)?,
        max_positions: fields::size(config, BERT_NAMES.max_positions)?,
        type_vocab_size: fields::size_or(config, "type_vocab_size", 2)?,
        layer_norm_epsilon: fields::number_or(config, "layer_norm_eps", 1e-12)?,
        activation: fields::activation(config, "hidden_act")?,
        positions,
    })
}
