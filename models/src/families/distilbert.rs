//! DistilBERT (Sanh et al., 2019): <https://arxiv.org/abs/1910.01108>. BERT without token types and with
//! different names; `hidden_dim` in its config.json is the intermediate size of other families.

use serde_json::Value;

use super::{Family, WeightNames, fields, known};
use crate::config::DISTILBERT_NAMES;
use crate::{EncoderConfig, Positions, Result};

pub(super) const FAMILY: Family = Family {
    name: "distilbert",
    model_types: &["distilbert"],
    prefixes: &["", "distilbert.", "model.", "model.distilbert."],
    fields: &known::DISTILBERT,
    config: read_config,
    names: &NAMES,
};

const NAMES: WeightNames = WeightNames {
    word_embeddings: "embeddings.word_embeddings.weight",
    position_embeddings: "embeddings.position_embeddings.weight",
    token_type_embeddings: None,
    embedding_norm: "embeddings.LayerNorm",
    layers: "transformer.layer",
    query: "attention.q_lin",
    key: "attention.k_lin",
    value: "attention.v_lin",
    attention_output: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    up: "ffn.lin1",
    down: "ffn.lin2",
    output_norm: "output_layer_norm",
};

/// Hard-coded in transformers; config.json does not have it.
const LAYER_NORM_EPSILON: f64 = 1e-12;

fn read_config(config: &Value) -> Result<EncoderConfig> {
    let names = &DISTILBERT_NAMES;
    let config = EncoderConfig {
        vocab_size: fields::size(config, names.vocab_size)?,
        hidden_dim: fields::size(config, names.hidden_dim)?,
        num_layers: fields::size(config, names.num_layers)?,
        num_heads: fields::size(config, names.num_heads)?,
        intermediate_dim: fields::size(config, names.intermediate_dim)?,
        max_positions: fields::size(config, names.max_positions)?,
        type_vocab_size: 0,
        layer_norm_epsilon: LAYER_NORM_EPSILON,
        activation: fields::activation(config, "activation")?,
        positions: Positions::FromZero,
    };
    config.validate(names)
}
