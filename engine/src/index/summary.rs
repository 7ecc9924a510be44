//! What a build or an update did.

use serde::Serialize;

use super::known::Match;
use crate::embed::Counts;

/// What a build or an update did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct UpdateSummary {
    /// Texts that are as they were.
    pub unchanged: u64,
    /// Texts that replace others: their text or a kept column is another.
    pub changed: u64,
    /// Texts that are new.
    pub added: u64,
    /// Texts that are no longer there.
    pub removed: u64,
    /// Rows without text that were left out.
    pub skipped: u64,
    /// Sequences of bytes that were not UTF-8 and were replaced.
    pub replaced_bytes: u64,
    /// Rows of zeros among those that were written.
    pub zeros: u64,
    /// Counts of the texts that were encoded.
    #[serde(skip)]
    pub counts: Counts,
}

impl UpdateSummary {
    pub(super) fn count(&mut self, found: Match) {
        match found {
            Match::Same(_) => self.unchanged += 1,
            Match::Changed(_) => self.changed += 1,
            Match::New => self.added += 1,
        }
    }
}
