//! Results of a scoring.

use std::ops::Deref;

use super::Scores;
use crate::session::Occurrences;

/// The scores of some pairs, in order, and notices about the pairs. It derefs to the scores.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scored {
    /// One per pair.
    pub scores: Vec<Scores>,
    /// Notices about unusual pairs.
    pub notices: ScoreNotices,
}

impl Deref for Scored {
    type Target = [Scores];

    fn deref(&self) -> &[Scores] {
        &self.scores
    }
}

impl IntoIterator for Scored {
    type Item = Scores;
    type IntoIter = std::vec::IntoIter<Scores>;

    fn into_iter(self) -> Self::IntoIter {
        self.scores.into_iter()
    }
}

impl<'a> IntoIterator for &'a Scored {
    type Item = &'a Scores;
    type IntoIter = std::slice::Iter<'a, Scores>;

    fn into_iter(self) -> Self::IntoIter {
        self.scores.iter()
    }
}

/// Unusual pairs of a scoring: empty, undefined or truncated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScoreNotices {
    /// The number of pairs.
    pub pairs: u64,
    /// Pairs whose candidate is empty, or whose references all are: their raw score is 0.
    pub empty: Occurrences,
    /// Pairs with an empty reference and others that are not. The raw score is 0 for the empty one alone.
    pub empty_references: Occurrences,
    /// Pairs with a NaN score, at any layer.
    pub undefined: Occurrences,
    /// Candidates and references that were truncated to the longest length.
    pub truncated: u64,
    /// Texts that were encoded; the others were known from an earlier pair.
    pub encoded: u64,
}

/// The pairs of a window.
pub(super) struct ScoredWindow {
    /// The pairs' scores at each layer.
    pub(super) layers: Vec<Vec<Scores>>,
    /// Notices about the pairs' texts.
    pub(super) pairs: Vec<PairNotice>,
    /// Texts that were encoded.
    pub(super) encoded: u64,
}

/// Notices about the texts of a pair.
pub(super) struct PairNotice {
    pub(super) emptiness: Emptiness,
    pub(super) truncated_texts: u64,
}

/// Which texts of a pair are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Emptiness {
    /// None.
    Nothing,
    /// Some of the references.
    SomeReferences,
    /// The candidate, or every reference.
    Side,
}

impl Emptiness {
    /// From whether the candidate is empty, then each reference.
    pub(super) fn of(mut texts: impl Iterator<Item = bool>) -> Self {
        let candidate = texts.next().unwrap_or(false);
        let (mut any, mut all) = (false, true);
        for is_empty in texts {
            any |= is_empty;
            all &= is_empty;
        }
        match (candidate || all, any) {
            (true, _) => Self::Side,
            (false, true) => Self::SomeReferences,
            (false, false) => Self::Nothing,
        }
    }
}

impl ScoreNotices {
    /// Adds the next pairs.
    pub(super) fn add(&mut self, window: &ScoredWindow) {
        self.encoded += window.encoded;
        for (at, PairNotice { emptiness, truncated_texts }) in window.pairs.iter().enumerate() {
            match emptiness {
                Emptiness::Nothing => {}
                Emptiness::SomeReferences => self.empty_references.add(self.pairs),
                Emptiness::Side => self.empty.add(self.pairs),
            }
            if window.layers.iter().any(|scores| scores[at].has_nan()) {
                self.undefined.add(self.pairs);
            }
            self.truncated += truncated_texts;
            self.pairs += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Emptiness;

    #[test]
    fn a_side_is_empty_if_all_its_texts_are() {
        for (texts, expected) in [
            (&[false, false][..], Emptiness::Nothing),
            (&[true, false], Emptiness::Side),
            (&[false, true], Emptiness::Side),
            (&[false, true, true], Emptiness::Side),
            (&[false, true, false], Emptiness::SomeReferences),
            (&[true, true, false], Emptiness::Side),
        ] {
            assert_eq!(Emptiness::of(texts.iter().copied()), expected, "{texts:?}");
        }
    }
}
