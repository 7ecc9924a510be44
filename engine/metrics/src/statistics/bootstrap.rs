//! Bootstrap intervals: how far a statistic of a sample may be from that of what it was drawn from.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{Resampling, SLACK, Sample, Statistic};

/// How an interval is made from the statistic's values in resamples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntervalKind {
    /// Bias-corrected and accelerated (B. Efron, "Better Bootstrap Confidence Intervals", 1987), as SciPy's
    /// `bootstrap` computes it.
    Bca,
    /// The values without the same number at both ends, as in sacrebleu.
    Percentile,
}

impl IntervalKind {
    /// Its name in signatures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bca => "bca",
            Self::Percentile => "percentile",
        }
    }
}

/// An interval with both of its ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// How intervals are computed. The same settings and rows give the same bits.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Bootstrap {
    /// Number of resamples.
    pub resamples: usize,
    /// Seed of the random numbers.
    pub seed: u64,
    /// The share of intervals that contain the true value, between 0 and 1.
    pub level: f64,
    /// How the interval follows from the resamples.
    pub kind: IntervalKind,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 9999, seed: 12345, level: 0.95, kind: IntervalKind::Bca }
    }
}

impl Bootstrap {
    /// The same with this number of resamples.
    #[must_use]
    pub fn resamples(self, resamples: usize) -> Self {
        Self { resamples, ..self }
    }

    /// The same with this share of intervals that contain the true value.
    #[must_use]
    pub fn level(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// The same with this seed.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same with intervals of this kind.
    #[must_use]
    pub fn kind(self, kind: IntervalKind) -> Self {
        Self { kind, ..self }
    }

    /// The draws of this bootstrap.
    pub fn resampling(&self) -> Resampling {
        Resampling { resamples: self.resamples, seed: self.seed }
    }

    /// Whether intervals need the values without each of the rows.
    pub fn needs_without_one(&self) -> bool {
        self.kind == IntervalKind::Bca
    }

    /// Intervals of the means of a sample's columns; `None` without rows, or with more than 2^32 - 1.
    pub fn means(&self, sample: &Sample, threads: usize) -> Option<Vec<Interval>> {
        self.means_while(sample, threads, || true)
    }

    /// [`means`](Self::means), or `None` if `may_go_on` returned false.
    pub fn means_while(
        &self,
        sample: &Sample,
        threads: usize,
        may_go_on: impl Fn() -> bool + Sync,
    ) -> Option<Vec<Interval>> {
        let rows = sample.len();
        u32::try_from(rows).ok().filter(|rows| *rows > 0)?;
        let mean = |sums: &[f64], rows: usize| sums[0] / rows as f64;
        let columns = sample.split_columns();
        let statistics: Vec<Statistic<'_>> =
            columns.iter().map(|sample| Statistic::new(sample, &mean)).collect();
        let values = self.resampling().values_while(&statistics, rows, threads, may_go_on)?;
        let resampled =
            statistics.iter().zip(values).map(|(statistic, values)| self.resampled(statistic, values));
        Some(resampled.map(|resampled| self.interval(&resampled)).collect())
    }

    /// A statistic with its values in the resamples, ready for [`interval`](Self::interval).
    pub fn resampled(&self, statistic: &Statistic<'_>, values: Vec<f64>) -> Resampled {
        let without_one = if self.needs_without_one() { statistic.without_one() } else { Vec::new() };
        Resampled { estimate: statistic.estimate(), values, without_one }
    }

    /// The interval of a statistic; NaN if it is NaN in any resample. If it is the same in all of them, the
    /// interval has that value at both ends.
    pub fn interval(&self, resampled: &Resampled) -> Interval {
        if resampled.estimate.is_nan() || resampled.values.iter().any(|value| value.is_nan()) {
            return Interval { low: f64::NAN, high: f64::NAN };
        }
        let mut values = resampled.values.clone();
        self.of_values(&mut values, resampled.estimate, &resampled.without_one)
    }

    fn of_values(&self, values: &mut [f64], estimate: f64, without_one: &[f64]) -> Interval {
        values.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        match (values, self.kind) {
            ([], _) => Interval { low: estimate, high: estimate },
            ([first, .., last], _) if first == last => Interval { low: *first, high: *first },
            (values, IntervalKind::Percentile) => {
                // 1,000 x 0.05 is 49.999.. in f64.
                let left_out = (values.len() as f64 * tail + 1e-9) as usize;
                Interval { low: values[left_out], high: values[values.len() - 1 - left_out] }
            }
            (values, IntervalKind::Bca) => {
                let [low, high] =
                    bca_tails(values, estimate, without_one, tail).map(|share| quantile(values, share));
                Interval { low, high }
            }
        }
    }
}

/// A statistic of a sample, of its resamples, and of the sample without each of its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Resampled {
    /// The statistic of the whole sample.
    pub estimate: f64,
    /// Its values in the resamples, in their order.
    pub values: Vec<f64>,
    /// Its values without each of the rows; empty if intervals do not need them.
    pub without_one: Vec<f64>,
}

