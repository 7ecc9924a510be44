//! DeBERTa (He et al., 2021): <https://arxiv.org/abs/2006.03654>. BERT whose scores have products with vectors by
//! distance, made from one table of distances; query, key and value are stored head by head.

use nearsay_kernels::DistanceBuckets;
use serde_json::{Value, json};

use super::post_norm::{Defaults, Sizes};
use super::{Family, bert, fields, known};
use crate::encoder::attention::ScoresRecipe;
use crate::encoder::distance::{DistanceEmbeddingsRecipe, DistanceVectorsRecipe};
use crate::encoder::embeddings::EmbeddingsRecipe;
use crate::encoder::linear::LinearRecipe;
use crate::encoder::query_key_value::{QueryKeyValueRecipe, RotaryPairs};
use crate::heads::ClassifierRecipe;
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "deberta",
    model_types: &["deberta"],
    parts: "vectors by distance",
    examples: &["microsoft/deberta-base", "microsoft/deberta-xlarge-mnli"],
    prefixes: &["", "deberta."],
    fields: &[&known::LAYER, &known::DEBERTA],
    recipe,
    classifier: Some(classifier),
    masked_language: None,
    next_token: None,
};

/// The pooler of all versions.
pub(super) fn classifier(config: &Value) -> Result<ClassifierRecipe> {
    Ok(ClassifierRecipe::of_first_token(
        "pooler.dense",
        fields::activation_or(config, "pooler_hidden_act", "gelu")?,
        "classifier",
    ))
}

pub(super) const DEFAULTS: Defaults = Defaults { epsilon: 1e-7, activation: "gelu" };

fn recipe(config: &Value) -> Result<Recipe> {
    fields::only(config, "talking_head", &json!(false))?;
    let sizes = Sizes::read(config, &DEFAULTS)?;
    let hidden = sizes.hidden_dim;
    let relative = Relative::read(config)?;
    let vectors = DistanceVectorsRecipe::Projected {
        for_queries: relative
            .by_queries
            .then(|| LinearRecipe::without_bias("attention.self.pos_proj", [hidden, hidden])),
        for_keys: relative.by_keys.then(|| LinearRecipe::new("attention.self.pos_q_proj", [hidden, hidden])),
        is_shared: false,
    };
    let mut blocks = bert::LAYER.blocks(bert::LAYERS, &sizes);
    for attention in blocks.iter_mut().map(|block| &mut block.attention) {
        attention.query_key_value = QueryKeyValueRecipe::HeadByHead {
            weight: LinearRecipe::without_bias("attention.self.in_proj", [hidden, 3 * hidden]),
            biases: Some(["attention.self.q_bias", "attention.self.v_bias"]),
            pairs: RotaryPairs::Halves,
        };
        attention.scale = Some(relative.scale(hidden / sizes.num_heads));
        if relative.has_vectors() {
            attention.scores = ScoresRecipe::Vectors(vectors.clone());
        }
    }
    let mut recipe = Recipe::new(embeddings(config, &sizes)?, blocks);
    recipe.stated_tokens = Some(relative.positions);
    if relative.is_on {
        let farthest = relative.farthest;
        recipe.distances = Some(DistanceBuckets::clamped(farthest, 2 * farthest)?);
        recipe.distance_embeddings = Some(DistanceEmbeddingsRecipe {
            name: REL_EMBEDDINGS,
            rows: 2 * farthest,
            width: hidden,
            norm: None,
        });
    }
    Ok(recipe)
}

pub(super) const REL_EMBEDDINGS: &str = "encoder.rel_embeddings.weight";

/// The embeddings of DeBERTa and its later versions.
pub(super) fn embeddings(config: &Value, sizes: &Sizes) -> Result<EmbeddingsRecipe> {
    let has_positions = fields::flag_or(config, "position_biased_input", true)?;
    let positions = if has_positions { Positions::FromZero } else { Positions::None };
    let types = fields::rows_or(config, "type_vocab_size", 0)?;
    let width = fields::size_or(config, "embedding_size", sizes.hidden_dim)?;
    let mut embeddings = bert::embeddings(config, positions, sizes.norm(bert::EMBEDDING_NORM))?;
    embeddings.token_type = embeddings.token_type.filter(|_| types > 0);
    if width != sizes.hidden_dim {
        let projection = LinearRecipe::without_bias("embeddings.embed_proj", [width, sizes.hidden_dim]);
        embeddings.inner_projection = Some(projection);
    }
    Ok(embeddings)
}

/// The fields of config.json about scores by distance.
pub(super) struct Relative {
    pub(super) is_on: bool,
    /// Queries are multiplied by vectors ("c2p", content to position).
    pub(super) by_queries: bool,
    /// Keys are multiplied by vectors ("p2c", position to content).
    pub(super) by_keys: bool,
    /// Products per score, which divide it, whether they are computed or not.
    products: usize,
    /// The largest distance.
    pub(super) farthest: usize,
    /// Tokens of a text.
    pub(super) positions: usize,
}

impl Relative {
    pub(super) fn read(config: &Value) -> Result<Self> {
        let terms = fields::words(config, "pos_att_type")?;
        if let Some(other) = terms.iter().find(|term| !["c2p", "p2c"].contains(&term.as_str())) {
            return Err(fields::refused(
                "pos_att_type",
                format!("must contain only c2p and p2c, got `{other}`"),
            ));
        }
        let positions = fields::size_or(config, "max_position_embeddings", 512)?;
        let has = |term: &str| terms.iter().any(|other| other == term);
        Ok(Self {
            is_on: fields::flag_or(config, "relative_attention", false)?,
            by_queries: has("c2p"),
            by_keys: has("p2c"),
            products: 1 + terms.len(),
            farthest: fields::size_if_positive(config, "max_relative_positions")?.unwrap_or(positions),
            positions,
        })
    }

    pub(super) fn has_vectors(&self) -> bool {
        self.is_on && (self.by_queries || self.by_keys)
    }

    /// 1 / sqrt(head_dim * products)
    pub(super) fn scale(&self, head_dim: usize) -> f32 {
        (1.0 / ((head_dim * self.products) as f64).sqrt()) as f32
    }
}
