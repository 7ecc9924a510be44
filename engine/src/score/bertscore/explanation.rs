//! The tokens of a pair and how similar they are, which its scores are computed from.

use candle_core::DType;

use super::cache::EncodedText;
use super::matching::Matcher;
use super::pairwise::TextPool;
use super::{Scorer, Scores};
use crate::{Error, Result};

/// A pair's tokens, their similarities and their weights.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The candidate's tokens, special tokens included.
    pub candidate: Vec<ExplainedToken>,
    /// The reference's.
    pub reference: Vec<ExplainedToken>,
    /// The cosine of each candidate token with each reference token: [candidate, reference], row by row.
    pub similarities: Vec<f32>,
    /// The pair's scores.
    pub scores: Scores,
}

/// A token of a pair.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExplainedToken {
    /// Its id.
    pub id: u32,
    /// The token as the tokenizer writes it.
    pub token: String,
    /// Its weight in the mean of its text.
    pub weight: f64,
}

impl Scorer {
    /// The tokens of a pair, how similar each is to each, and what they weigh. The scores are those of
    /// [`Scorer::score`]; similarities are sums in f64 of the same vectors.
    ///
    /// # Errors
    /// If a text cannot be tokenized or encoded, or the call is stopped.
    pub fn explain(&self, candidate: &str, reference: &str) -> Result<Explanation> {
        let texts = [candidate, reference];
        let mut pool = TextPool::new(self, &texts, usize::MAX, &|_| ())?;
        pool.bring(&[0, 1])?;
        let texts = [pool.get(0)?, pool.get(1)?];
        let form = self.session.devices().placements()[0].form();
        let matcher = Matcher { texts: &texts, weights: &self.weights, baseline: self.layer.baseline, form };
        let scores = matcher.score(&[&[0, 1]])?;
        let [candidate, reference] = &texts;
        Ok(Explanation {
            similarities: similarities(candidate, reference)?,
            candidate: self.tokens(candidate),
            reference: self.tokens(reference),
            scores: *scores.first().ok_or_else(|| Error::Bug("a pair has no score".to_owned()))?,
        })
    }

    fn tokens(&self, text: &EncodedText) -> Vec<ExplainedToken> {
        let tokenizer = self.parts.tokenizer.tokenizer();
        let token = |&id: &u32| ExplainedToken {
            id,
            token: tokenizer.id_to_token(id).unwrap_or_else(|| format!("[{id}]")),
            weight: self.weights.weight(id),
        };
        text.text.ids.iter().map(token).collect()
    }
}

/// The cosine of every token of one text with each of another.
fn similarities(candidate: &EncodedText, reference: &EncodedText) -> Result<Vec<f32>> {
    let [candidate, reference] =
        [candidate, reference].map(|text| text.tokens.to_dtype(DType::F32)?.to_vec2::<f32>());
    let (candidate, reference) = (candidate?, reference?);
    let cosine = |row: &[f32], column: &[f32]| {
        row.iter().zip(column).map(|(&one, &other)| f64::from(one) * f64::from(other)).sum::<f64>() as f32
    };
    Ok(candidate.iter().flat_map(|row| reference.iter().map(|column| cosine(row, column))).collect())
}
