//! Encoded pairs to scores: the matches of many pairs at a time, then each pair's means.

use std::collections::HashMap;
use std::sync::Arc;

use nearsay_kernels::device::Failure;
use nearsay_kernels::{Form, TokenPair, token_match};

use super::cache::EncodedText;
use super::{BaselineRow, MatchedTokens, PairTexts, Scores, TokenWeights, best_of, score_pair};
use crate::devices::name_of;
use crate::{Error, Result};

/// The encoded texts of some pairs, by the texts.
pub(super) type EncodedTexts<'a> = HashMap<&'a str, Arc<EncodedText>>;

/// What makes scores of encoded texts.
pub(super) struct Matcher<'a> {
    pub(super) texts: &'a EncodedTexts<'a>,
    pub(super) weights: &'a TokenWeights,
    pub(super) baseline: Option<BaselineRow>,
    pub(super) form: Form,
}

impl Matcher<'_> {
    /// The scores of `pairs`, matched in one go, or in halves of halves where a device has not memory enough for their maxima.
    pub(super) fn score(&self, pairs: &[PairTexts]) -> Result<Vec<Scores>> {
        match self.attempt(pairs) {
            Err(error) if pairs.len() > 1 && error.device_failure() == Some(Failure::OutOfMemory) => {
                let (left, right) = pairs.split_at(pairs.len() / 2);
                let mut scores = self.score(left)?;
                scores.extend(self.score(right)?);
                Ok(scores)
            }
            result => result.map_err(|error| self.told(pairs, error)),
        }
    }

    fn attempt(&self, pairs: &[PairTexts]) -> Result<Vec<Scores>> {
        let token_pairs: Vec<TokenPair<'_>> = pairs.iter().flat_map(|pair| self.token_pairs(pair)).collect();
        let maxima = token_match(&token_pairs, self.form)?;
        let values = maxima.values.to_vec1::<f32>()?;
        let mut index = 0..;
        let mut scores = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let candidate = &self.texts[pair.candidate.as_str()];
            let raw = pair.references.iter().zip(&mut index).map(|(reference, index)| {
                let reference = &self.texts[reference.as_str()];
                score_pair(
                    candidate.matched(&values[maxima.candidate_tokens(index)]),
                    reference.matched(&values[maxima.reference_tokens(index)]),
                    self.weights,
                )
            });
            let best = best_of(&raw.collect::<Result<Vec<_>>>()?)
                .ok_or_else(|| Error::Bug("a pair has no reference".to_owned()))?;
            scores.push(self.baseline.map_or(best, |baseline| baseline.rescale(best)));
        }
        Ok(scores)
    }

    fn token_pairs<'a>(&'a self, pair: &'a PairTexts) -> impl Iterator<Item = TokenPair<'a>> {
        let candidate = &self.texts[pair.candidate.as_str()].tokens;
        let of = move |reference: &String| {
            let reference = &self.texts[reference.as_str()].tokens;
            TokenPair { candidate, reference }
        };
        pair.references.iter().map(of)
    }

    /// The error as what became of the device.
    fn told(&self, pairs: &[PairTexts], error: Error) -> Error {
        let Some(pair) = pairs.first() else { return error };
        let device = name_of(self.texts[pair.candidate.as_str()].tokens.device());
        error.on_device(&device, || "the match of a pair".to_owned())
    }
}

impl EncodedText {
    fn matched<'a>(&'a self, maxima: &'a [f32]) -> MatchedTokens<'a> {
        MatchedTokens { maxima, token_ids: &self.token_ids, is_empty: self.is_empty }
    }
}
