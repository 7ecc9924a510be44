//! n-grams that two texts have in common.

use super::tokens::Text;
use crate::lexical::ngrams::Ngrams;

/// Counts of the n-grams of one order.
#[derive(Debug)]
pub(super) struct Overlap {
    /// The n-grams of each order from 2 on, by the number of their first tokens and their last token. The
    /// number of a single token is the token's own, so that the numbers of the last order alone are counted.
    orders: Vec<Ngrams>,
    /// How often each reference has each n-gram; number 0 is any that none has.
    counts: Vec<Vec<u32>>,
    /// The same of the candidate, and 0 between two texts.
    seen: Vec<u32>,
    /// The n-grams of each reference, and at last those of the candidate.
    numbers: Vec<u32>,
}

impl Overlap {
    /// For n-grams of this many tokens, at least 1.
    pub(super) fn new(order: usize) -> Self {
        let orders = (2..=order).map(|_| Ngrams::default()).collect();
        Self { orders, counts: Vec::new(), seen: Vec::new(), numbers: Vec::new() }
    }

    /// The number of n-grams of a text.
    pub(super) fn total(&self, text: &Text) -> usize {
        text.tokens.len().saturating_sub(self.orders.len())
    }

    /// Counts the n-grams of a row's references.
    pub(super) fn start_row(&mut self, references: &[Text], max_token: u32) {
        self.orders.iter_mut().for_each(Ngrams::clear);
        self.counts.resize_with(self.counts.len().max(references.len()), Vec::new);
        for (reference, counts) in references.iter().zip(&mut self.counts) {
            number_ngrams(&mut self.numbers, reference, &mut self.orders, |ngrams, prefix, token| {
                ngrams.insert(prefix, token)
            });
            counts.clear();
            for number in &self.numbers {
                let at = *number as usize;
                if at >= counts.len() {
                    counts.resize(at + 1, 0);
                }
                counts[at] += 1;
            }
        }
        let greatest = self.orders.last().map_or(max_token as usize, Ngrams::len);
        self.seen.clear();
        self.seen.resize(greatest + 1, 0);
    }

    /// Takes the next candidate.
    pub(super) fn start_candidate(&mut self, candidate: &Text) {
        number_ngrams(&mut self.numbers, candidate, &mut self.orders, |ngrams, prefix, token| {
            // No n-gram has number 0, so nothing is found after a prefix that is not known.
            ngrams.find(prefix, token).unwrap_or(0)
        });
        self.numbers.retain(|number| *number != 0);
    }

    /// The n-grams that the candidate shares with a reference, each as often as the rarer text has it.
    pub(super) fn hits(&mut self, reference: usize) -> usize {
        let counts = &self.counts[reference];
        let mut hits = 0;
        for number in &self.numbers {
            let at = *number as usize;
            if counts.get(at).is_some_and(|count| self.seen[at] < *count) {
                self.seen[at] += 1;
                hits += 1;
            }
        }
        self.numbers.iter().for_each(|number| self.seen[*number as usize] = 0);
        hits
    }
}

/// Replaces `numbers` by those of a text's n-grams, order by order from its tokens.
fn number_ngrams(
    numbers: &mut Vec<u32>,
    text: &Text,
    orders: &mut [Ngrams],
    number: impl Fn(&mut Ngrams, u32, u32) -> u32,
) {
    numbers.clear();
    numbers.extend_from_slice(&text.tokens);
    for (order, ngrams) in orders.iter_mut().enumerate() {
        let last_tokens = text.tokens.get(order + 1..).unwrap_or_default();
        numbers.truncate(last_tokens.len());
        for (prefix, token) in numbers.iter_mut().zip(last_tokens) {
            *prefix = number(ngrams, *prefix, *token);
        }
    }
}
