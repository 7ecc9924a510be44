//! The candidate that is chosen.

use serde::Serialize;

use super::rows::NBestRow;
use crate::text::RecordId;

/// The candidate of a row with the highest expected score.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MbrChoice {
    /// The row's id; its position from 0 if it has none.
    pub id: RecordId,
    /// The candidate's index in the row, from 0.
    pub index: usize,
    /// Its expected score.
    pub score: f64,
    /// The candidate.
    pub text: String,
}

/// The expected score of a candidate from its scores against all references.
pub(super) fn expected(
    scores: impl Iterator<Item = f64>,
    weight: impl Fn(usize) -> f64,
    total_weight: f64,
) -> f64 {
    let weighted = scores.enumerate().map(|(reference, score)| weight(reference) * score);
    weighted.fold(0.0, |sum, score| sum + score) / total_weight
}

/// The first of the candidates with the highest expected score. A score that is not a number is below all others.
pub(super) fn best(row: NBestRow, expected: &[f64]) -> MbrChoice {
    let is_better = |score: f64, best: f64| score > best || best.is_nan() && !score.is_nan();
    let mut index = 0;
    for (at, score) in expected.iter().enumerate() {
        if is_better(*score, expected[index]) {
            index = at;
        }
    }
    let NBestRow { id, mut candidates, .. } = row;
    let score = expected.get(index).copied().unwrap_or(f64::NAN);
    MbrChoice { id, index, score, text: candidates.swap_remove(index) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(expected: &[f64]) -> usize {
        let candidates: Vec<String> = (0..expected.len()).map(|at| at.to_string()).collect();
        let choice = best(NBestRow::new(RecordId::Row(7), candidates, None), expected);
        assert_eq!((choice.id, choice.text), (RecordId::Row(7), choice.index.to_string()));
        assert_eq!(choice.score.to_bits(), expected[choice.index].to_bits());
        choice.index
    }

    #[test]
    fn the_first_of_the_highest_is_chosen() {
        for (expected, index) in [
            (&[0.5][..], 0),
            (&[0.25, 0.5, 0.5], 1),
            (&[f64::NAN, -0.5, f64::NAN], 1),
            (&[0.5, f64::NAN, 0.75], 2),
            (&[f64::NAN, f64::NAN], 0),
            (&[f64::NEG_INFINITY, -1.0], 1),
        ] {
            assert_eq!(chosen(expected), index, "{expected:?}");
        }
    }

    #[test]
    fn weights_are_shares_of_their_sum() {
        let weights = [1.0, 0.0, 3.0];
        assert_eq!(expected([0.5, 9.0, 0.25].into_iter(), |at| weights[at], 4.0), 0.3125);
    }
}
