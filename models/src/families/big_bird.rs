//! BigBird (Zaheer et al., 2020): <https://arxiv.org/abs/2007.14062>, up to the length at which transformers attends to
//! all tokens: BERT's computation. Beyond it attention is sparse and random, which is not supported.

use nearsay_kernels::Activation;
use serde_json::Value;

use super::post_norm::{Defaults, Sizes};
use super::{Family, bert, fields, known};
use crate::encoder::query_key_value::QueryKeyValueRecipe;
use crate::heads::ClassifierRecipe;
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "big_bird",
    model_types: &["big_bird"],
    parts: "as bert, up to the length of full attention",
    examples: &["google/bigbird-roberta-base"],
    prefixes: &["", "bert."],
    fields: &[&known::LAYER, &FIELDS],
    recipe,
    classifier: Some(|config| {
        Ok(ClassifierRecipe::of_first_token("classifier.dense", activation(config)?, "classifier.out_proj"))
    }),
    masked_language: None,
    next_token: None,
};

fn activation(config: &Value) -> Result<Activation> {
    fields::activation_or(config, "hidden_act", "gelu_new")
}

fn recipe(config: &Value) -> Result<Recipe> {
    let sizes = Sizes::read(config, &Defaults { epsilon: 1e-12, activation: "gelu_new" })?;
    let mut embeddings = bert::embeddings(config, Positions::FromZero, sizes.norm(bert::EMBEDDING_NORM))?;
    if fields::flag_or(config, "rescale_embeddings", false)? {
        embeddings.word_scale = Some((sizes.hidden_dim as f64).sqrt());
    }
    let mut recipe = Recipe::new(embeddings, bert::LAYER.blocks(bert::LAYERS, &sizes));
    if !fields::flag_or(config, "use_bias", true)? {
        for block in &mut recipe.blocks {
            if let QueryKeyValueRecipe::Separate(linears) = &mut block.attention.query_key_value {
                linears.iter_mut().for_each(|linear| linear.has_bias = false);
            }
        }
    }
    if fields::text_or(config, "attention_type", "block_sparse")? != "original_full" {
        let random = fields::count_or(config, "num_random_blocks", 3)?;
        let full = 5_usize.saturating_add(random.saturating_mul(2));
        recipe.limit_tokens(full.saturating_mul(fields::size_or(config, "block_size", 64)?));
    }
    Ok(recipe)
}

/// BigBird's fields.
const FIELDS: [&str; 6] = [
    "attention_type",
    "block_size",
    "gradient_checkpointing",
    "num_random_blocks",
    "rescale_embeddings",
    "use_bias",
];
