//! Encoding repeated texts of a window only once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// The distinct texts among several.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Distinct {
    /// Index of each distinct text's first occurrence.
    pub(crate) firsts: Vec<usize>,
    /// For every text, the index of its distinct text.
    pub(crate) indices: Vec<usize>,
}

impl Distinct {
    pub(crate) fn of<T: AsRef<str>>(texts: &[T]) -> Self {
        Self::of_keys(texts.iter().map(AsRef::as_ref))
    }

    /// Of items that are equal if their keys are.
    pub(crate) fn of_keys<K: Eq + Hash>(keys: impl ExactSizeIterator<Item = K>) -> Self {
        let mut known = HashMap::with_capacity(keys.len());
        let mut firsts = Vec::new();
        let indices = keys.enumerate().map(|(position, key)| match known.entry(key) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                firsts.push(position);
                *entry.insert(firsts.len() - 1)
            }
        });
        Self { indices: indices.collect(), firsts }
    }

    /// The first of each distinct item among `all`, from which this was made.
    pub(crate) fn select<T: Clone>(&self, all: &[T]) -> Vec<T> {
        self.firsts.iter().map(|&first| all[first].clone()).collect()
    }

    /// The places of each distinct text among all.
    pub(crate) fn places(&self) -> Places {
        let mut starts = vec![0; self.firsts.len() + 1];
        self.indices.iter().for_each(|&index| starts[index + 1] += 1);
        (0..self.firsts.len()).for_each(|index| starts[index + 1] += starts[index]);
        let (mut next, mut places) = (starts.clone(), vec![0; self.indices.len()]);
        for (place, &index) in self.indices.iter().enumerate() {
            places[next[index]] = place;
            next[index] += 1;
        }
        Places { starts, places }
    }

    /// Number of texts that had occurred before.
    pub(crate) fn repeated(&self) -> u64 {
        (self.indices.len() - self.firsts.len()) as u64
    }
}

/// Where the results of some texts belong: one or more places for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    /// Where the places of each text start, then their number.
    starts: Vec<usize>,
    places: Vec<usize>,
}

impl Places {
    /// One place for each text.
    pub(crate) fn one_each(places: Vec<usize>) -> Self {
        Self { starts: (0..=places.len()).collect(), places }
    }

    /// The places of text `index`.
    pub(crate) fn of(&self, index: usize) -> &[usize] {
        &self.places[self.starts[index]..self.starts[index + 1]]
    }

    /// The places mapped by `to`.
    pub(crate) fn map(mut self, to: impl Fn(usize) -> usize) -> Self {
        self.places.iter_mut().for_each(|place| *place = to(*place));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_knows_its_places() {
        let places = Distinct::of(&["a", "b", "a", "", "b", "a"]).places();
        assert_eq!([0, 1, 2].map(|index| places.of(index).to_vec()), [vec![0, 2, 5], vec![1, 4], vec![3]]);
        let places = places.map(|place| 10 * place);
        assert_eq!(places.of(1), [10, 40]);
        assert_eq!(Places::one_each(vec![7, 3]).of(1), [3]);
        assert_eq!(Distinct::of::<&str>(&[]).places(), Places::one_each(Vec::new()));
    }

    #[test]
    fn equal_texts_share_an_index() {
        let distinct = Distinct::of(&["a", "b", "a", "", "b", "a "]);
        assert_eq!(distinct.firsts, [0, 1, 3, 5]);
        assert_eq!(distinct.indices, [0, 1, 0, 2, 1, 3]);
        assert_eq!(distinct.repeated(), 2);
        assert_eq!(Distinct::of::<&str>(&[]).repeated(), 0);
    }
}
