//! Texts that occur in more than one row.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use twox_hash::XxHash3_64;

/// The distinct texts of an evaluation, and those that occur in more than one row, by a hash of 64 bits.
///
/// It decides only which encoded texts are kept for later rows. Two texts of one hash cost memory, or are
/// counted as one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecurringTexts {
    /// The number of distinct texts.
    pub distinct: u64,
    hashes: Arc<HashSet<u64>>,
}

impl RecurringTexts {
    /// Whether a text occurs in more than one row.
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.hashes.contains(&hash(text))
    }
}

/// Collects texts row by row.
#[derive(Debug, Default)]
pub(crate) struct RecurringBuilder {
    /// The row in which each text occurred last.
    rows: HashMap<u64, u64>,
    recurring: HashSet<u64>,
}

impl RecurringBuilder {
    pub(crate) fn add(&mut self, text: &str, row: u64) {
        let hash = hash(text);
        match self.rows.entry(hash) {
            Entry::Vacant(entry) => {
                entry.insert(row);
            }
            Entry::Occupied(entry) if *entry.get() == row => {}
            Entry::Occupied(_) => {
                self.recurring.insert(hash);
            }
        }
    }

    pub(crate) fn finish(self) -> RecurringTexts {
        RecurringTexts { distinct: self.rows.len() as u64, hashes: Arc::new(self.recurring) }
    }
}

fn hash(text: &str) -> u64 {
    XxHash3_64::oneshot(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_recurs_if_another_row_has_it() {
        let mut builder = RecurringBuilder::default();
        for (text, row) in [("a", 0), ("a", 0), ("b", 0), ("b", 1), ("c", 1)] {
            builder.add(text, row);
        }
        let texts = builder.finish();
        assert_eq!(texts.distinct, 3);
        assert_eq!(["a", "b", "c", "d"].map(|text| texts.contains(text)), [false, true, false, false]);
    }
}
