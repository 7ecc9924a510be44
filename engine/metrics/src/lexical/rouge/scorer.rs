//! Scores candidates against the references of a row.

use super::lcs::Lcs;
use super::overlap::Overlap;
use super::summary::Summary;
use super::tokens::{Text, Tokens};
use super::{Kind, Rouge};
use crate::lexical::RowScorer;
use crate::lexical::reused::Reused;

/// The worker of one thread.
#[derive(Debug)]
pub(super) struct Scorer {
    measure: Measure,
    tokens: Tokens,
    references: Reused<Text>,
    candidate: Text,
}

/// Counts what two texts have in common.
#[derive(Debug)]
enum Measure {
    Overlap(Overlap),
    Sequence(Lcs),
    Summary(Summary),
}

impl Scorer {
    pub(super) fn new(rouge: &Rouge) -> Self {
        let measure = match rouge.kind {
            Kind::N(order) => Measure::Overlap(Overlap::new(usize::from(order))),
            Kind::L => Measure::Sequence(Lcs::default()),
            Kind::Lsum => Measure::Summary(Summary::default()),
        };
        let tokens = Tokens::new(rouge.tokenizer, rouge.has_stems());
        Self { measure, tokens, references: Reused::default(), candidate: Text::default() }
    }

    /// Precision, recall and F1 against one reference.
    fn triple(&mut self, reference: usize) -> [f64; 3] {
        let (candidate, text) = (&self.candidate, &self.references[reference]);
        let (hits, totals) = match &mut self.measure {
            Measure::Overlap(overlap) => {
                (overlap.hits(reference), [candidate, text].map(|text| overlap.total(text)))
            }
            Measure::Sequence(lcs) => (lcs.length(&text.tokens, &candidate.tokens), lengths(candidate, text)),
            Measure::Summary(summary) => (summary.hits(text, candidate), lengths(candidate, text)),
        };
        let [precision, recall] = totals.map(|total| hits as f64 / total.max(1) as f64);
        let sum = precision + recall;
        let f1 = if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 };
        [precision, recall, f1]
    }
}

fn lengths(candidate: &Text, reference: &Text) -> [usize; 2] {
    [candidate.tokens.len(), reference.tokens.len()]
}

impl RowScorer for Scorer {
    fn prepare(&mut self, references: &[&str]) {
        self.tokens.start_row();
        for (reference, text) in references.iter().zip(self.references.start_row(references.len())) {
            self.tokens.read_reference(reference, text);
        }
        let max_token = self.tokens.max_number();
        match &mut self.measure {
            Measure::Overlap(overlap) => overlap.start_row(&self.references, max_token),
            Measure::Sequence(lcs) => lcs.start_row(max_token),
            Measure::Summary(summary) => summary.start_row(max_token),
        }
    }

    fn statistics(&mut self, candidate: &str, statistics: &mut [f64]) {
        self.tokens.read_candidate(candidate, &mut self.candidate);
        if let Measure::Overlap(overlap) = &mut self.measure {
            overlap.start_candidate(&self.candidate);
        }
        let mut best = [0.0; 3];
        for reference in 0..self.references.len() {
            let triple = self.triple(reference);
            if reference == 0 || triple[2] > best[2] {
                best = triple;
            }
        }
        statistics[..3].copy_from_slice(&best);
        statistics[3] = 1.0;
    }
}
