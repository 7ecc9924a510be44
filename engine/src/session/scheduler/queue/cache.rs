//! Outputs of texts that were encoded before, up to a number of bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::super::kind::AnyOutput;
use super::flights::TextKey;

/// Bytes of the books on an entry: about 100 in the two maps.
const BOOKKEEPING: usize = 128;

/// Outputs by their tokens and kind of work. The least recently used are removed first.
#[derive(Default)]
pub(super) struct OutputCache {
    most_bytes: usize,
    bytes: usize,
    entries: HashMap<Arc<TextKey>, Entry>,
    /// Their keys by when they were last used.
    by_use: BTreeMap<u64, Arc<TextKey>>,
    uses: u64,
}

struct Entry {
    output: AnyOutput,
    bytes: usize,
    last_use: u64,
}

impl OutputCache {
    /// A cache of so many bytes; 0 keeps nothing.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { most_bytes, ..Self::default() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The output of the text, if it is there.
    pub(super) fn get(&mut self, key: &TextKey) -> Option<AnyOutput> {
        let entry = self.entries.get_mut(key)?;
        if let Some(key) = self.by_use.remove(&entry.last_use) {
            self.uses += 1;
            entry.last_use = self.uses;
            self.by_use.insert(self.uses, key);
        }
        Some(entry.output.clone())
    }

    /// Whether the output is there, without using it.
    pub(super) fn contains(&self, key: &TextKey) -> bool {
        self.entries.contains_key(key)
    }

    /// Keeps an output of this size, unless it takes more than the whole cache has.
    pub(super) fn insert(&mut self, key: &Arc<TextKey>, output: &AnyOutput, output_bytes: usize) {
        let bytes = output_bytes + key.bytes() + BOOKKEEPING;
        if bytes > self.most_bytes || self.contains(key) {
            return;
        }
        while self.bytes + bytes > self.most_bytes {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.bytes -= self.entries.remove(&oldest).map_or(0, |entry| entry.bytes);
        }
        self.uses += 1;
        self.bytes += bytes;
        self.by_use.insert(self.uses, key.clone());
        self.entries.insert(key.clone(), Entry { output: output.clone(), bytes, last_use: self.uses });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::TokenizedText;

    fn key(id: u32) -> Arc<TextKey> {
        let text =
            TokenizedText { ids: vec![id], truncated: false, is_empty: false, second_part: None, keys: None };
        Arc::new(TextKey::new(1, text, u64::from(id % 2)))
    }

    #[test]
    fn what_was_used_longest_ago_leaves_first() {
        let one = 1000 + key(0).bytes() + BOOKKEEPING;
        let mut cache = OutputCache::new(3 * one + 1);
        let insert = |cache: &mut OutputCache, id: u32| {
            let output: AnyOutput = Arc::new(id);
            cache.insert(&key(id), &output, 1000);
        };
        (0..3).for_each(|id| insert(&mut cache, id));
        assert_eq!(cache.bytes(), 3 * one);
        assert_eq!(*cache.get(&key(0)).unwrap().downcast::<u32>().unwrap(), 0);
        insert(&mut cache, 3);
        insert(&mut cache, 3);
        let kept: Vec<u32> = (0..4).filter(|&id| cache.contains(&key(id))).collect();
        assert_eq!((kept, cache.bytes()), (vec![0, 2, 3], 3 * one));
        let large: AnyOutput = Arc::new(7u32);
        cache.insert(&key(7), &large, 4 * one);
        assert!(!cache.contains(&key(7)) && cache.contains(&key(2)));
    }

    #[test]
    fn a_cache_of_no_bytes_keeps_nothing() {
        let mut cache = OutputCache::new(0);
        let output: AnyOutput = Arc::new(1u32);
        cache.insert(&key(1), &output, 0);
        assert!(cache.get(&key(1)).is_none() && cache.bytes() == 0);
    }
}
