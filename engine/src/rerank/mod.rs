//! Cross-encoders: a query and a text go through the encoder together, as one sequence, and a head turns the state of one of
//! its tokens into a score. Slower than comparing vectors, and better: used to put the best hits of a
//! search into their final order.
//!
//! Scores are those of sentence-transformers' CrossEncoder: pairs are cut at their longer text, and the function
//! that the model's files name is applied to the logits.

mod hits;
mod options;
mod pair_tokenizer;
mod scheduled;

use std::borrow::Borrow;
use std::sync::Arc;

use nearsay_kernels::{Activation, read_f32, recycle};
use nearsay_models::Classifier;

pub use hits::{FoundHits, HitText, read_hits, read_texts};
pub use options::CrossEncoderOptions;
pub use scheduled::{PairScoring, TextOrPair};

use crate::error::phrase;
use crate::session::{Cancel, Control, Session, TextEncoder};
use crate::tokens::TokenizedText;
use crate::{Error, Result};
use pair_tokenizer::PairTokenizer;

/// Pairs that are tokenized and encoded together: enough for batches of equal lengths.
const PAIRS_TOGETHER: usize = 1024;

/// A model that scores pairs of texts. Cloning shares the weights.
#[derive(Debug, Clone)]
pub struct CrossEncoder {
    encoder: TextEncoder,
    layer: usize,
    /// One for each of the encoder's devices.
    heads: Arc<[Classifier]>,
    tokenizer: PairTokenizer,
    activation: Activation,
    control: Control,
}

/// Scores of pairs.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct PairScores {
    /// One per pair and label: the labels of the first pair, then those of the second, ..
    pub scores: Vec<f32>,
    /// Pairs that were cut to the longest length.
    pub truncated: u64,
}

impl Session {
    /// The model as a cross-encoder.
    ///
    /// # Errors
    /// If it has no head that scores pairs or no such prompt, a file breaks a rule, or a device lacks the memory.
    pub fn cross_encoder(&self, options: &CrossEncoderOptions) -> Result<CrossEncoder> {
        let model = self.model();
        let layer = self.recipe().num_layers();
        let heads = self.classifiers()?;
        let activation = match options.logits {
            true => Activation::Identity,
            false => model.stated_score_activation(heads[0].num_labels())?,
        };
        let tokenizer = PairTokenizer::open(self, options)?;
        let control = Control::default();
        Ok(CrossEncoder { encoder: self.encoder(layer)?, layer, heads, tokenizer, activation, control })
    }
}

impl CrossEncoder {
    /// The same cross-encoder; `cancel` can stop its calls.
    #[must_use]
    pub fn with_cancel(&self, cancel: &Cancel) -> Self {
        Self { control: self.control.with_cancel(cancel), ..self.clone() }
    }

    /// The same cross-encoder, if it has one score per pair.
    ///
    /// # Errors
    /// [`Error::Usage`] if the model has several labels.
    pub fn with_one_score(&self) -> Result<Self> {
        match self.num_labels() {
            1 => Ok(self.clone()),
            labels => Err(Error::usage_hint(
                format!("reranking needs a model with one label, but this one has {labels}"),
                phrase![
                    "use a cross-encoder trained for relevance, such as cross-encoder/ms-marco-MiniLM-L6-v2"
                ],
            )),
        }
    }

    /// Scores per pair.
    pub fn num_labels(&self) -> usize {
        self.heads[0].num_labels()
    }

    /// The longest pair in tokens.
    pub fn max_tokens(&self) -> usize {
        self.tokenizer.max_tokens()
    }

    /// Scores pairs of a query and a text, in order. `progress` is called with the number of pairs done so far.
    ///
    /// # Errors
    /// If the tokenizer or the encoder fails, or the call is stopped.
    pub fn score<Q: AsRef<str> + Sync, T: AsRef<str> + Sync>(
        &self,
        pairs: &[(Q, T)],
        progress: impl Fn(u64),
    ) -> Result<PairScores> {
        let mut result = PairScores::default();
        for (number, some) in pairs.chunks(PAIRS_TOGETHER).enumerate() {
            let tokens = self.tokenize(some, |(query, text)| (query.as_ref(), text.as_ref()))?;
            result.truncated += tokens.iter().filter(|pair| pair.truncated).count() as u64;
            result.scores.extend(self.score_tokens(&tokens)?.into_iter().flatten());
            progress((number * PAIRS_TOGETHER + some.len()) as u64);
        }
        Ok(result)
    }

    /// The tokens of pairs, whose query and text `parts` returns.
    fn tokenize<P: Sync>(
        &self,
        pairs: &[P],
        parts: impl Fn(&P) -> (&str, &str) + Sync,
    ) -> Result<Vec<TokenizedText>> {
        self.encoder.workers().map_short(&self.control, pairs, |pair| {
            let (query, text) = parts(pair);
            self.tokenizer.encode(query, text)
        })
    }

    /// The scores of tokenized pairs, one per label.
    fn score_tokens<T: Borrow<TokenizedText> + Sync>(&self, pairs: &[T]) -> Result<Vec<Vec<f32>>> {
        let pairs: Vec<&TokenizedText> = pairs.iter().map(Borrow::borrow).collect();
        let (labels, activation) = (self.num_labels(), self.activation);
        let score = |logit: &f32| activation.reference(f64::from(*logit)) as f32;
        self.encoder.encode(&self.control, &pairs, &[self.layer], |batch| {
            let logits = self.heads[batch.replica].forward(batch.states.layer(self.layer)?)?;
            let scores = read_f32(&logits, |values| {
                values.chunks_exact(labels).map(|pair| pair.iter().map(score).collect()).collect()
            });
            recycle(logits);
            Ok(scores?)
        })
    }
}

#[cfg(test)]
mod tests;
