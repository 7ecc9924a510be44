//! Nomic's embedding models (Nussbaum et al., 2024: <https://arxiv.org/abs/2402.01613>, and the second version with
//! experts, 2025: <https://arxiv.org/abs/2502.07972>): post-norm, rotary positions, gates. Their repositories' code
//! has its own names of fields and weights.

use serde_json::{Value, json};

use super::fields::{self, refused};
use super::nomic_fields::{self, Model};
use super::post_norm::{RotaryParts, Sizes};
use super::{Family, bert, known, native};
use crate::encoder::block::BlockRecipe;
use crate::encoder::experts::ExpertsRecipe;
use crate::encoder::feed_forward::{FeedForwardKind, FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::query_key_value::QueryKeyValueRecipe;
use crate::encoder::recipe::Alternative;
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "nomic_bert",
    model_types: &["nomic_bert"],
    parts: "rotary positions, gates, or experts",
    examples: &["nomic-ai/nomic-embed-text-v1.5", "nomic-ai/nomic-embed-text-v2-moe"],
    prefixes: &["", "nomic_bert.", "bert.", "model."],
    fields: &[&known::LAYER, &nomic_fields::NOMIC_FIELDS, &nomic_fields::EXPERT_FIELDS],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

/// Names of the older code.
const EMBEDDING_NORM: &str = "emb_ln";
const LAYERS: &str = "encoder.layers";

fn recipe(config: &Value) -> Result<Recipe> {
    let model = match config.get("n_embd") {
        Some(_) => Model::of_repository(config)?,
        None => Model::of_transformers(config)?,
    };
    let mut recipe = model.recipe(config, EMBEDDING_NORM, model.blocks(config)?)?;
    if model.has_native_parts() {
        let native = model.recipe(config, bert::EMBEDDING_NORM, native::blocks(&model.sizes, false))?;
        recipe.alternatives.push(Alternative { tensor: native::TENSOR, rows: None, recipe: native });
    }
    if let Some(inner) = model.stated_inner {
        let narrow = Model { sizes: Sizes { intermediate_dim: inner, ..model.sizes }, ..model };
        let narrow = narrow.recipe(config, EMBEDDING_NORM, narrow.blocks(config)?)?;
        let tensor = "encoder.layers.0.mlp.fc11.weight";
        recipe.alternatives.push(Alternative { tensor, rows: Some(inner), recipe: narrow });
    }
    Ok(recipe)
}

impl Model {
    /// Whether transformers has a class for it.
    fn has_native_parts(&self) -> bool {
        self.is_gated && self.biases == [false; 3]
    }

    fn recipe(&self, config: &Value, norm: &'static str, blocks: Vec<BlockRecipe>) -> Result<Recipe> {
        let mut embeddings = bert::embeddings(config, Positions::None, self.sizes.norm(norm))?;
        let multiple = fields::size_or(config, "pad_vocab_size_multiple", 1)?;
        embeddings.word.rows = embeddings.word.rows.next_multiple_of(multiple);
        let mut recipe = Recipe::new(embeddings, blocks);
        recipe.rotary = vec![self.rotary];
        recipe.stated_tokens = Some(self.stated_tokens);
        if let Some(most) = self.most_tokens {
            recipe.limit_tokens(most);
        }
        Ok(recipe)
    }

    /// The layers by the names of the repositories' code.
    fn blocks(&self, config: &Value) -> Result<Vec<BlockRecipe>> {
        let (hidden, [attention, first, second]) = (self.sizes.hidden_dim, self.biases);
        let inner = self.sizes.intermediate_dim;
        let linear = LinearRecipe::with_bias;
        let up = |name| linear(name, [hidden, inner], first);
        let parts = RotaryParts {
            query_key_value: QueryKeyValueRecipe::Joined(linear(
                "attn.Wqkv",
                [hidden, 3 * hidden],
                attention,
            )),
            output: linear("attn.out_proj", [hidden, hidden], attention),
            attention_norm: "norm1",
            feed_forward: FeedForwardRecipe {
                up: match self.is_gated {
                    true => UpRecipe::Gated { gate: up("mlp.fc12"), up: up("mlp.fc11") },
                    false => UpRecipe::Plain(up("mlp.fc1")),
                },
                down: linear("mlp.fc2", [inner, hidden], second),
                activation: self.sizes.activation,
            },
            output_norm: "norm2",
        };
        let mut blocks = self.sizes.rotary_blocks(LAYERS, &parts);
        if let Some((every, experts)) = self.experts(config)? {
            for block in blocks.iter_mut().skip(1).step_by(every) {
                block.feed_forward = FeedForwardKind::Experts(experts.clone());
            }
        }
        Ok(blocks)
    }

    /// The experts, and how often layers have them, counted from the second layer.
    fn experts(&self, config: &Value) -> Result<Option<(usize, ExpertsRecipe)>> {
        let Some(every) = fields::size_if_positive(config, "moe_every_n_layers")? else { return Ok(None) };
        for field in ["expert_choice_router", "moe_normalize_expert_weights"] {
            fields::only(config, field, &json!(false))?;
        }
        fields::only(config, "num_shared_experts", &json!(0))?;
        fields::only(config, "ffn_div", &json!(1))?;
        if every < 2 {
            return Err(refused("moe_every_n_layers", format!("must be at least 2, or 0, got {every}")));
        }
        if self.is_gated {
            let rule = "must be an activation without a gate, since the model has experts".to_owned();
            return Err(refused("activation_function", rule));
        }
        // All experts together are as wide as other families' feed-forward parts may be.
        let most = fields::LARGEST_SIZE / self.sizes.intermediate_dim;
        let count = fields::within("num_experts", fields::size(config, "num_experts")?, 1..=most)?;
        let hidden = self.sizes.hidden_dim;
        let experts = ExpertsRecipe {
            router: LinearRecipe::without_bias("mlp.router.layer", [hidden, count]),
            weights: ["mlp.experts.mlp.w1", "mlp.experts.mlp.w2"],
            bias: "mlp.experts.bias",
            inner_dim: self.sizes.intermediate_dim,
            chosen: fields::within("moe_top_k", fields::size_or(config, "moe_top_k", 1)?, 1..=count)?,
            activation: self.sizes.activation,
        };
        Ok(Some((every, experts)))
    }
}
