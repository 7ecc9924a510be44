//! BLEU of every text of a set against every other.

use super::Bleu;
use super::rows::Tokens;
use crate::lexical::overlaps::Overlaps;
use crate::lexical::{Metric, SetScorer};

/// Scores the texts of sets.
#[derive(Debug)]
pub(super) struct BleuSet<'a> {
    bleu: &'a Bleu,
    tokens: Tokens,
    overlaps: Overlaps,
    /// As [`Metric::statistics`] names them.
    statistics: Vec<f64>,
}

impl<'a> BleuSet<'a> {
    pub(super) fn new(bleu: &'a Bleu) -> Self {
        let statistics = vec![0.0; 2 + 2 * bleu.max_order];
        Self { bleu, tokens: Tokens::default(), overlaps: Overlaps::default(), statistics }
    }
}

impl SetScorer for BleuSet<'_> {
    fn prepare(&mut self, texts: &[&str]) {
        self.tokens.interner.start_row();
        self.overlaps.start(self.bleu.max_order);
        for text in texts {
            self.tokens.read(self.bleu, text);
            self.overlaps.add(&self.tokens.numbers);
        }
    }

    fn scores(&mut self, reference: usize, scores: &mut [f64]) {
        let Self { bleu, overlaps, statistics, .. } = self;
        overlaps.choose(reference);
        for (candidate, score) in scores.iter_mut().enumerate() {
            let (lengths, counts) = statistics.split_at_mut(2);
            lengths.copy_from_slice(&[candidate, reference].map(|text| overlaps.length(text) as f64));
            let (correct, total) = counts.split_at_mut(bleu.max_order);
            for (order, (correct, total)) in (1..).zip(correct.iter_mut().zip(total)) {
                *correct = overlaps.shared(candidate, order) as f64;
                *total = overlaps.count(candidate, order) as f64;
            }
            *score = bleu.segment_score(statistics);
        }
    }
}