impl Resampled {
    /// The difference to another statistic that was resampled by the same draws.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let minus =
            |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left - right).collect();
        Self {
            estimate: self.estimate - other.estimate,
            values: minus(&self.values, &other.values),
            without_one: minus(&self.without_one, &other.without_one),
        }
    }

    /// The mean of the values in the resamples.
    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// The standard deviation of the values in the resamples, with one degree of freedom less than resamples.
    pub fn standard_error(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.values.iter().map(|value| (value - mean) * (value - mean)).sum();
        (squares / (self.values.len() as f64 - 1.0)).sqrt()
    }
}

/// The shares of resamples below both ends of an interval that has `tail` outside at each. `values` are sorted.
fn bca_tails(values: &[f64], estimate: f64, without_one: &[f64], tail: f64) -> [f64; 2] {
    let normal = Normal::standard();
    let slack = SLACK * estimate.abs();
    let below = values.partition_point(|value| *value < estimate - slack);
    let equal = values.partition_point(|value| *value <= estimate + slack);
    // Values that equal the estimate are half below it.
    let bias = normal.inverse_cdf((below + equal) as f64 / (2 * values.len()) as f64);
    let acceleration = acceleration(without_one);
    [normal.inverse_cdf(tail), -normal.inverse_cdf(tail)].map(|quantile| {
        let shifted = bias + quantile;
        // All resamples on one side of the estimate: the interval ends where they do.
        if shifted.is_infinite() {
            return if shifted < 0.0 { 0.0 } else { 1.0 };
        }
        normal.cdf(bias + shifted / (1.0 - acceleration * shifted))
    })
}

/// A sixth of the skewness of the leave-one-out values, mirrored.
fn acceleration(without_one: &[f64]) -> f64 {
    let count = without_one.len() as f64;
    let mean = without_one.iter().sum::<f64>() / count;
    let deviations = || without_one.iter().map(|value| (count - 1.0) * (mean - value));
    let cubes = deviations().map(|it| it * it * it).sum::<f64>() / (count * count * count);
    let squares = deviations().map(|it| it * it).sum::<f64>() / (count * count);
    if squares > 0.0 { cubes / squares.powf(1.5) / 6.0 } else { 0.0 }
}

/// The value below which a share of the sorted values is, interpolated linearly as by `numpy.percentile`.
fn quantile(values: &[f64], share: f64) -> f64 {
    let place = share.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_sample_has_an_interval_without_width() {
        for kind in [IntervalKind::Bca, IntervalKind::Percentile] {
            let means =
                |rows: &[[f64; 1]]| Bootstrap::default().kind(kind).means(&Sample::from_rows(rows), 1);
            assert_eq!(means(&[[0.25]; 9]), Some(vec![Interval { low: 0.25, high: 0.25 }]));
            assert_eq!(means(&[[0.5]]), Some(vec![Interval { low: 0.5, high: 0.5 }]));
            assert_eq!(means(&[]), None);
        }
    }

    /// The fractions of square roots, cubed, and those of others.
    fn sample() -> Sample {
        let row = |i: i32| [f64::from(i).sqrt().fract().powi(3), f64::from(3 * i).sqrt().fract()];
        Sample::from_rows(&(1..=40).map(row).collect::<Vec<_>>())
    }

    #[test]
    fn intervals_are_those_of_scipy_and_sacrebleu() {
        // SciPy 1.17.1: bootstrap((x,), np.mean, method="BCa", rng=np.random.default_rng(12345)); its
        // resamples, sorted, without n // 40 at both ends.
        for (kind, expected) in [
            (
                IntervalKind::Bca,
                [
                    [0.120_824_390_644_966_03, 0.264_452_839_944_453_7],
                    [0.413_843_147_689_515_47, 0.595_058_476_619_877_4],
                ],
            ),
            (
                IntervalKind::Percentile,
                [
                    [0.114_234_011_488_044_21, 0.254_044_422_704_688_2],
                    [0.415_979_801_412_636_1, 0.597_161_483_850_117_1],
                ],
            ),
        ] {
            let found = Bootstrap::default().kind(kind).means(&sample(), 2).unwrap();
            for (interval, [low, high]) in found.into_iter().zip(expected) {
                let off = (interval.low - low).abs().max((interval.high - high).abs());
                assert!(off <= 1e-12, "{kind:?}: {interval:?}, not {low} to {high}");
            }
        }
    }

    #[test]
    fn a_statistic_may_combine_sums() {
        let (sample, bootstrap) = (sample(), Bootstrap::default());
        let ratio = |sums: &[f64], _| sums[0] / sums[1];
        let statistic = Statistic::new(&sample, &ratio);
        let values = bootstrap.resampling().values(&[Statistic::new(&sample, &ratio)], 40, 1);
        let found = bootstrap.resampled(&statistic, values[0].clone());
        let interval = bootstrap.interval(&found);
        assert!(interval.low < found.estimate && found.estimate < interval.high, "{interval:?}");
        assert!(interval.high - interval.low < 0.5 && found.standard_error() < 0.15, "{interval:?}");
        let nothing = found.minus(&found);
        assert_eq!(bootstrap.interval(&nothing), Interval { low: 0.0, high: 0.0 });
    }

    #[test]
    fn without_resamples_the_estimate_is_left() {
        let none = Bootstrap { resamples: 0, ..Bootstrap::default() };
        let sample = Sample::from_rows(&[[0.0], [1.0]]);
        assert_eq!(none.means(&sample, 1), Some(vec![Interval { low: 0.5, high: 0.5 }]));
    }
}
