//! The score of a cross-encoder for a candidate and its reference.

use super::encoder_mean::EncoderMean;
use crate::rerank::CrossEncoder;
use crate::score::ScoreRow;
use crate::session::Distinct;
use crate::{Result, Session};

/// The name of the metric.
pub(super) const CROSS_ENCODER: &str = "cross_encoder";

/// A cross-encoder's score for a candidate, first, and its reference, second; of several references the largest
/// score. The function that the model's files name is applied, as in sentence-transformers.
#[derive(Debug, Clone)]
pub struct CrossEncoderScore {
    session: Session,
    encoder: CrossEncoder,
}

impl CrossEncoderScore {
    /// The score of this model.
    ///
    /// # Errors
    /// If it has several labels.
    pub fn new(session: &Session, encoder: &CrossEncoder) -> Result<Self> {
        Ok(Self { session: session.clone(), encoder: encoder.with_one_score()? })
    }

    pub(super) fn metric(&self) -> EncoderMean {
        let settings = vec![("len", self.encoder.max_tokens().to_string())];
        EncoderMean::new(CROSS_ENCODER, &self.session, settings)
    }

    /// The score of each system in each row, row by row; and how many pairs were encoded.
    pub(super) fn of_rows(&self, rows: &[ScoreRow]) -> Result<(Vec<f64>, u64)> {
        let texts: Vec<&str> = rows.iter().flat_map(texts_of).collect();
        let Distinct { firsts, indices } = Distinct::of(&texts);
        let (mut pairs, mut rest) = (Vec::new(), indices.as_slice());
        for row in rows {
            let (candidates, tail) = rest.split_at(row.candidates.len());
            let (references, tail) = tail.split_at(row.present().count());
            rest = tail;
            for candidate in candidates {
                pairs.extend(references.iter().map(|reference| (*candidate, *reference)));
            }
        }
        let mut distinct = pairs.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let text = |index: usize| texts[firsts[index]];
        let scored: Vec<(&str, &str)> = distinct.iter().map(|pair| (text(pair.0), text(pair.1))).collect();
        let scores = self.encoder.score(&scored, |_| ())?.scores;
        let score = |pair: &(usize, usize)| {
            distinct.binary_search(pair).map_or(f64::NAN, |place| f64::from(scores[place]))
        };
        let mut pairs = pairs.iter();
        let best = rows.iter().flat_map(|row| vec![row.present().count(); row.candidates.len()]);
        let best = best
            .map(|references| pairs.by_ref().take(references).map(score).fold(f64::NEG_INFINITY, f64::max));
        Ok((best.collect(), distinct.len() as u64))
    }
}

/// The candidates of a row, then its references.
fn texts_of(row: &ScoreRow) -> impl Iterator<Item = &str> {
    row.candidates.iter().map(String::as_str).chain(row.present())
}
