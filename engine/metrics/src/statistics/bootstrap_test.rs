//! Paired tests by resampling both systems.

use std::cmp::Ordering;

use super::{Resampled, SLACK};

/// Which resamples count as evidence against a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Those whose absolute difference is above the mean absolute difference by the observed one, as in sacrebleu.
    /// This is about half of the two-sided p-value.
    One,
    /// Those whose difference is as far from the mean difference as the observed one is from 0.
    Both,
}

/// The p-value of a difference between two statistics that were resampled by the same draws: (1 + resamples that
/// count) / (resamples + 1). A resample that is exactly as far as the observed difference counts, so that two
/// equal systems have p = 1; sacrebleu leaves it out.
pub fn bootstrap_p_value(left: &Resampled, right: &Resampled, tail: Tail) -> f64 {
    let difference = left.minus(right);
    let values: Vec<f64> = match tail {
        Tail::One => difference.values.iter().map(|value| value.abs()).collect(),
        Tail::Both => difference.values,
    };
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let slack = SLACK * (left.estimate.abs() + right.estimate.abs());
    let observed = difference.estimate.abs() - slack;
    let distance = |value: &f64| match tail {
        Tail::One => value - mean,
        Tail::Both => (value - mean).abs(),
    };
    // A resample that is not defined is not a reason to believe in a difference: it counts.
    let counts = |value: &&f64| distance(value).partial_cmp(&observed) != Some(Ordering::Less);
    (values.iter().filter(counts).count() + 1) as f64 / (values.len() + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resampled(estimate: f64, values: &[f64]) -> Resampled {
        Resampled { estimate, values: values.to_vec(), without_one: Vec::new() }
    }

    #[test]
    fn tails_are_counted() {
        let left = resampled(3.0, &[3.0, 5.0, 2.0, 1.0, 4.0]);
        let right = resampled(1.0, &[1.0, 1.0, 1.0, 1.0, 1.0]);
        // Differences 2, 4, 1, 0, 3 have the mean 2: they are 0, 2, -1, -2 and 1 from it; 2 was observed.
        assert_eq!(bootstrap_p_value(&left, &right, Tail::One), 2.0 / 6.0);
        assert_eq!(bootstrap_p_value(&left, &right, Tail::Both), 3.0 / 6.0);
        assert_eq!(bootstrap_p_value(&right, &left, Tail::Both), 3.0 / 6.0);
    }

    #[test]
    fn equal_systems_do_not_differ() {
        let system = resampled(3.0, &[3.0, 5.0, 2.0]);
        assert_eq!(bootstrap_p_value(&system, &system, Tail::One), 1.0);
        assert_eq!(bootstrap_p_value(&system, &system, Tail::Both), 1.0);
    }
}
