//! XLNet (Yang et al., 2019): <https://arxiv.org/abs/1906.08237>. Post-norm, with sinusoids of distances in place of positions.
//!
//! All tokens are of one segment, as in bert_score: the scores' terms of segments are then the same for all keys, and
//! change nothing. The order in which XLNet was trained to predict tokens plays no part in encoding.

use nearsay_kernels::DistanceBuckets;
use serde_json::{Value, json};

use super::{Family, fields};
use crate::encoder::attention::{AttentionRecipe, ScoresRecipe};
use crate::encoder::block::{BlockRecipe, Order};
use crate::encoder::distance::DistanceVectorsRecipe;
use crate::encoder::embeddings::{EmbeddingsRecipe, TableRecipe};
use crate::encoder::feed_forward::{FeedForwardKind, FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::{LinearRecipe, Stored};
use crate::encoder::norm::{NormKind, NormRecipe};
use crate::encoder::query_key_value::QueryKeyValueRecipe;
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "xlnet",
    model_types: &["xlnet"],
    parts: "sinusoids of distances, up to 512 tokens",
    examples: &["xlnet/xlnet-large-cased"],
    prefixes: &["", "transformer."],
    fields: &[&FIELDS],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

/// The longest text. Layers keep their vectors of all distances in memory, so there must be a limit; models were
/// trained on texts of this length.
const MOST_TOKENS: usize = 512;

const QUERY_BIAS: &str = "rel_attn.r_r_bias";

fn recipe(config: &Value) -> Result<Recipe> {
    fields::only(config, "attn_type", &json!("bi"))?;
    fields::only(config, "bi_data", &json!(false))?;
    fields::only(config, "clamp_len", &json!(-1))?;
    let sizes = Sizes::read(config)?;
    let embeddings = EmbeddingsRecipe::of_words(
        TableRecipe { name: "word_embedding.weight", rows: fields::size(config, "vocab_size")? },
        sizes.hidden_dim,
    );
    let blocks = (0..sizes.num_layers).map(|number| sizes.block(config, number)).collect::<Result<_>>()?;
    let mut recipe = Recipe::new(embeddings, blocks);
    let farthest = MOST_TOKENS - 1;
    recipe.distances = Some(DistanceBuckets::clamped(farthest, 2 * farthest + 1)?);
    recipe.unread = &["mask_emb", "rel_attn.seg_embed", "rel_attn.r_s_bias"];
    recipe.limit_tokens(MOST_TOKENS);
    Ok(recipe)
}

struct Sizes {
    hidden_dim: usize,
    num_layers: usize,
    num_heads: usize,
    epsilon: f64,
}

impl Sizes {
    fn read(config: &Value) -> Result<Self> {
        let hidden_dim = fields::size(config, "d_model")?;
        let num_heads = fields::heads(config, "n_head", ("d_model", hidden_dim))?;
        fields::only(config, "d_head", &json!(hidden_dim / num_heads))?;
        // Half of each sinusoid's values are sines.
        if !hidden_dim.is_multiple_of(2) {
            return Err(fields::refused("d_model", format!("must be even, got {hidden_dim}")));
        }
        Ok(Self {
            hidden_dim,
            num_layers: fields::layers(config, "n_layer")?,
            num_heads,
            epsilon: fields::epsilon_or(config, "layer_norm_eps", 1e-12)?,
        })
    }

    fn norm(&self, name: &'static str) -> NormRecipe {
        NormRecipe { name, width: self.hidden_dim, epsilon: self.epsilon, kind: NormKind::Layer }
    }

    /// A linear layer without a bias between hidden states and heads, which are as wide together.
    fn square(&self, name: &'static str, stored: Stored) -> LinearRecipe {
        let linear = LinearRecipe::without_bias(name, [self.hidden_dim, self.hidden_dim]);
        LinearRecipe { stored, ..linear }
    }

    fn block(&self, config: &Value, number: usize) -> Result<BlockRecipe> {
        let (hidden, heads) = (self.hidden_dim, self.num_heads);
        let to_heads = |name| self.square(name, Stored::ToHeads { heads });
        let inner = fields::size(config, "d_inner")?;
        Ok(BlockRecipe {
            prefix: format!("layer.{number}"),
            order: Order::PostNorm,
            attention: AttentionRecipe {
                scores: ScoresRecipe::Vectors(DistanceVectorsRecipe::Sinusoids {
                    for_queries: to_heads("rel_attn.r"),
                    content_bias: "rel_attn.r_w_bias",
                    query_bias: QUERY_BIAS,
                    farthest: MOST_TOKENS - 1,
                }),
                ..AttentionRecipe::new(
                    QueryKeyValueRecipe::QueryBias {
                        linears: ["rel_attn.q", "rel_attn.k", "rel_attn.v"].map(to_heads),
                        bias: QUERY_BIAS,
                    },
                    self.square("rel_attn.o", Stored::FromHeads { heads }),
                    heads,
                )
            },
            attention_norm: Some(self.norm("rel_attn.layer_norm")),
            feed_forward: FeedForwardKind::Single(FeedForwardRecipe {
                up: UpRecipe::Plain(LinearRecipe::new("ff.layer_1", [hidden, inner])),
                down: LinearRecipe::new("ff.layer_2", [inner, hidden]),
                activation: fields::activation_or(config, "ff_activation", "gelu")?,
            }),
            feed_forward_norm: self.norm("ff.layer_norm"),
        })
    }
}

/// XLNet's fields; those of memories have no effect on a text alone.
const FIELDS: [&str; 25] = [
    "attn_type",
    "bi_data",
    "clamp_len",
    "d_head",
    "d_inner",
    "d_model",
    "dropatt",
    "dropout",
    "end_n_top",
    "ff_activation",
    "init",
    "init_range",
    "init_std",
    "layer_norm_eps",
    "mem_len",
    "n_head",
    "n_layer",
    "n_token",
    "reuse_len",
    "same_length",
    "start_n_top",
    "summary_last_dropout",
    "untie_r",
    "use_mems_eval",
    "use_mems_train",
];
