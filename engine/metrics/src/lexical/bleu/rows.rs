//! BLEU's statistics of texts.

use super::Bleu;
use super::tokenize::Cleaner;
use crate::lexical::RowScorer;
use crate::lexical::lowercase::lower_into;
use crate::lexical::ngrams::Ngrams;
use crate::lexical::tokens::Interner;

/// How often an n-gram occurs.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    /// In the reference that has it most often.
    limit: u32,
    /// In the text that is being read.
    seen: u32,
}

/// Computes BLEU's statistics.
#[derive(Debug)]
pub(super) struct BleuRows<'a> {
    bleu: &'a Bleu,
    tokens: Tokens,
    ngrams: Ngrams,
    /// By the number of an n-gram.
    counts: Vec<Count>,
    reference_lengths: Vec<usize>,
}

/// The tokens of a text as numbers, and the buffers that reading it needs.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub(super) interner: Interner,
    cleaner: Cleaner,
    lowered: String,
    pub(super) numbers: Vec<u32>,
}

impl Tokens {
    /// Reads a text; `numbers` are then those of its tokens.
    pub(super) fn read(&mut self, bleu: &Bleu, text: &str) {
        let Self { interner, cleaner, lowered, numbers } = self;
        let text = if bleu.lowercase {
            lower_into(text, lowered);
            lowered
        } else {
            text
        };
        numbers.clear();
        bleu.tokenizer.for_each(text, cleaner, |token| numbers.push(interner.number(token)));
    }
}

impl<'a> BleuRows<'a> {
    pub(super) fn new(bleu: &'a Bleu) -> Self {
        Self {
            bleu,
            tokens: Tokens::default(),
            ngrams: Ngrams::default(),
            counts: Vec::new(),
            reference_lengths: Vec::new(),
        }
    }

    fn add_reference(&mut self, reference: &str) {
        self.tokens.read(self.bleu, reference);
        let tokens = &self.tokens.numbers;
        self.reference_lengths.push(tokens.len());
        for start in 0..tokens.len() {
            let mut ngram = Ngrams::EMPTY;
            for token in tokens[start..].iter().take(self.bleu.max_order) {
                ngram = self.ngrams.insert(ngram, *token);
                self.counts.resize(self.ngrams.len() + 1, Count::default());
                let count = &mut self.counts[ngram as usize];
                count.seen += 1;
                count.limit = count.limit.max(count.seen);
            }
        }
        self.forget_seen();
    }

    fn forget_seen(&mut self) {
        self.counts.iter_mut().for_each(|count| count.seen = 0);
    }

    /// Adds to `correct` the n-grams that start at the first of these tokens.
    fn count_matches(&mut self, start: usize, correct: &mut [f64]) {
        let mut ngram = Ngrams::EMPTY;
        for (token, correct) in self.tokens.numbers[start..].iter().zip(correct) {
            let Some(found) = self.ngrams.find(ngram, *token) else { return };
            ngram = found;
            let count = &mut self.counts[ngram as usize];
            count.seen += 1;
            if count.seen <= count.limit {
                *correct += 1.0;
            }
        }
    }

    /// The reference length that is closest to a candidate's, the shorter of two.
    fn closest_length(&self, length: usize) -> usize {
        let closest = self.reference_lengths.iter().min_by_key(|known| (known.abs_diff(length), **known));
        closest.copied().unwrap_or_default()
    }
}

impl RowScorer for BleuRows<'_> {
    fn prepare(&mut self, references: &[&str]) {
        self.tokens.interner.start_row();
        self.ngrams.clear();
        self.counts.clear();
        self.reference_lengths.clear();
        references.iter().for_each(|reference| self.add_reference(reference));
    }

    fn statistics(&mut self, candidate: &str, statistics: &mut [f64]) {
        self.tokens.read(self.bleu, candidate);
        let length = self.tokens.numbers.len();
        let (lengths, counts) = statistics.split_at_mut(2);
        lengths.copy_from_slice(&[length as f64, self.closest_length(length) as f64]);
        let (correct, total) = counts.split_at_mut(self.bleu.max_order);
        correct.fill(0.0);
        (0..length).for_each(|start| self.count_matches(start, correct));
        self.forget_seen();
        for (order, total) in (1..).zip(total) {
            *total = (length + 1).saturating_sub(order) as f64;
        }
    }
}
