//! The mean over all pairs.

use nearsay_metrics::statistics::ExactSum;
use serde::Serialize;

use super::Scores;

/// Means of P, R and F1 over the pairs so far, from exact sums that are rounded once, so that the order of the pairs
/// does not matter.
#[derive(Debug, Clone, Default)]
pub struct RunningMean {
    pairs: u64,
    precision: ExactSum,
    recall: ExactSum,
    f1: ExactSum,
}

impl RunningMean {
    /// A mean over no pairs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next pair of the input.
    pub fn add(&mut self, scores: &Scores) {
        self.pairs += 1;
        self.precision.add(f64::from(scores.precision));
        self.recall.add(f64::from(scores.recall));
        self.f1.add(f64::from(scores.f1));
    }

    /// The means. NaN if any pair's score is NaN or there are no pairs, as in torch
    /// (`bert_score_cli/score.py:120`).
    pub fn mean(&self) -> MeanScores {
        let pairs = self.pairs as f64;
        MeanScores {
            precision: self.precision.value() / pairs,
            recall: self.recall.value() / pairs,
            f1: self.f1.value() / pairs,
        }
    }

    /// The number of pairs added.
    pub fn pairs(&self) -> u64 {
        self.pairs
    }
}

/// Precision, recall and F1 over all pairs. F1 is the mean of the pairs' F1, not the harmonic mean of the
/// other two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MeanScores {
    /// Mean precision.
    pub precision: f64,
    /// Mean recall.
    pub recall: f64,
    /// Mean F1.
    pub f1: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(pairs: &[Scores]) -> RunningMean {
        let mut mean = RunningMean::new();
        pairs.iter().for_each(|scores| mean.add(scores));
        mean
    }

    fn pairs() -> [Scores; 2] {
        [Scores { precision: 0.25, recall: 0.5, f1: 1.0 }, Scores { precision: 0.75, recall: -0.5, f1: 0.0 }]
    }

    #[test]
    fn means_are_taken_of_each_score() {
        let mean = mean_of(&pairs());
        assert_eq!(mean.mean(), MeanScores { precision: 0.5, recall: 0.0, f1: 0.5 });
        assert_eq!(mean.pairs(), 2);
    }

    #[test]
    fn a_nan_makes_its_own_mean_nan() {
        let broken = Scores { precision: f32::NAN, ..pairs()[0] };
        let mean = mean_of(&[pairs()[0], broken, pairs()[1]]);
        assert!(mean.mean().precision.is_nan());
        assert!(!mean.mean().recall.is_nan());
        assert_eq!(mean.pairs(), 3);
    }

    #[test]
    fn no_pairs_have_no_mean() {
        assert!(RunningMean::new().mean().f1.is_nan());
    }

    #[test]
    fn a_million_pairs_do_not_drift() {
        // An f32 sum of a million times 0.9 is off in the third digit.
        let mut mean = RunningMean::new();
        let scores = Scores { precision: 0.9, recall: 0.9, f1: 0.9 };
        (0..1_000_000).for_each(|_| mean.add(&scores));
        assert!((mean.mean().f1 - f64::from(0.9f32)).abs() < 1e-9);
    }
}
