//! Texts that occur several times in a window are embedded once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The different texts among several.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Distinct {
    /// Where each different text stands first.
    pub(super) firsts: Vec<usize>,
    /// For every text, which of the different ones it is.
    pub(super) indices: Vec<usize>,
}

impl Distinct {
    pub(super) fn of(texts: &[&str]) -> Self {
        let mut known = HashMap::with_capacity(texts.len());
        let mut firsts = Vec::new();
        let indices = texts.iter().enumerate().map(|(position, text)| match known.entry(*text) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                firsts.push(position);
                *entry.insert(firsts.len() - 1)
            }
        });
        Self { indices: indices.collect(), firsts }
    }

    /// Texts that were there already.
    pub(super) fn repeated(&self) -> u64 {
        (self.indices.len() - self.firsts.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Distinct;

    #[test]
    fn equal_texts_share_an_index() {
        let distinct = Distinct::of(&["a", "b", "a", "", "b", "a "]);
        assert_eq!(distinct.firsts, [0, 1, 3, 5]);
        assert_eq!(distinct.indices, [0, 1, 0, 2, 1, 3]);
        assert_eq!(distinct.repeated(), 2);
        assert_eq!(Distinct::of(&[]).repeated(), 0);
    }
}
