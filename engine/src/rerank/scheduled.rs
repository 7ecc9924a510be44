//! A cross-encoder's work, as a [`scheduler`](crate::session::scheduler) does it.

use std::sync::Arc;

use super::CrossEncoder;
use crate::session::Control;
use crate::session::scheduler::TextWork;
use crate::tokens::TokenizedText;
use crate::{Error, Result};

/// A text that is scored alone, or a query and a text that are scored together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextOrPair {
    /// A text, as a classifier reads it.
    Text(String),
    /// A query and a text.
    Pair(Arc<str>, String),
}

/// Texts and pairs to their scores, one per label; pairs with the bits of [`CrossEncoder::score`].
#[derive(Debug, Clone)]
pub struct PairScoring(CrossEncoder);

impl PairScoring {
    /// The work of this cross-encoder. What stops its own calls does not stop requests, which have a control of their own.
    pub fn new(cross_encoder: &CrossEncoder) -> Self {
        Self(CrossEncoder { control: Control::default(), ..cross_encoder.clone() })
    }

    /// The number of tokens of an input before it is truncated.
    ///
    /// # Errors
    /// If the tokenizer fails on it.
    pub fn whole_length(&self, input: &TextOrPair) -> Result<usize> {
        Ok(self.0.tokenizer.untruncated()?.encode_input(input)?.ids.len())
    }

    /// The cross-encoder.
    pub fn cross_encoder(&self) -> &CrossEncoder {
        &self.0
    }
}

impl TextWork for PairScoring {
    type Text = Arc<TextOrPair>;
    type Output = Vec<f32>;

    fn text_bytes(&self, input: &Self::Text) -> usize {
        match &**input {
            TextOrPair::Text(text) => text.len(),
            TextOrPair::Pair(query, text) => query.len() + text.len(),
        }
    }

    fn tokenize(&self, inputs: &[&Self::Text]) -> Result<Vec<TokenizedText>> {
        let CrossEncoder { encoder, control, tokenizer, .. } = &self.0;
        encoder.workers().map_short(control, inputs, |input| tokenizer.encode_input(input))
    }

    fn encode(&self, pairs: &[&TokenizedText]) -> Result<Vec<Result<Vec<f32>>>> {
        let checked = |scores: Vec<f32>| match scores.iter().all(|score| score.is_finite()) {
            true => Ok(scores),
            false => Err(Error::NonFinite { what: "the score".to_owned() }),
        };
        Ok(self.0.score_tokens(pairs)?.into_iter().map(checked).collect())
    }

    fn output_bytes(&self, output: &Vec<f32>) -> usize {
        size_of_val(output.as_slice())
    }

    fn batch_tokens(&self) -> usize {
        self.0.encoder.batch_tokens()
    }

    fn is_on_gpu(&self) -> bool {
        self.0.encoder.is_on_gpu()
    }
}
