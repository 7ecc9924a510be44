//! How many n-grams each two texts of a set share.
//!
//! The n-grams of a text are counted once, however many texts it is compared with: a comparison is a walk along the
//! different n-grams of one text and looks up how often the other has each. For 50 sentences of 150 characters and
//! orders 1 to 6 a comparison reads about 800 numbers, and its texts are never read again.

use super::ngrams::Ngrams;

/// The n-grams of the texts of a set.
#[derive(Debug, Default)]
pub(crate) struct Overlaps {
    max_order: usize,
    ngrams: Ngrams,
    /// The different n-grams of every text, order by order.
    occurrences: Vec<Occurrence>,
    /// Where those of each text and order end.
    ends: Vec<usize>,
    /// The symbols of each text.
    lengths: Vec<usize>,
    /// By the number of an n-gram: how often the chosen text has it.
    counts: Vec<u32>,
    chosen: Option<usize>,
    /// The n-grams that start at each symbol of the text that is being added.
    prefixes: Vec<u32>,
}

/// An n-gram of a text.
#[derive(Debug, Clone, Copy)]
struct Occurrence {
    ngram: u32,
    count: u32,
}

impl Overlaps {
    /// Forgets all texts and keeps the memory. The next have n-grams of orders 1 to `max_order`.
    pub(crate) fn start(&mut self, max_order: usize) {
        self.max_order = max_order;
        self.ngrams.clear();
        self.occurrences.clear();
        self.ends.clear();
        self.lengths.clear();
        self.counts.clear();
        self.chosen = None;
    }

    /// Adds the next text. No text has been chosen yet.
    pub(crate) fn add(&mut self, symbols: &[u32]) {
        self.lengths.push(symbols.len());
        self.prefixes.clear();
        self.prefixes.resize(symbols.len(), Ngrams::EMPTY);
        for order in 1..=self.max_order {
            let first = self.occurrences.len();
            for (prefix, last) in self.prefixes.iter_mut().zip(symbols.iter().skip(order - 1)) {
                *prefix = self.ngrams.insert(*prefix, *last);
                if self.counts.len() <= *prefix as usize {
                    self.counts.resize(self.ngrams.len() + 1, 0);
                }
                let count = &mut self.counts[*prefix as usize];
                if *count == 0 {
                    self.occurrences.push(Occurrence { ngram: *prefix, count: 0 });
                }
                *count += 1;
            }
            for occurrence in &mut self.occurrences[first..] {
                occurrence.count = std::mem::take(&mut self.counts[occurrence.ngram as usize]);
            }
            self.ends.push(self.occurrences.len());
        }
    }

    /// Chooses the text that others are compared with.
    pub(crate) fn choose(&mut self, text: usize) {
        if let Some(earlier) = self.chosen.replace(text) {
            self.set_counts(earlier, |_| 0);
        }
        self.set_counts(text, |occurrence| occurrence.count);
    }

    fn set_counts(&mut self, text: usize, count: impl Fn(&Occurrence) -> u32) {
        let orders = text * self.max_order..(text + 1) * self.max_order;
        let start = self.start_of(orders.start);
        let end = self.start_of(orders.end);
        for occurrence in &self.occurrences[start..end] {
            self.counts[occurrence.ngram as usize] = count(occurrence);
        }
    }

    /// The number of symbols of a text.
    pub(crate) fn length(&self, text: usize) -> usize {
        self.lengths[text]
    }

    /// The number of n-grams of an order in a text.
    pub(crate) fn count(&self, text: usize, order: usize) -> usize {
        (self.lengths[text] + 1).saturating_sub(order)
    }

    /// How many n-grams of an order a text shares with the chosen one, each as often as both have it.
    pub(crate) fn shared(&self, text: usize, order: usize) -> usize {
        let place = text * self.max_order + order - 1;
        let occurrences = &self.occurrences[self.start_of(place)..self.ends[place]];
        let shared = |occurrence: &Occurrence| occurrence.count.min(self.counts[occurrence.ngram as usize]);
        occurrences.iter().map(|occurrence| shared(occurrence) as usize).sum()
    }

    fn start_of(&self, place: usize) -> usize {
        place.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition: each n-gram of one text takes an equal one of the other.
    fn shared(left: &[u32], right: &[u32], order: usize) -> usize {
        let mut rest: Vec<&[u32]> = right.windows(order).collect();
        let mut take = |ngram: &[u32]| {
            let at = rest.iter().position(|other| *other == ngram)?;
            Some(rest.swap_remove(at))
        };
        left.windows(order).filter(|ngram| take(ngram).is_some()).count()
    }

    proptest! {
        #[test]
        fn shared_ngrams_are_those_of_the_definition(
            texts in prop::collection::vec(prop::collection::vec(0u32..4, 0..12), 1..5),
            max_order in 1usize..5,
        ) {
            let mut overlaps = Overlaps::default();
            // What an earlier set left must not show.
            overlaps.start(3);
            overlaps.add(&[1, 2, 1, 2]);
            overlaps.choose(0);
            overlaps.start(max_order);
            texts.iter().for_each(|text| overlaps.add(text));
            for (at, chosen) in texts.iter().enumerate() {
                overlaps.choose(at);
                for (other, text) in texts.iter().enumerate() {
                    prop_assert_eq!(overlaps.length(other), text.len());
                    for order in 1..=max_order {
                        prop_assert_eq!(overlaps.shared(other, order), shared(text, chosen, order));
                        prop_assert_eq!(overlaps.count(other, order), text.windows(order).count());
                    }
                }
            }
        }
    }
}
