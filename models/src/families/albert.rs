//! ALBERT (Lan et al., 2020): <https://arxiv.org/abs/1909.11942>. Narrow embeddings, a linear layer to the
//! hidden states' width, and few blocks that many layers share.

use nearsay_kernels::Activation;
use serde_json::Value;

use super::post_norm::{Defaults, LayerNames, Sizes};
use super::{Family, bert, fields, known};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::norm::NormRecipe;
use crate::heads::{ClassifierRecipe, MaskedLanguageRecipe};
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "albert",
    model_types: &["albert"],
    parts: "positions, narrow embeddings, blocks that layers share",
    examples: &["albert/albert-base-v2", "albert/albert-xxlarge-v1"],
    prefixes: &["", "albert."],
    fields: &[&known::LAYER, &FIELDS],
    recipe,
    classifier: Some(|_| {
        Ok(ClassifierRecipe {
            is_pooler: true,
            ..ClassifierRecipe::of_first_token("pooler", Activation::Tanh, "classifier")
        })
    }),
    masked_language: Some(masked_language),
    next_token: None,
};

const LAYER: LayerNames = LayerNames {
    query: "attention.query",
    key: "attention.key",
    value: "attention.value",
    attention_output: "attention.dense",
    attention_norm: "attention.LayerNorm",
    up: "ffn",
    down: "ffn_output",
    output_norm: "full_layer_layer_norm",
};

const DEFAULTS: Defaults = Defaults { epsilon: 1e-12, activation: "gelu_new" };

fn recipe(config: &Value) -> Result<Recipe> {
    let sizes = Sizes::read(config, &DEFAULTS)?;
    let width = fields::size_or(config, "embedding_size", 128)?;
    let norm = NormRecipe { width, ..sizes.norm(bert::EMBEDDING_NORM) };
    let mut embeddings = bert::embeddings(config, Positions::FromZero, norm)?;
    let projection = LinearRecipe::new("encoder.embedding_hidden_mapping_in", [width, sizes.hidden_dim]);
    embeddings.projection = Some(projection);
    let [groups, inner] = groups(config, sizes.num_layers)?;
    let block = |group, number| {
        LAYER.block(format!("encoder.albert_layer_groups.{group}.albert_layers.{number}"), &sizes)
    };
    let blocks = (0..groups).flat_map(|group| (0..inner).map(move |number| (group, number)));
    let blocks = blocks.map(|(group, number)| block(group, number)).collect();
    // In f64, as transformers divides.
    let layers_per_group = sizes.num_layers as f64 / groups as f64;
    let group_of = |layer| (layer as f64 / layers_per_group) as usize;
    let steps = (0..sizes.num_layers).flat_map(|layer| (0..inner).map(move |number| (layer, number)));
    let steps = steps.map(|(layer, number)| group_of(layer) * inner + number).collect();
    Ok(Recipe { steps, steps_per_layer: inner, ..Recipe::new(embeddings, blocks).with_fill() })
}

/// The number of groups, of which every one has a layer, and of the blocks of each.
fn groups(config: &Value, num_layers: usize) -> Result<[usize; 2]> {
    let groups = fields::size_or(config, "num_hidden_groups", 1)?;
    if groups > num_layers.max(1) {
        let rule = format!("must be at most num_hidden_layers ({num_layers}), got {groups}");
        return Err(fields::refused("num_hidden_groups", rule));
    }
    let most = fields::MOST_LAYERS / groups;
    Ok([groups, fields::within("inner_group_num", fields::size_or(config, "inner_group_num", 1)?, 1..=most)?])
}

fn masked_language(config: &Value) -> Result<MaskedLanguageRecipe> {
    let sizes = Sizes::read(config, &DEFAULTS)?;
    let width = fields::size_or(config, "embedding_size", 128)?;
    Ok(MaskedLanguageRecipe {
        dense: LinearRecipe::new("predictions.dense", [sizes.hidden_dim, width]),
        activation: sizes.activation,
        norm: NormRecipe { width, ..sizes.norm("predictions.LayerNorm") },
        decoder: "predictions.decoder",
        biases: &["predictions.bias", "predictions.decoder.bias"],
    })
}

/// ALBERT's fields. `net_structure_type`, `gap_size` and `num_memory_blocks` are those of Google's checkpoints.
const FIELDS: [&str; 8] = [
    "classifier_dropout_prob",
    "down_scale_factor",
    "embedding_size",
    "gap_size",
    "inner_group_num",
    "net_structure_type",
    "num_hidden_groups",
    "num_memory_blocks",
];
