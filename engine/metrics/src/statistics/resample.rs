//! Resamples of samples: which rows they draw, and their sums.

use super::lanes::{Number, is_exact_in_f32};
use super::{Random, Sample, in_parallel};

/// Resamples that are added up in one pass over the rows.
const AT_ONCE: usize = 16;
/// Rows that are added up between two questions whether to go on.
const ROWS_AT_ONCE: usize = 1 << 16;

/// Draws as many rows as there are, with replacement, as by NumPy's `integers(0, rows, (resamples, rows))` after
/// `default_rng(seed)`. Samples of equally many rows get the same draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resampling {
    /// Number of resamples.
    pub resamples: usize,
    /// Seed of the random numbers.
    pub seed: u64,
}

/// A sample, and a statistic of sums of its rows and of their number.
pub struct Statistic<'a> {
    pub(super) sample: &'a Sample,
    pub(super) of: &'a (dyn Fn(&[f64], usize) -> f64 + Sync),
    /// The sums of all rows.
    pub(super) sums: Vec<f64>,
    /// Whether sums of its rows are exact in f32.
    pub(super) is_exact_in_f32: bool,
}

impl std::fmt::Debug for Statistic<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Statistic").field("rows", &self.sample.len()).finish_non_exhaustive()
    }
}

impl<'a> Statistic<'a> {
    /// The statistic `of` of a sample, from the sums of some of its rows and their number.
    pub fn new(sample: &'a Sample, of: &'a (dyn Fn(&[f64], usize) -> f64 + Sync)) -> Self {
        Self { sample, of, sums: sample.sums(), is_exact_in_f32: is_exact_in_f32(sample) }
    }

    /// The statistic of the whole sample.
    pub fn estimate(&self) -> f64 {
        (self.of)(&self.sums, self.sample.len())
    }

    /// The statistic without each of the rows.
    pub fn without_one(&self) -> Vec<f64> {
        let mut rest = vec![0.0; self.sums.len()];
        let others = self.sample.len().saturating_sub(1);
        let without = |row: &[f64]| {
            for ((rest, sum), value) in rest.iter_mut().zip(&self.sums).zip(row) {
                *rest = sum - value;
            }
            (self.of)(&rest, others)
        };
        self.sample.rows().map(without).collect()
    }
}

