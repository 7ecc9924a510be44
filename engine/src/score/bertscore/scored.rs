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
    /// Pairs with an empty candidate or reference.
    pub empty: Occurrences,
    /// Pairs with a NaN score.
    pub undefined: Occurrences,
    /// Candidates and references that were truncated to the longest length.
    pub truncated: u64,
}

/// A pair's scores, and notices about its texts.
pub(super) struct ScoredPair {
    pub(super) scores: Scores,
    pub(super) has_empty_text: bool,
    pub(super) truncated_texts: u64,
}

impl ScoreNotices {
    /// Adds the next pairs.
    pub(super) fn add(&mut self, scored: &[ScoredPair]) {
        for ScoredPair { scores, has_empty_text, truncated_texts } in scored {
            if *has_empty_text {
                self.empty.add(self.pairs);
            }
            if scores.has_nan() {
                self.undefined.add(self.pairs);
            }
            self.truncated += truncated_texts;
            self.pairs += 1;
        }
    }
}
