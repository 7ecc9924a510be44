//! What a scoring returns.

use std::ops::Deref;

use super::Scores;
use crate::session::Occurrences;

/// The scores of some pairs, in their order, and what was out of the ordinary. It derefs to the scores.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scored {
    /// One for each pair.
    pub scores: Vec<Scores>,
    /// What was out of the ordinary.
    pub notices: ScoreNotices,
}

impl Deref for Scored {
    type Target = [Scores];

    fn deref(&self) -> &[Scores] {
        &self.scores
    }
}

/// What was out of the ordinary in pairs that were scored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScoreNotices {
    /// How many pairs there were.
    pub pairs: u64,
    /// Pairs with an empty candidate or reference.
    pub empty: Occurrences,
    /// Pairs with a score that is not a number.
    pub undefined: Occurrences,
    /// Candidates and references that were cut to the longest length.
    pub truncated: u64,
}

/// A pair's scores, and what was out of the ordinary in it.
pub(super) struct ScoredPair {
    pub(super) scores: Scores,
    pub(super) has_empty_text: bool,
    pub(super) truncated_texts: u64,
}

impl ScoreNotices {
    /// Adds pairs that come after those so far.
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