impl Resampling {
    /// Each statistic's values in the resamples, in the order of the resamples. All samples must have `rows` rows.
    ///
    /// A pass counts how often several resamples draw each row, and then reads the rows in their order: rows of a
    /// large sample are not in a cache, where reading them in the order of the draws would have them.
    pub fn values(&self, statistics: &[Statistic<'_>], rows: usize, threads: usize) -> Vec<Vec<f64>> {
        self.values_while(statistics, rows, threads, || true).unwrap_or_default()
    }

    /// [`values`](Self::values), or `None` if `may_go_on`, which is asked several times in each pass, returned false.
    pub fn values_while(
        &self,
        statistics: &[Statistic<'_>],
        rows: usize,
        threads: usize,
        may_go_on: impl Fn() -> bool + Sync,
    ) -> Option<Vec<Vec<f64>>> {
        let mut values = vec![Vec::with_capacity(self.resamples); statistics.len()];
        let Some(bound) = u32::try_from(rows).ok().filter(|bound| *bound > 0) else { return Some(values) };
        let mut random = Random::new(self.seed);
        let mut counts = vec![[0_u16; AT_ONCE]; rows];
        for start in (0..self.resamples).step_by(AT_ONCE) {
            let resamples = AT_ONCE.min(self.resamples - start);
            counts.fill([0; AT_ONCE]);
            for resample in 0..resamples {
                if !may_go_on() {
                    return None;
                }
                let mut draw = || random.below(bound) as usize;
                // No row is drawn 65,536 times: of n draws from n rows the chance is below n / 65,536!, 10^-287,000.
                (0..rows).for_each(|_| add_draw(&mut counts[draw()], resample));
            }
            let parts = in_parallel(statistics, threads, |statistic| match statistic.is_exact_in_f32 {
                true => resampled::<f32>(statistic, &counts, resamples, &may_go_on),
                false => resampled::<f64>(statistic, &counts, resamples, &may_go_on),
            });
            for (values, part) in values.iter_mut().zip(parts) {
                values.extend(part?);
            }
        }
        Some(values)
    }
}

fn add_draw(counts: &mut [u16; AT_ONCE], resample: usize) {
    counts[resample] += 1;
}

/// The statistic in some resamples, from how often each draws each row.
fn resampled<T: Number>(
    statistic: &Statistic<'_>,
    counts: &[[u16; AT_ONCE]],
    resamples: usize,
    may_go_on: impl Fn() -> bool,
) -> Option<Vec<f64>> {
    let mut sums = vec![[T::default(); AT_ONCE]; statistic.sample.columns()];
    for (at, (row, counts)) in statistic.sample.rows().zip(counts).enumerate() {
        if at % ROWS_AT_ONCE == 0 && !may_go_on() {
            return None;
        }
        let counts = counts.map(T::from);
        for (sums, value) in sums.iter_mut().zip(row) {
            let value = T::of(*value);
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum = *sum + count * value);
        }
    }
    let of_resample = |resample: usize| {
        let sums: Vec<f64> = sums.iter().map(|sums| sums[resample].into()).collect();
        (statistic.of)(&sums, counts.len())
    };
    Some((0..resamples).map(of_resample).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn mean(sums: &[f64], rows: usize) -> f64 {
        sums[0] / rows as f64
    }

    #[test]
    fn draws_do_not_depend_on_threads_or_on_other_samples() {
        let rows: Vec<[f64; 1]> = (0..50).map(|row| [f64::from(row).sqrt().fract()]).collect();
        let (sample, same) = (Sample::from_rows(&rows), Sample::from_rows(&rows));
        let statistic = |sample| Statistic::new(sample, &mean);
        let resampling = Resampling { resamples: 30, seed: 1 };
        let one = resampling.values(&[statistic(&sample)], 50, 1);
        let both = resampling.values(&[statistic(&same), statistic(&sample)], 50, 2);
        assert_eq!([&one[0], &one[0]], [&both[0], &both[1]]);
        let mut random = Random::new(1);
        for value in &one[0] {
            let sum: f64 = (0..50).map(|_| rows[random.below(50) as usize][0]).sum();
            assert!((value - sum / 50.0).abs() < 1e-14, "{value}");
        }
    }

    #[test]
    fn leaving_out_a_row_subtracts_it() {
        let sample = Sample::from_rows(&[[1.0], [2.0], [6.0]]);
        let statistic = Statistic::new(&sample, &mean);
        assert_eq!((statistic.estimate(), statistic.without_one()), (3.0, vec![4.0, 3.5, 1.5]));
    }

    #[test]
    fn what_may_not_go_on_stops_in_any_pass() {
        let sample = Sample::from_rows(&[[1.0], [2.0], [6.0]]);
        let asked = AtomicUsize::new(0);
        let resampling = Resampling { resamples: 40, seed: 1 };
        let stopped_after = |times: usize| {
            asked.store(0, Ordering::Relaxed);
            let may_go_on = || asked.fetch_add(1, Ordering::Relaxed) < times;
            resampling.values_while(&[Statistic::new(&sample, &mean)], 3, 1, may_go_on)
        };
        for times in [0, 5, 16, 17, 30, 42] {
            assert_eq!(stopped_after(times), None, "{times}");
            assert_eq!(asked.load(Ordering::Relaxed), times + 1);
        }
        // Once before each of 40 resamples, and once in each of three passes over the rows.
        let all = resampling.values(&[Statistic::new(&sample, &mean)], 3, 1);
        assert_eq!((stopped_after(43), all[0].len()), (Some(all), 40));
    }

    #[test]
    fn no_rows_have_no_values() {
        let sample = Sample::new(1);
        let values = Resampling { resamples: 3, seed: 1 }.values(&[Statistic::new(&sample, &mean)], 0, 1);
        assert_eq!(values, [Vec::<f64>::new()]);
    }
}
