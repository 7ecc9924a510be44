//! A map of a few entries, which keeps those that were used last.

use std::collections::HashMap;
use std::hash::Hash;

/// At most so many entries; for one more, the least recently used is removed.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    most: usize,
    uses: u64,
    /// With the number of their last use.
    entries: HashMap<K, (V, u64)>,
}

impl<K: Hash + Eq + Clone, V: Clone> Recent<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, uses: 0, entries: HashMap::new() }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<V> {
        self.uses += 1;
        let (value, last_use) = self.entries.get_mut(key)?;
        *last_use = self.uses;
        Some(value.clone())
    }

    /// The value that is there, or else this one, which is kept.
    pub(crate) fn get_or_insert(&mut self, key: &K, value: V) -> V {
        if let Some(known) = self.get(key) {
            return known;
        }
        if self.entries.len() >= self.most {
            let oldest = self.entries.iter().min_by_key(|(_, (_, last_use))| *last_use);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.entries.remove(&oldest);
            }
        }
        self.entries.insert(key.clone(), (value.clone(), self.uses));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_is_removed() {
        let mut recent = Recent::new(2);
        assert_eq!([recent.get_or_insert(&'a', 1), recent.get_or_insert(&'b', 2)], [1, 2]);
        assert_eq!(recent.get_or_insert(&'a', 9), 1);
        assert_eq!(recent.get_or_insert(&'c', 3), 3);
        assert_eq!([recent.get(&'a'), recent.get(&'b'), recent.get(&'c')], [Some(1), None, Some(3)]);
        assert_eq!(recent.get_or_insert(&'b', 4), 4);
        assert_eq!([recent.get(&'a'), recent.get(&'c')], [None, Some(3)]);
    }
}
