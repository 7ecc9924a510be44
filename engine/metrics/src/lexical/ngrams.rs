//! n-grams as numbers.

use rustc_hash::FxHashMap;

/// The n-grams of a row's references, of all orders: an n-gram is the number of its first n - 1 tokens and its
/// last token. Numbers count from 1 in the order of insertion, so that counts fit into an array.
///
/// Hashes of n-grams alone would be as fast, and wrong when two of them are equal.
#[derive(Debug, Default)]
pub(crate) struct Ngrams {
    numbers: FxHashMap<(u32, u32), u32>,
}

impl Ngrams {
    /// The number of no token at all, which every n-gram starts from.
    pub(crate) const EMPTY: u32 = 0;

    /// Forgets all n-grams and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.numbers.clear();
    }

    /// The number of all n-grams, and the greatest number of one.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The number of the n-gram `prefix` followed by `token`, which is added if it is new.
    pub(crate) fn insert(&mut self, prefix: u32, token: u32) -> u32 {
        let next = self.numbers.len() as u32 + 1;
        *self.numbers.entry((prefix, token)).or_insert(next)
    }

    /// The number of the n-gram `prefix` followed by `token`, if there is one. If there is none, no longer
    /// n-gram starts with these tokens either.
    pub(crate) fn find(&self, prefix: u32, token: u32) -> Option<u32> {
        self.numbers.get(&(prefix, token)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ngram_is_its_prefix_and_its_last_token() {
        let mut ngrams = Ngrams::default();
        let a = ngrams.insert(Ngrams::EMPTY, 7);
        let ab = ngrams.insert(a, 8);
        assert_eq!((a, ab, ngrams.insert(Ngrams::EMPTY, 7), ngrams.len()), (1, 2, 1, 2));
        assert_eq!(
            (ngrams.find(a, 8), ngrams.find(Ngrams::EMPTY, 8), ngrams.find(ab, 8)),
            (Some(2), None, None)
        );
        ngrams.clear();
        assert_eq!((ngrams.len(), ngrams.find(Ngrams::EMPTY, 7)), (0, None));
    }
}
