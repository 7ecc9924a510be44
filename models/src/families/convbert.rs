//! ConvBERT (Jiang et al., 2020): <https://arxiv.org/abs/2008.02496>. BERT in whose layers half of the width comes from
//! attention, and half from a convolution whose filters depend on a token and its neighbours. In larger models linear
//! layers divide input and output into groups.
//!
//! transformers' convolution reads the states of padding, so that a text's result depends on its batch there; here it
//! is that of the text alone.

use serde_json::Value;

use super::post_norm::{BERT_DEFAULTS, Sizes};
use super::{Family, bert, electra, fields, known};
use crate::encoder::block::BlockRecipe;
use crate::encoder::feed_forward::{FeedForwardKind, FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::{LinearRecipe, Stored};
use crate::encoder::query_key_value::QueryKeyValueRecipe;
use crate::encoder::span_convolution::SpanConvolutionRecipe;
use crate::{Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "convbert",
    model_types: &["convbert"],
    parts: "positions, a convolution next to attention",
    examples: &["YituTech/conv-bert-base"],
    prefixes: &["", "convbert."],
    fields: &[&known::LAYER, &FIELDS],
    recipe,
    classifier: None,
    masked_language: None,
    next_token: None,
};

fn recipe(config: &Value) -> Result<Recipe> {
    let sizes = Sizes::read(config, &BERT_DEFAULTS)?;
    let halves = Halves::read(config, &sizes)?;
    let embeddings = electra::embeddings(config, &sizes, 768)?;
    let mut blocks = bert::LAYER.blocks(bert::LAYERS, &sizes);
    for block in &mut blocks {
        halves.divide(block);
    }
    Ok(Recipe::new(embeddings, blocks))
}

/// Attention and convolution, each half as wide as hidden states.
struct Halves {
    hidden_dim: usize,
    /// Of either half.
    num_heads: usize,
    taps: usize,
    /// Of the feed-forward part's linear layers.
    groups: usize,
}

impl Halves {
    fn read(config: &Value, sizes: &Sizes) -> Result<Self> {
        const TAPS: &str = "conv_kernel_size";
        const GROUPS: &str = "num_groups";
        let ratio = fields::size_or(config, "head_ratio", 2)?;
        let num_heads = (sizes.num_heads / ratio).max(1);
        let hidden_dim = sizes.hidden_dim;
        if !hidden_dim.is_multiple_of(2 * num_heads) {
            let rule = format!(
                "must be a multiple of twice num_attention_heads / head_ratio ({num_heads}), got {hidden_dim}"
            );
            return Err(fields::refused("hidden_size", rule));
        }
        let taps = fields::within(TAPS, fields::size_or(config, TAPS, 9)?, 1..=MOST_TAPS)?;
        if taps.is_multiple_of(2) {
            return Err(fields::refused(TAPS, format!("must be odd, got {taps}")));
        }
        let groups = fields::size_or(config, GROUPS, 1)?;
        let intermediate_dim = sizes.intermediate_dim;
        if !hidden_dim.is_multiple_of(groups) || !intermediate_dim.is_multiple_of(groups) {
            let rule = format!(
                "must divide hidden_size ({hidden_dim}) and intermediate_size ({intermediate_dim}), got {groups}"
            );
            return Err(fields::refused(GROUPS, rule));
        }
        Ok(Self { hidden_dim, num_heads, taps, groups })
    }

    fn divide(&self, block: &mut BlockRecipe) {
        let Self { hidden_dim, num_heads, taps, groups } = *self;
        let width = hidden_dim / 2;
        let attention = &mut block.attention;
        if let QueryKeyValueRecipe::Separate(linears) = &mut attention.query_key_value {
            linears.iter_mut().for_each(|linear| linear.out_dim = width);
        }
        attention.num_heads = num_heads;
        attention.num_key_heads = num_heads;
        let keys =
            LinearRecipe::without_bias("attention.self.key_conv_attn_layer.pointwise", [hidden_dim, width]);
        attention.convolution = Some(SpanConvolutionRecipe {
            columns: "attention.self.key_conv_attn_layer.depthwise",
            keys: LinearRecipe { stored: Stored::Blocks { groups: 1 }, ..keys },
            key_bias: "attention.self.key_conv_attn_layer.bias",
            filters: LinearRecipe::new("attention.self.conv_kernel_layer", [width, num_heads * taps]),
            values: LinearRecipe::new("attention.self.conv_out_layer", [hidden_dim, width]),
            taps,
            num_heads,
        });
        if groups > 1
            && let FeedForwardKind::Single(FeedForwardRecipe { up: UpRecipe::Plain(up), down, .. }) =
                &mut block.feed_forward
        {
            [up, down].into_iter().for_each(|linear| linear.stored = Stored::TurnedBlocks { groups });
        }
    }
}

/// The most taps of a filter; published models have 9.
const MOST_TAPS: usize = 1024;

/// ConvBERT's fields.
const FIELDS: [&str; 4] = ["conv_kernel_size", "embedding_size", "head_ratio", "num_groups"];
