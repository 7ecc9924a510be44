//! Encoded pairs to scores: matches of many pairs at a time, then each pair's means.

use std::sync::Arc;

use nearsay_kernels::{Form, TokenPair, token_match};

use super::cache::EncodedText;
use super::{BaselineRow, MatchedTokens, Scores, TokenWeights, best_of, score_pair};
use crate::session::{in_halves, name_of};
use crate::{Error, Result};

/// Computes scores from encoded texts.
pub(super) struct Matcher<'a> {
    /// The texts, by number.
    pub(super) texts: &'a [Arc<EncodedText>],
    pub(super) weights: &'a TokenWeights,
    /// The layer's.
    pub(super) baseline: Option<BaselineRow>,
    pub(super) form: Form,
}

impl Matcher<'_> {
    /// Scores `pairs`, each a candidate and its references by number. They are matched at once, or in ever
    /// smaller halves if the device's memory is too small for their maxima.
    pub(super) fn score(&self, pairs: &[&[usize]]) -> Result<Vec<Scores>> {
        let scores = in_halves(pairs, &|pairs| self.attempt(pairs), &|_| ());
        scores.map_err(|error| {
            let Some(text) = pairs.iter().find_map(|pair| pair.first()) else { return error };
            let device = name_of(self.texts[*text].tokens.device());
            error.on_device(&device, || "the match of a pair".to_owned())
        })
    }

    fn attempt(&self, pairs: &[&[usize]]) -> Result<Vec<Scores>> {
        let token_pairs: Vec<TokenPair<'_>> = pairs.iter().flat_map(|pair| self.token_pairs(pair)).collect();
        let maxima = token_match(&token_pairs, self.form)?;
        let values = maxima.values.to_vec1::<f32>()?;
        let mut index = 0..;
        let mut scores = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let Some((candidate, references)) = pair.split_first() else { continue };
            let candidate = &self.texts[*candidate];
            let raw = references.iter().zip(&mut index).map(|(reference, index)| {
                score_pair(
                    candidate.matched(&values[maxima.candidate_tokens(index)]),
                    self.texts[*reference].matched(&values[maxima.reference_tokens(index)]),
                    self.weights,
                )
            });
            let best = best_of(&raw.collect::<Result<Vec<_>>>()?)
                .ok_or_else(|| Error::usage("a pair must have a reference at least, got none"))?;
            scores.push(self.baseline.map_or(best, |baseline| baseline.rescale(best)));
        }
        Ok(scores)
    }

    fn token_pairs<'a>(&'a self, pair: &'a [usize]) -> impl Iterator<Item = TokenPair<'a>> {
        let candidate = &self.texts[pair[0]].tokens;
        pair[1..]
            .iter()
            .map(move |&reference| TokenPair { candidate, reference: &self.texts[reference].tokens })
    }
}

impl EncodedText {
    fn matched<'a>(&'a self, maxima: &'a [f32]) -> MatchedTokens<'a> {
        MatchedTokens { maxima, token_ids: &self.text.ids, is_empty: self.text.is_empty }
    }
}
