//! distinct-1 to distinct-4: how many n-grams of a text differ, as a share of all its n-grams.
//!
//! score = sum over texts of their different n-grams / sum over texts of their n-grams. Each text is counted alone, so
//! that the score is a ratio of sums and does not depend on the size of the corpus. Li et al. (A Diversity-Promoting
//! Objective Function for Neural Conversation Models, NAACL 2016) count the different n-grams of all texts together;
//! that ratio falls as texts are added, and only corpora of equal size can be compared by it.
//!
//! Words are between blanks, in their case. References do not count. Texts of fewer than n words have no n-grams;
//! without any the score is not defined.

use super::blank::words;
use super::ngrams::Ngrams;
use super::tokens::Interner;
use super::{Direction, Figure, Metric, ReferenceCount, RowScorer, Settings, SpecError, TextMetric};
use crate::Signature;

/// The share of different n-grams of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distinct {
    order: usize,
}

impl Default for Distinct {
    /// Of words.
    fn default() -> Self {
        Self { order: 1 }
    }
}

impl Distinct {
    /// The same for n-grams of `order` words, which is taken as 1 to 4.
    #[must_use]
    pub fn order(self, order: usize) -> Self {
        Self { order: order.clamp(1, 4) }
    }

    /// The same metric, which has no settings.
    ///
    /// # Errors
    /// [`SpecError`] if there is any.
    pub fn from_spec(self, settings: Settings<'_>) -> Result<Self, SpecError> {
        settings.finish()?;
        Ok(self)
    }
}

impl Metric for Distinct {
    fn name(&self) -> &'static str {
        ["distinct1", "distinct2", "distinct3", "distinct4"][self.order - 1]
    }

    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn signature(&self, _: ReferenceCount) -> Signature {
        Signature::new("no", self.order).with("scope", "text").own_version()
    }

    fn statistics(&self) -> Vec<String> {
        vec!["distinct".to_owned(), "ngrams".to_owned()]
    }

    fn score(&self, sums: &[f64]) -> f64 {
        if sums[1] > 0.0 { sums[0] / sums[1] } else { f64::NAN }
    }

    fn figures(&self, sums: &[f64]) -> Vec<(&'static str, Figure)> {
        vec![
            ("score", Figure::Number(self.score(sums))),
            ("distinct", Figure::Count(sums[0] as u64)),
            ("ngrams", Figure::Count(sums[1] as u64)),
        ]
    }
}

impl TextMetric for Distinct {
    fn row_scorer(&self) -> Box<dyn RowScorer + '_> {
        let (interner, ngrams) = (Interner::default(), Ngrams::default());
        Box::new(Scorer { order: self.order, interner, ngrams, words: Vec::new() })
    }
}

/// The buffers of one worker.
#[derive(Debug)]
struct Scorer {
    order: usize,
    interner: Interner,
    ngrams: Ngrams,
    words: Vec<u32>,
}

impl RowScorer for Scorer {
    fn prepare(&mut self, _: &[&str]) {}

    fn statistics(&mut self, candidate: &str, statistics: &mut [f64]) {
        // Nothing refers to the words of the texts before.
        self.interner.start_row();
        self.ngrams.clear();
        self.words.clear();
        self.words.extend(words(candidate).map(|word| self.interner.number(word)));
        let (mut distinct, mut total) = (0_u32, 0_u32);
        for ngram in self.words.windows(self.order) {
            let (last, rest) = (ngram[self.order - 1], &ngram[..self.order - 1]);
            let prefix = rest.iter().fold(Ngrams::EMPTY, |prefix, word| self.ngrams.insert(prefix, *word));
            let before = self.ngrams.len();
            self.ngrams.insert(prefix, last);
            distinct += u32::from(self.ngrams.len() > before);
            total += 1;
        }
        (statistics[0], statistics[1]) = (f64::from(distinct), f64::from(total));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn statistics(order: usize, candidates: &[&str]) -> Vec<[f64; 2]> {
        let metric = Distinct::default().order(order);
        let mut scorer = metric.row_scorer();
        scorer.prepare(&["a"]);
        let one = |candidate: &&str| {
            let mut statistics = [0.0; 2];
            scorer.statistics(candidate, &mut statistics);
            statistics
        };
        candidates.iter().map(one).collect()
    }

    #[test]
    fn each_text_is_counted_alone() {
        assert_eq!(statistics(1, &["a b a", "a b a", ""]), [[2.0, 3.0], [2.0, 3.0], [0.0, 0.0]]);
        assert_eq!(statistics(2, &["a b a b c", "a"]), [[3.0, 4.0], [0.0, 0.0]]);
        let metric = Distinct::default().order(3);
        assert_eq!((metric.name(), metric.score(&[1.0, 4.0])), ("distinct3", 0.25));
        assert!(metric.score(&[0.0, 0.0]).is_nan());
        let signature = metric.signature(ReferenceCount::Fixed(1)).to_string();
        assert!(signature.starts_with("no:3|scope:text|version:nearsay."), "{signature}");
    }

    proptest! {
        #[test]
        fn equals_sets_of_ngrams(text in "([abc]{1,2}[ \u{1f}]){0,40}", order in 1..5_usize) {
            let blank = |c: char| c.is_whitespace() || c == '\u{1f}';
            let words: Vec<&str> = text.split(blank).filter(|word| !word.is_empty()).collect();
            let ngrams: HashSet<&[&str]> = words.windows(order).collect();
            let expected = [ngrams.len() as f64, words.windows(order).count() as f64];
            prop_assert_eq!(statistics(order, &[&text]), [expected]);
        }
    }
}
