//! Jina's second embedding models (Günther et al., 2023: <https://arxiv.org/abs/2310.19923>): BERT with linear biases
//! by distance (ALiBi: Press, Smith and Lewis, 2022) in place of positions, and gates. Those for code also have norms
//! of queries and keys and a second norm after attention. Config.json is the same for both.

use nearsay_kernels::Activation;
use serde_json::Value;

use super::fields::{self, refused};
use super::post_norm::{BERT_DEFAULTS, Sizes};
use super::{Family, bert, known};
use crate::encoder::attention::ScoresRecipe;
use crate::encoder::block::BlockRecipe;
use crate::encoder::distance::DistanceBiasRecipe;
use crate::encoder::feed_forward::{FeedForwardKind, FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::query_key_norm::QueryKeyNormRecipe;
use crate::encoder::recipe::Alternative;
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "jina_bert",
    model_types: &["bert"],
    parts: "position_embedding_type alibi, gates",
    examples: &["jinaai/jina-embeddings-v2-base-en", "jinaai/jina-embeddings-v2-base-code"],
    prefixes: bert::FAMILY.prefixes,
    fields: &[&known::LAYER, &known::BERT, &FIELDS],
    recipe,
    classifier: Some(|_| Ok(bert::CLASSIFIER)),
    masked_language: None,
    next_token: None,
};

fn recipe(config: &Value) -> Result<Recipe> {
    let sizes = Sizes::read(config, &BERT_DEFAULTS)?;
    let embeddings = bert::embeddings(config, Positions::None, sizes.norm(bert::EMBEDDING_NORM))?;
    let mut blocks = bert::LAYER.blocks(bert::LAYERS, &sizes);
    blocks.iter_mut().for_each(|block| block.attention.scores = ScoresRecipe::Bias(0));
    let mut recipe = Recipe::new(embeddings, blocks);
    recipe.biases = vec![DistanceBiasRecipe::Slopes(slopes(sizes.num_heads))];
    recipe.stated_tokens = Some(fields::size_or(config, "max_position_embeddings", 512)?);
    if let Some(activation) = gate(config)? {
        let code = Recipe {
            blocks: recipe.blocks.iter().map(|block| of_code(block, &sizes, activation)).collect(),
            ..recipe.clone()
        };
        recipe.blocks.iter_mut().for_each(|block| add_gate(block, &sizes, activation));
        let tensor = "encoder.layer.0.mlp.up_gated_layer.weight";
        recipe.alternatives.push(Alternative { tensor, rows: None, recipe: code });
    }
    Ok(recipe)
}

/// The activation of the gate, if there is one.
fn gate(config: &Value) -> Result<Option<Activation>> {
    const FIELD: &str = "feed_forward_type";
    match fields::text_or(config, FIELD, "original")? {
        "original" => Ok(None),
        "geglu" => Ok(Some(Activation::Gelu)),
        "reglu" => Ok(Some(Activation::Relu)),
        other => Err(refused(FIELD, format!("must be original, geglu or reglu, got `{other}`"))),
    }
}

/// The feed-forward part of the models for text.
fn add_gate(block: &mut BlockRecipe, sizes: &Sizes, activation: Activation) {
    let [hidden, inner] = [sizes.hidden_dim, sizes.intermediate_dim];
    block.feed_forward = FeedForwardKind::Single(FeedForwardRecipe {
        up: UpRecipe::GateThenUp(LinearRecipe::without_bias("mlp.gated_layers", [hidden, 2 * inner])),
        down: LinearRecipe::new("mlp.wo", [inner, hidden]),
        activation,
    });
    block.feed_forward_norm = sizes.norm("mlp.layernorm");
}

/// The layer of the models for code, from BERT's.
fn of_code(block: &BlockRecipe, sizes: &Sizes, activation: Activation) -> BlockRecipe {
    let [hidden, inner] = [sizes.hidden_dim, sizes.intermediate_dim];
    let mut code = block.clone();
    code.attention.query_key_norm = Some(QueryKeyNormRecipe::FullWidth {
        query: sizes.norm("attention.self.layer_norm_q"),
        key: sizes.norm("attention.self.layer_norm_k"),
    });
    code.attention.output_norm = code.attention_norm.replace(sizes.norm("layer_norm_1"));
    code.feed_forward = FeedForwardKind::Single(FeedForwardRecipe {
        up: UpRecipe::UpThenGate(LinearRecipe::without_bias("mlp.up_gated_layer", [hidden, 2 * inner])),
        down: LinearRecipe::new("mlp.down_layer", [inner, hidden]),
        activation,
    });
    code.feed_forward_norm = sizes.norm("layer_norm_2");
    code
}

/// For h heads, h being a power of two, 2^(-8 k / h), k = 1 .. h; for other numbers, those of the power of two below,
/// then every second one of twice that power.
fn slopes(num_heads: usize) -> Vec<f32> {
    let of_power =
        |heads: usize| (1..=heads).map(move |head| 2f64.powf(-8.0 * head as f64 / heads as f64) as f32);
    let below = 1 << num_heads.ilog2();
    of_power(below).chain(of_power(2 * below).step_by(2)).take(num_heads).collect()
}

/// Jina's fields, besides BERT's.
const FIELDS: [&str; 3] = ["emb_pooler", "feed_forward_type", "model_max_length"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_the_paper() {
        let exponents = |heads| slopes(heads).into_iter().map(|slope| -slope.log2()).collect::<Vec<_>>();
        assert_eq!(exponents(8), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(exponents(12)[8..], [0.5, 1.5, 2.5, 3.5]);
        assert_eq!(exponents(1), [8.0]);
    }
}
