//! Shared code of this crate's tests.

use serde_json::{Value, json};

use crate::Recipe;

/// The config.json of a BERT of two layers with a vocabulary of 20 and 8 positions.
pub(crate) fn tiny_config() -> Value {
    json!({
        "model_type": "bert",
        "vocab_size": 20,
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 8,
    })
}

pub(crate) fn tiny() -> Recipe {
    Recipe::read(&tiny_config()).unwrap()
}
