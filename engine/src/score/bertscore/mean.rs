//! The mean over all pairs.

use nearsay_metrics::statistics::ExactSum;
use serde::Serialize;

use super::Scores;

/// Means of P, R and F1 over the pairs so far, from exact sums that are rounded once, so that the order of the pairs
/// does not matter.
#[derive(Debug, Clone, Default)]
pub struct RunningMean {
    pairs: u64,
    weight: ExactSum,
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
        self.add_weighted(scores, 1.0);
    }

    /// Adds the next pair of the input, which counts as `weight` others, a finite number of at least 0. A pair with the
    /// weight 0 does not count, even if its score is NaN.
    pub fn add_weighted(&mut self, scores: &Scores, weight: f64) {
        self.pairs += 1;
        if weight == 0.0 {
            return;
        }
        self.weight.add(weight);
        self.precision.add(weight * f64::from(scores.precision));
        self.recall.add(weight * f64::from(scores.recall));
        self.f1.add(weight * f64::from(scores.f1));
    }

    /// The means. NaN if any pair's score is NaN or there are no pairs, as in torch
    /// (`bert_score_cli/score.py:120`).
    pub fn mean(&self) -> MeanScores {
        let weight = self.weight.value();
        MeanScores {
            precision: self.precision.value() / weight,
            recall: self.recall.value() / weight,
            f1: self.f1.value() / weight,
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
    fn weights_are_those_of_a_plain_weighted_mean() {
        let scores: Vec<Scores> = (0..1000)
            .map(|at| Scores { precision: (at as f32).sin(), recall: 0.5, f1: (at as f32).cos() })
            .collect();
        let weights: Vec<f64> = (0..1000).map(|at| f64::from(at % 7) * 0.3).collect();
        let mut mean = RunningMean::new();
        scores.iter().zip(&weights).for_each(|(scores, weight)| mean.add_weighted(scores, *weight));
        let total: f64 = weights.iter().sum();
        let plain = |of: fn(&Scores) -> f32| {
            scores.iter().zip(&weights).map(|(scores, weight)| weight * f64::from(of(scores))).sum::<f64>()
                / total
        };
        let found = mean.mean();
        for (found, plain) in
            [(found.precision, plain(|it| it.precision)), (found.recall, 0.5), (found.f1, plain(|it| it.f1))]
        {
            // A plain sum of 1,000 values below 2 has an error of 1,000 * 1,000 * 2^-53 at most.
            assert!((found - plain).abs() < 1e-12, "{found} {plain}");
        }
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
