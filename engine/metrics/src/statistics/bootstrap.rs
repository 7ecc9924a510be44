//! Bootstrap intervals: how far a statistic of a sample may be from that of what it was drawn from.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{Random, SLACK, add, sums};

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

    /// Intervals of the N means; `None` without rows, or with more than 2^32 - 1.
    pub fn means<const N: usize>(&self, rows: &[[f64; N]]) -> Option<[Interval; N]> {
        self.intervals(rows, |sums, count| sums.map(|sum| sum / count as f64))
    }

    /// Intervals of M statistics that depend only on the sums of the rows and their number; `None` without
    /// rows, or with more than 2^32 - 1. `statistic` must return numbers that are not NaN.
    ///
    /// A resample is as many rows as there are, drawn as by NumPy's `integers(0, n, (resamples, n))`. An
    /// interval of a statistic that is the same in all resamples has that value at both ends.
    pub fn intervals<const N: usize, const M: usize>(
        &self,
        rows: &[[f64; N]],
        statistic: impl Fn(&[f64; N], usize) -> [f64; M],
    ) -> Option<[Interval; M]> {
        let count = u32::try_from(rows.len()).ok().filter(|count| *count > 0)?;
        let mut random = Random::new(self.seed);
        let mut values: [Vec<f64>; M] = std::array::from_fn(|_| Vec::with_capacity(self.resamples));
        for _ in 0..self.resamples {
            let mut sums = [0.0; N];
            (0..count).for_each(|_| add(&mut sums, &rows[random.below(count) as usize]));
            values
                .iter_mut()
                .zip(statistic(&sums, rows.len()))
                .for_each(|(values, value)| values.push(value));
        }
        let all = sums(rows);
        let estimates = statistic(&all, rows.len());
        let mut without_one: [Vec<f64>; M] = std::array::from_fn(|_| Vec::new());
        if self.kind == IntervalKind::Bca && rows.len() > 1 {
            for row in rows {
                let rest = std::array::from_fn(|at| all[at] - row[at]);
                let found = statistic(&rest, rows.len() - 1);
                without_one.iter_mut().zip(found).for_each(|(values, value)| values.push(value));
            }
        }
        Some(std::array::from_fn(|at| self.interval(&mut values[at], estimates[at], &without_one[at])))
    }

    fn interval(&self, values: &mut [f64], estimate: f64, without_one: &[f64]) -> Interval {
        values.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        match (values, self.kind) {
            ([], _) => Interval { low: estimate, high: estimate },
            ([first, .., last], _) if first == last => Interval { low: *first, high: *first },
            (values, IntervalKind::Percentile) => {
                let left_out = (values.len() as f64 * tail) as usize;
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
            let interval = Bootstrap::default().kind(kind).means(&[[0.25]; 9]);
            assert_eq!(interval, Some([Interval { low: 0.25, high: 0.25 }]));
            let one = Bootstrap::default().kind(kind).means(&[[0.5]]);
            assert_eq!(one, Some([Interval { low: 0.5, high: 0.5 }]));
        }
        assert_eq!(Bootstrap::default().means::<1>(&[]), None);
    }

    /// The fractions of square roots, cubed, and those of others.
    fn sample() -> Vec<[f64; 2]> {
        (1..=40).map(|i| [f64::from(i).sqrt().fract().powi(3), f64::from(3 * i).sqrt().fract()]).collect()
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
            let found = Bootstrap::default().kind(kind).means(&sample()).unwrap();
            for (interval, [low, high]) in found.into_iter().zip(expected) {
                let off = (interval.low - low).abs().max((interval.high - high).abs());
                assert!(off <= 1e-12, "{kind:?}: {interval:?}, not {low} to {high}");
            }
        }
    }

    #[test]
    fn a_statistic_may_combine_sums() {
        let rows = sample();
        let ratio = |sums: &[f64; 2], _| [sums[0] / sums[1]];
        let [found] = Bootstrap::default().intervals(&rows, ratio).unwrap();
        let estimate = ratio(&sums(&rows), rows.len())[0];
        assert!(found.low < estimate && estimate < found.high && found.high - found.low < 0.5, "{found:?}");
    }

    #[test]
    fn without_resamples_the_estimate_is_left() {
        let none = Bootstrap { resamples: 0, ..Bootstrap::default() };
        assert_eq!(none.means(&[[0.0], [1.0]]), Some([Interval { low: 0.5, high: 0.5 }]));
    }
}
