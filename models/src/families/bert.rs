//! BERT (Devlin et al., 2019): <https://arxiv.org/abs/1810.04805>.

use nearsay_kernels::{Activation, DistanceBuckets};
use serde_json::Value;

use super::post_norm::{BERT_DEFAULTS, LayerNames, Sizes};
use super::{Family, fields, known};
use crate::encoder::attention::ScoresRecipe;
use crate::encoder::distance::DistanceVectorsRecipe;
use crate::encoder::embeddings::{EmbeddingsRecipe, TableRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::norm::NormRecipe;
use crate::heads::{ClassifierRecipe, MaskedLanguageRecipe};
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "bert",
    model_types: &["bert"],
    parts: "positions, or vectors by distance (relative keys)",
    examples: &[
        "google-bert/bert-base-uncased",
        "sentence-transformers/all-MiniLM-L6-v2",
        "BAAI/bge-base-en-v1.5",
    ],
    prefixes: &["", "bert.", "model.", "model.bert."],
    fields: &[&known::LAYER, &known::BERT],
    recipe,
    classifier: Some(|_| Ok(CLASSIFIER)),
    masked_language: Some(masked_language),
    next_token: None,
};

/// Also of gte and Jina's.
pub(super) const CLASSIFIER: ClassifierRecipe = ClassifierRecipe {
    is_pooler: true,
    ..ClassifierRecipe::of_first_token("pooler.dense", Activation::Tanh, "classifier")
};

pub(super) const LAYER: LayerNames = LayerNames {
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    attention_output: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    output_norm: "output.LayerNorm",
};

/// The layers are named `encoder.layer.0`, `encoder.layer.1`, ..
pub(super) const LAYERS: &str = "encoder.layer";

fn recipe(config: &Value) -> Result<Recipe> {
    let recipe = match fields::text_or(config, POSITION_TYPE, "absolute")? {
        "absolute" => recipe_with(config, Positions::FromZero)?,
        "relative_key" => relative_keys(config, false)?,
        "relative_key_query" => relative_keys(config, true)?,
        other => {
            let known = "absolute, relative_key or relative_key_query";
            return Err(fields::refused(POSITION_TYPE, format!("must be {known}, got `{other}`")));
        }
    };
    Ok(recipe.with_fill())
}

const POSITION_TYPE: &str = "position_embedding_type";
const POSITIONS: &str = "max_position_embeddings";

/// BERT with a vector per distance (Huang et al., 2020: <https://arxiv.org/abs/2009.13658>), which queries are
/// multiplied by and, if `by_keys`, keys too. The file has a table of positions that nothing reads. Dropped
/// without an error in transformers 5, which adds positions to such models.
fn relative_keys(config: &Value, by_keys: bool) -> Result<Recipe> {
    let positions = fields::size(config, POSITIONS)?;
    let mut recipe = recipe_with(config, Positions::None)?;
    let vectors = DistanceVectorsRecipe::Table {
        name: "attention.self.distance_embedding.weight",
        rows: 2 * positions - 1,
        head_dim: recipe.head_dim(),
        by_keys,
    };
    for block in &mut recipe.blocks {
        block.attention.scores = ScoresRecipe::Vectors(vectors.clone());
    }
    recipe.distances = Some(DistanceBuckets::clamped(positions - 1, 2 * positions - 1)?);
    recipe.unread = &["embeddings.position_embeddings.weight"];
    recipe.limit_tokens(positions);
    Ok(recipe)
}

fn masked_language(config: &Value) -> Result<MaskedLanguageRecipe> {
    let sizes = Sizes::read(config, &BERT_DEFAULTS)?;
    let hidden = sizes.hidden_dim;
    Ok(MaskedLanguageRecipe {
        dense: LinearRecipe::new("cls.predictions.transform.dense", [hidden, hidden]),
        activation: sizes.activation,
        norm: sizes.norm("cls.predictions.transform.LayerNorm"),
        decoder: "cls.predictions.decoder",
        biases: &["cls.predictions.bias", "cls.predictions.decoder.bias"],
    })
}

/// BERT with other positions.
pub(super) fn recipe_with(config: &Value, positions: Positions) -> Result<Recipe> {
    let sizes = Sizes::read(config, &BERT_DEFAULTS)?;
    let embeddings = embeddings(config, positions, sizes.norm(EMBEDDING_NORM))?;
    Ok(Recipe::new(embeddings, LAYER.blocks(LAYERS, &sizes)))
}

pub(super) const EMBEDDING_NORM: &str = "embeddings.LayerNorm";

/// BERT's embeddings of the width of `norm`.
pub(super) fn embeddings(config: &Value, positions: Positions, norm: NormRecipe) -> Result<EmbeddingsRecipe> {
    let table = |name, rows| TableRecipe { name, rows };
    let position = match positions {
        Positions::None => None,
        _ => Some(fields::position_rows(config, POSITIONS, positions)?),
    };
    Ok(EmbeddingsRecipe {
        word: table("embeddings.word_embeddings.weight", fields::size(config, "vocab_size")?),
        word_aliases: &[],
        word_scale: None,
        position: position.map(|rows| table("embeddings.position_embeddings.weight", rows)),
        has_sinusoids: false,
        positions,
        token_type: token_types(config, 2)?,
        inner_projection: None,
        width: norm.width,
        norm: Some(norm),
        projection: None,
    })
}

/// The table of token types, unless it has no rows.
pub(super) fn token_types(config: &Value, default: usize) -> Result<Option<TableRecipe>> {
    let rows = fields::rows_or(config, "type_vocab_size", default)?;
    Ok((rows > 0).then_some(TableRecipe { name: "embeddings.token_type_embeddings.weight", rows }))
}
