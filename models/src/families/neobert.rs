//! NeoBERT (Le Breton et al., 2025): <https://arxiv.org/abs/2502.19587>. Pre-norm with norms by the root mean square, rotary
//! positions, gates, no biases.
//!
//! Rotary embeddings turn neighbouring values together, as the published class multiplies complex numbers. Copies of
//! its code exist that turn halves instead; no published vector was at hand to settle it.

use nearsay_kernels::Activation;
use serde_json::{Value, json};

use super::{Family, fields};
use crate::encoder::attention::AttentionRecipe;
use crate::encoder::block::{BlockRecipe, Order};
use crate::encoder::embeddings::{EmbeddingsRecipe, TableRecipe};
use crate::encoder::feed_forward::{FeedForwardKind, FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::norm::{NormKind, NormRecipe};
use crate::encoder::query_key_value::{QueryKeyValueRecipe, RotaryPairs};
use crate::encoder::rotary::RotaryRecipe;
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "neobert",
    model_types: &["neobert"],
    parts: "pre-norm, rotary positions, gates",
    examples: &["chandar-lab/NeoBERT"],
    prefixes: &["", "model."],
    fields: &[&FIELDS],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

const THETA: f64 = 10_000.0;

fn recipe(config: &Value) -> Result<Recipe> {
    // The published class has these alone.
    fields::only(config, "ngpt", &json!(false))?;
    fields::only(config, "rms_norm", &json!(true))?;
    fields::only(config, "rope", &json!(true))?;
    let act = fields::text_or(config, "hidden_act", "swiglu")?;
    if !act.eq_ignore_ascii_case("swiglu") {
        return Err(fields::refused("hidden_act", format!("must be SwiGLU, got `{act}`")));
    }
    let sizes = Sizes::read(config)?;
    let embeddings = EmbeddingsRecipe::of_words(
        TableRecipe { name: "encoder.weight", rows: fields::size(config, "vocab_size")? },
        sizes.hidden_dim,
    );
    let num_layers = fields::layers(config, "num_hidden_layers")?;
    let mut recipe = Recipe::new(embeddings, (0..num_layers).map(|number| sizes.block(number)).collect());
    recipe.rotary = vec![RotaryRecipe::new(THETA, sizes.hidden_dim / sizes.num_heads)];
    recipe.final_norm = Some(sizes.norm("layer_norm"));
    // The class has angles for so many positions.
    recipe.limit_tokens(fields::size_or(config, "max_length", 4096)?);
    Ok(recipe)
}

struct Sizes {
    hidden_dim: usize,
    num_heads: usize,
    intermediate_dim: usize,
    epsilon: f64,
}

impl Sizes {
    fn read(config: &Value) -> Result<Self> {
        const HEADS: &str = "num_attention_heads";
        const INTERMEDIATE: &str = "intermediate_size";
        let hidden_dim = fields::size(config, "hidden_size")?;
        let num_heads = fields::heads(config, HEADS, ("hidden_size", hidden_dim))?;
        if !(hidden_dim / num_heads).is_multiple_of(2) {
            let rule = format!("must be an even multiple of {HEADS} ({num_heads}), got {hidden_dim}");
            return Err(fields::refused("hidden_size", rule));
        }
        fields::only(config, "dim_head", &json!(hidden_dim / num_heads))?;
        let most = 2..=fields::LARGEST_SIZE;
        let intermediate = fields::within(INTERMEDIATE, fields::size(config, INTERMEDIATE)?, most)?;
        Ok(Self {
            hidden_dim,
            num_heads,
            // Two thirds, since gate and up have a weight each, in steps of 8.
            intermediate_dim: (2 * intermediate / 3).next_multiple_of(8),
            epsilon: fields::epsilon_or(config, "norm_eps", 1e-5)?,
        })
    }

    fn norm(&self, name: &'static str) -> NormRecipe {
        NormRecipe { name, width: self.hidden_dim, epsilon: self.epsilon, kind: NormKind::Rms }
    }

    fn block(&self, number: usize) -> BlockRecipe {
        let (hidden, intermediate) = (self.hidden_dim, self.intermediate_dim);
        BlockRecipe {
            prefix: format!("transformer_encoder.{number}"),
            order: Order::PreNorm,
            attention: AttentionRecipe {
                rotary: Some(0),
                ..AttentionRecipe::new(
                    QueryKeyValueRecipe::HeadByHead {
                        weight: LinearRecipe::without_bias("qkv", [hidden, 3 * hidden]),
                        biases: None,
                        pairs: RotaryPairs::Neighbours,
                    },
                    LinearRecipe::without_bias("wo", [hidden, hidden]),
                    self.num_heads,
                )
            },
            attention_norm: Some(self.norm("attention_norm")),
            feed_forward: FeedForwardKind::Single(FeedForwardRecipe {
                up: UpRecipe::GateThenUp(LinearRecipe::without_bias("ffn.w12", [hidden, 2 * intermediate])),
                down: LinearRecipe::without_bias("ffn.w3", [intermediate, hidden]),
                activation: Activation::Silu,
            }),
            feed_forward_norm: self.norm("ffn_norm"),
        }
    }
}

/// NeoBERT's fields.
const FIELDS: [&str; 17] = [
    "classifier_init_range",
    "decoder_init_range",
    "dim_head",
    "dropout",
    "embedding_init_range",
    "flash_attention",
    "hidden_act",
    "hidden_size",
    "intermediate_size",
    "kwargs",
    "ngpt",
    "norm_eps",
    "num_attention_heads",
    "num_hidden_layers",
    "rms_norm",
    "rope",
    "base_scale",
];
