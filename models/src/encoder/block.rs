//! A block: attention and feed-forward, each with its residual and its norm, in one of three orders.

use candle_core::Tensor;
use nearsay_kernels::{LayerNorm, SumAndNorm, add_norm, add_norm_with_sum, recycle};

use super::attention::{Attention, AttentionRecipe};
use super::feed_forward::{FeedForward, FeedForwardKind};
use super::loading::Loading;
use super::norm::NormRecipe;
use super::pass::Pass;
use crate::Result;

/// The parts of a block, whose names are below `prefix`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BlockRecipe {
    /// Without its last dot; with a `*` in place of the first part of weights' names.
    pub(crate) prefix: String,
    pub(crate) order: Order,
    pub(crate) attention: AttentionRecipe,
    /// None in pre-norm blocks whose input is already normalized.
    pub(crate) attention_norm: Option<NormRecipe>,
    pub(crate) feed_forward: FeedForwardKind,
    pub(crate) feed_forward_norm: NormRecipe,
}

/// Where the norms are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Order {
    /// After each sum, as in BERT.
    PostNorm,
    /// Before attention and feed-forward; sums are not normalized, and a norm follows the last block.
    PreNorm,
    /// Before attention and feed-forward, and after each before it is added; a norm follows the last block.
    Sandwich { attention_output: NormRecipe, feed_forward_output: NormRecipe },
}

impl Order {
    /// The norms of the outputs of attention and of feed-forward.
    fn output_norms(&self) -> Option<[&NormRecipe; 2]> {
        match self {
            Self::PostNorm | Self::PreNorm => None,
            Self::Sandwich { attention_output, feed_forward_output } => {
                Some([attention_output, feed_forward_output])
            }
        }
    }
}

impl BlockRecipe {
    pub(crate) fn parameters(&self) -> usize {
        let output_norms = self.order.output_norms().into_iter().flatten();
        output_norms.map(NormRecipe::parameters).sum::<usize>()
            + self.attention.parameters()
            + self.attention_norm.as_ref().map_or(0, NormRecipe::parameters)
            + self.feed_forward.parameters()
            + self.feed_forward_norm.parameters()
    }

    /// Operations per token in a text of `length` tokens.
    pub(crate) fn flops(&self, length: usize) -> f64 {
        self.attention.flops(length) + self.feed_forward.flops()
    }

    pub(crate) fn load(&self, encoder: &Loading<'_>) -> Result<Block> {
        let loading = &encoder.inside(&self.prefix);
        let Loading { parameters, placement, .. } = loading;
        let attention_norm = self.attention_norm.as_ref().map(|norm| norm.load(parameters, placement));
        let output_norms = self.order.output_norms().map(|[attention, feed_forward]| -> Result<_> {
            Ok([attention.load(parameters, placement)?, feed_forward.load(parameters, placement)?])
        });
        Ok(Block {
            is_post_norm: self.order == Order::PostNorm,
            output_norms: output_norms.transpose()?,
            attention: self.attention.load(loading)?,
            attention_norm: attention_norm.transpose()?,
            feed_forward: self.feed_forward.load(parameters, placement)?,
            feed_forward_norm: self.feed_forward_norm.load(parameters, placement)?,
        })
    }
}

/// A loaded block.
#[derive(Debug)]
pub(crate) struct Block {
    is_post_norm: bool,
    /// Of the outputs of attention and of feed-forward.
    output_norms: Option<[LayerNorm; 2]>,
    attention: Attention,
    attention_norm: Option<LayerNorm>,
    feed_forward: FeedForward,
    feed_forward_norm: LayerNorm,
}

impl Block {
    /// `hidden` and the result: [total_tokens, hidden_dim].
    pub(crate) fn forward(&self, hidden: &Tensor, pass: &Pass) -> Result<Tensor> {
        match (self.is_post_norm, &self.attention_norm) {
            (true, Some(norm)) => self.post_norm(hidden, norm, pass),
            (true, None) | (false, _) => self.pre_norm(hidden, pass),
        }
    }

    fn post_norm(&self, hidden: &Tensor, attention_norm: &LayerNorm, pass: &Pass) -> Result<Tensor> {
        let attended = self.attention.forward(hidden, pass)?;
        let middle = add_norm(&attended, hidden, attention_norm)?;
        let fed_forward = self.feed_forward.forward(&middle)?;
        let output = add_norm(&fed_forward, &middle, &self.feed_forward_norm)?;
        [attended, middle, fed_forward].into_iter().for_each(recycle);
        Ok(output)
    }

    fn pre_norm(&self, hidden: &Tensor, pass: &Pass) -> Result<Tensor> {
        let normed = self.attention_norm.as_ref().map(|norm| norm.forward(hidden)).transpose()?;
        let attended = self.attention.forward(normed.as_ref().unwrap_or(hidden), pass)?;
        let attended = self.output_normed(attended, 0)?;
        let SumAndNorm { sum, norm } = add_norm_with_sum(&attended, hidden, &self.feed_forward_norm)?;
        let fed_forward = self.output_normed(self.feed_forward.forward(&norm)?, 1)?;
        let output = (&fed_forward + &sum)?;
        normed.into_iter().chain([attended, sum, norm, fed_forward]).for_each(recycle);
        Ok(output)
    }

    /// The output of attention (0) or feed-forward (1), normalized if the model does so.
    fn output_normed(&self, output: Tensor, part: usize) -> Result<Tensor> {
        let Some(norms) = &self.output_norms else { return Ok(output) };
        let normed = norms[part].forward(&output)?;
        recycle(output);
        Ok(normed)
    }
}
