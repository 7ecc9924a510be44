//! Medians and percentiles of measured times.

/// Times of repeated work, in seconds; at least one.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    sorted: Vec<f64>,
}

impl Sample {
    pub(super) fn new(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Self { sorted: values }
    }

    pub(super) fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The smallest value that at least `percent` % of the values do not exceed (nearest rank): always a
    /// measured value, never an interpolated one. NaN if there are none.
    pub(super) fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.count() * percent).div_ceil(100);
        self.sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    pub(super) fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// How far the values are apart: from the 10th to the 90th percentile, relative to the median. `None` for
    /// a single one.
    pub(super) fn spread(&self) -> Option<f64> {
        let distance = self.percentile(90) - self.percentile(10);
        (self.count() > 1).then(|| distance / self.median())
    }

    /// The shortest time.
    pub(super) fn best(&self) -> f64 {
        self.percentile(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let hundred = Sample::new((1..=100).rev().map(f64::from).collect());
        assert_eq!(
            [0, 1, 50, 99, 100].map(|percent| hundred.percentile(percent)),
            [1.0, 1.0, 50.0, 99.0, 100.0]
        );
        let three = Sample::new(vec![3.0, 1.0, 2.0]);
        assert_eq!((three.best(), three.median(), three.percentile(99)), (1.0, 2.0, 3.0));
        let four = Sample::new(vec![4.0, 3.0, 1.0, 2.0]);
        assert_eq!(
            (four.median(), four.percentile(51), four.percentile(75), four.percentile(76)),
            (2.0, 3.0, 3.0, 4.0)
        );
        let one = Sample::new(vec![7.0]);
        assert_eq!((one.best(), one.median(), one.percentile(99), one.count()), (7.0, 7.0, 7.0, 1));
        assert!(Sample::new(Vec::new()).median().is_nan());
        assert_eq!((one.spread(), three.spread()), (None, Some(1.0)));
        assert_eq!(Sample::new((1..=100).map(f64::from).collect()).spread(), Some(80.0 / 50.0));
    }
}
