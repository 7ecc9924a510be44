//! DeBERTa-v2 and v3 (He et al., 2021, 2023): <https://arxiv.org/abs/2111.09543>. Distances in buckets, vectors
//! by distance from the layers' own query and key projections, and in the largest models a convolution.

use nearsay_kernels::DistanceBuckets;
use serde_json::{Value, json};

use super::deberta::{self, Relative};
use super::post_norm::{LayerNames, Sizes};
use super::{Family, bert, fields, known};
use crate::encoder::attention::ScoresRecipe;
use crate::encoder::convolution::ConvolutionRecipe;
use crate::encoder::distance::{DistanceEmbeddingsRecipe, DistanceVectorsRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "deberta-v2",
    model_types: &["deberta-v2"],
    parts: "vectors by distance in buckets, a convolution",
    examples: &["microsoft/deberta-v3-base", "microsoft/deberta-v2-xxlarge-mnli"],
    prefixes: &["", "deberta."],
    fields: &[&known::LAYER, &known::DEBERTA],
    recipe,
    classifier: Some(deberta::classifier),
    masked_language: None,
    next_token: None,
};

const LAYER: LayerNames = LayerNames {
    query: "attention.self.query_proj",
    key: "attention.self.key_proj",
    value: "attention.self.value_proj",
    ..bert::LAYER
};

fn recipe(config: &Value) -> Result<Recipe> {
    let sizes = Sizes::read(config, &deberta::DEFAULTS)?;
    let head_dim = sizes.hidden_dim / sizes.num_heads;
    fields::only(config, "attention_head_size", &json!(head_dim))?;
    let relative = Relative::read(config)?;
    let vectors = vectors(config, &relative, sizes.hidden_dim)?;
    let mut blocks = LAYER.blocks(bert::LAYERS, &sizes);
    for attention in blocks.iter_mut().map(|block| &mut block.attention) {
        attention.scale = Some(relative.scale(head_dim));
        if relative.has_vectors() {
            attention.scores = ScoresRecipe::Vectors(vectors.clone());
        }
    }
    let mut recipe = Recipe::new(deberta::embeddings(config, &sizes)?, blocks);
    recipe.stated_tokens = Some(relative.positions);
    recipe.convolution = convolution(config, &sizes)?;
    if relative.is_on {
        let (rows, buckets) = distances(config, &relative)?;
        let has_norm = fields::words(config, "norm_rel_ebd")?.iter().any(|word| word == "layer_norm");
        recipe.distances = Some(buckets);
        recipe.distance_embeddings = Some(DistanceEmbeddingsRecipe {
            name: deberta::REL_EMBEDDINGS,
            rows,
            width: sizes.hidden_dim,
            norm: has_norm.then(|| sizes.norm("encoder.LayerNorm")),
        });
    }
    Ok(recipe)
}

/// Vectors from the layer's own projections, or from two of their own.
fn vectors(config: &Value, relative: &Relative, hidden: usize) -> Result<DistanceVectorsRecipe> {
    let is_shared = fields::flag_or(config, "share_att_key", false)?;
    let [key, query] = match is_shared {
        true => [LAYER.key, LAYER.query],
        false => ["attention.self.pos_key_proj", "attention.self.pos_query_proj"],
    };
    let linear = |name| LinearRecipe::new(name, [hidden, hidden]);
    Ok(DistanceVectorsRecipe::Projected {
        for_queries: relative.by_queries.then(|| linear(key)),
        for_keys: relative.by_keys.then(|| linear(query)),
        is_shared,
    })
}

/// The rows of the table of distances, and which row a distance has.
fn distances(config: &Value, relative: &Relative) -> Result<(usize, DistanceBuckets)> {
    let farthest = relative.farthest;
    Ok(match fields::size_if_positive(config, "position_buckets")? {
        Some(buckets) => {
            fields::within("position_buckets", buckets, 1..=MOST_BUCKETS)?;
            fields::within("max_relative_positions", farthest, 1..=FARTHEST)?;
            (2 * buckets, DistanceBuckets::deberta_v2(buckets, farthest)?)
        }
        None => (2 * farthest, DistanceBuckets::clamped(farthest, 2 * farthest)?),
    })
}

fn convolution(config: &Value, sizes: &Sizes) -> Result<Option<ConvolutionRecipe>> {
    let Some(taps) = fields::size_if_positive(config, "conv_kernel_size")? else { return Ok(None) };
    let groups = fields::size_or(config, "conv_groups", 1)?;
    if taps.is_multiple_of(2) || taps > MOST_TAPS {
        let rule = format!("must be odd and at most {MOST_TAPS}, got {taps}");
        return Err(fields::refused("conv_kernel_size", rule));
    }
    if !sizes.hidden_dim.is_multiple_of(groups) {
        let rule = format!("must divide hidden_size ({}), got {groups}", sizes.hidden_dim);
        return Err(fields::refused("conv_groups", rule));
    }
    Ok(Some(ConvolutionRecipe {
        name: "encoder.conv.conv",
        taps,
        groups,
        activation: fields::activation_or(config, "conv_act", "tanh")?,
        norm: sizes.norm("encoder.conv.LayerNorm"),
    }))
}

/// The limits of exact buckets, which take time by both; published models have 256 and 512.
const MOST_BUCKETS: usize = 512;
const FARTHEST: usize = 8192;

/// A published model has 3.
const MOST_TAPS: usize = 255;
