//! Precision, recall and F1 of one pair, and the best of several references.

use serde::Serialize;

/// BERTScore of one pair. Precision and recall are between -1 and 1 before rescaling, and at most 1 after it;
/// NaN if undefined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Scores {
    /// Weighted mean, over the candidate's tokens, of the best similarity to a token of the reference.
    pub precision: f32,
    /// Weighted mean, over the reference's tokens, of the best similarity to a token of the candidate.
    pub recall: f32,
    /// Harmonic mean of precision and recall; 0 if that is NaN.
    pub f1: f32,
}

impl Scores {
    /// The scores of a pair with an empty text before rescaling.
    pub const ZERO: Self = Self { precision: 0.0, recall: 0.0, f1: 0.0 };

    /// Precision, recall and F1.
    pub fn new(precision: f32, recall: f32, f1: f32) -> Self {
        Self { precision, recall, f1 }
    }

    /// Whether precision, recall or F1 is NaN.
    pub fn has_nan(&self) -> bool {
        self.precision.is_nan() || self.recall.is_nan() || self.f1.is_nan()
    }

    /// Applies `function` to precision, recall and F1 of `self` and `other`.
    pub(super) fn zip(self, other: Self, function: impl Fn(f32, f32) -> f32) -> Self {
        Self {
            precision: function(self.precision, other.precision),
            recall: function(self.recall, other.recall),
            f1: function(self.f1, other.f1),
        }
    }
}

/// The best scores of a candidate over several references: P, R and F1 are maximised **independently**,
/// before rescaling.
///
/// As in the reference implementation (`bert_score/score.py:135-139`), P, R and F1 may be from three
/// different references, and F1 need not be the harmonic mean of the other two. A NaN from one reference
/// makes the maximum NaN, as in `torch.max`: an undefined score is not hidden by another reference. `None` if
/// there are no references.
pub fn best_of(scores: &[Scores]) -> Option<Scores> {
    scores.iter().copied().reduce(|best, other| best.zip(other, larger_or_nan))
}

/// `f32::max` ignores NaN; this does not.
fn larger_or_nan(left: f32, right: f32) -> f32 {
    if left.is_nan() || left >= right { left } else { right }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scores(precision: f32, recall: f32, f1: f32) -> Scores {
        Scores { precision, recall, f1 }
    }

    #[test]
    fn each_score_is_maximised_by_itself() {
        let references = [scores(0.9, 0.1, 0.18), scores(0.2, 0.8, 0.32), scores(0.5, 0.5, 0.5)];
        assert_eq!(best_of(&references), Some(scores(0.9, 0.8, 0.5)));
    }

    #[test]
    fn nan_propagates_wherever_it_stands() {
        // torch.tensor([[.1, .9, .3], [nan, .2, .5], [.4, .3, .2]]).max(dim=0)[0] is [nan, 0.9, 0.5] (torch
        // 2.15).
        let rows = [scores(0.1, 0.9, 0.3), scores(f32::NAN, 0.2, 0.5), scores(0.4, 0.3, 0.2)];
        for shift in 0..rows.len() {
            let mut rotated = rows;
            rotated.rotate_left(shift);
            let best = best_of(&rotated);
            assert!(best.is_some_and(|best| best.precision.is_nan() && best.recall == 0.9 && best.f1 == 0.5));
        }
    }

    #[test]
    fn one_reference_is_itself_and_none_is_none() {
        assert_eq!(best_of(&[scores(-0.5, 0.25, 0.0)]), Some(scores(-0.5, 0.25, 0.0)));
        assert_eq!(best_of(&[]), None);
    }

    #[test]
    fn any_nan_is_seen() {
        assert!(!Scores::ZERO.has_nan());
        assert!(scores(f32::NAN, 0.0, 0.0).has_nan());
        assert!(scores(0.0, f32::NAN, 0.0).has_nan());
        assert!(scores(0.0, 0.0, f32::NAN).has_nan());
    }

    proptest! {
        #[test]
        fn the_order_of_references_does_not_matter(
            mut rows in prop::collection::vec((-1f32..1.0, -1f32..1.0, -1f32..1.0), 1..6),
        ) {
            let all = |rows: &[(f32, f32, f32)]| {
                best_of(&rows.iter().map(|&(p, r, f)| scores(p, r, f)).collect::<Vec<_>>())
            };
            let forward = all(&rows);
            rows.reverse();
            prop_assert_eq!(forward, all(&rows));
            prop_assert!(rows.iter().all(|row| forward.is_some_and(|best| best.precision >= row.0)));
        }
    }
}
