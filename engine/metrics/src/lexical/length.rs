//! The length ratio: words of the candidates / words of the closest references.
//!
//! The closest reference is the one whose number of words differs least, of two such the shorter, as for BLEU's
//! brevity penalty. Words are between blanks. The score describes the texts: about 1 is usual, and neither more nor
//! less is better. Without any words in the references it is not defined.

use super::blank::words;
use super::{Direction, Figure, Metric, ReferenceCount, RowScorer, Settings, SpecError, TextMetric};
use crate::Signature;

/// The length ratio.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LengthRatio {}

impl LengthRatio {
    /// The metric, which has no settings.
    ///
    /// # Errors
    /// [`SpecError`] if there is any.
    pub fn from_spec(settings: Settings<'_>) -> Result<Self, SpecError> {
        settings.finish()?;
        Ok(Self {})
    }
}

impl Metric for LengthRatio {
    fn name(&self) -> &'static str {
        "length"
    }

    fn direction(&self) -> Direction {
        Direction::Neither
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        Signature::new("nrefs", references).own_version()
    }

    fn statistics(&self) -> Vec<String> {
        vec!["candidate_length".to_owned(), "reference_length".to_owned()]
    }

    fn score(&self, sums: &[f64]) -> f64 {
        if sums[1] > 0.0 { sums[0] / sums[1] } else { f64::NAN }
    }

    fn figures(&self, sums: &[f64]) -> Vec<(&'static str, Figure)> {
        vec![
            ("score", Figure::Number(self.score(sums))),
            ("candidate_length", Figure::Count(sums[0] as u64)),
            ("reference_length", Figure::Count(sums[1] as u64)),
        ]
    }
}

impl TextMetric for LengthRatio {
    fn row_scorer(&self) -> Box<dyn RowScorer + '_> {
        Box::new(Scorer { references: Vec::new() })
    }
}

/// The lengths of a row's references.
#[derive(Debug)]
struct Scorer {
    references: Vec<usize>,
}

impl RowScorer for Scorer {
    fn prepare(&mut self, references: &[&str]) {
        self.references.clear();
        self.references.extend(references.iter().map(|text| words(text).count()));
    }

    fn statistics(&mut self, candidate: &str, statistics: &mut [f64]) {
        let length = words(candidate).count();
        let closest = self.references.iter().min_by_key(|other| (other.abs_diff(length), **other));
        (statistics[0], statistics[1]) = (length as f64, closest.copied().unwrap_or(0) as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_reference_counts() {
        let metric = LengthRatio::default();
        let (mut scorer, mut statistics) = (metric.row_scorer(), [0.0; 2]);
        for (candidate, references, expected) in [
            ("a b c", &["a", "a b c d", "a b"][..], [3.0, 2.0]),
            ("a\u{1f}b", &["a b c d e", ""], [2.0, 0.0]),
            ("", &["a b"], [0.0, 2.0]),
        ] {
            scorer.prepare(references);
            scorer.statistics(candidate, &mut statistics);
            assert_eq!(statistics, expected, "{candidate}");
        }
        assert_eq!(metric.score(&[3.0, 2.0]), 1.5);
        assert!(metric.score(&[2.0, 0.0]).is_nan());
    }
}
