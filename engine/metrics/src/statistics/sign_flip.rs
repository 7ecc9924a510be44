//! The paired randomisation test.

use std::cmp::Ordering;

use super::signs::Signs;
use super::{Random, SLACK, Sample, Statistic, in_parallel};

/// Bits that are drawn at a time: 4 MiB, and at least those of one trial.
const BITS_AT_ONCE: usize = 1 << 25;
/// Trials whose sums are in a cache at a time.
const TRIALS_AT_ONCE: usize = 2048;

/// A test of two systems by randomly exchanged rows (R. A. Fisher, "The Design of Experiments", 1935, 21;
/// E. W. Noreen, "Computer-Intensive Methods for Testing Hypotheses", 1989), also called approximate
/// randomisation: if two systems are equally good, each row of one could as well be the other's.
///
/// The statistic may be any function of sums over rows. One set of random bits serves all pairs: with T the sum
/// of the rows that a trial selects from a system and S that of all its rows, the two mixed systems of a trial
/// are T_A + S_B - T_B and S_A - T_A + T_B. So many pairs cost little more than their systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignFlip {
    /// Number of trials.
    pub trials: u32,
    /// Seed of the random numbers.
    pub seed: u64,
}

impl Default for SignFlip {
    fn default() -> Self {
        Self { trials: 10_000, seed: 12345 }
    }
}

impl SignFlip {
    /// The same with this number of trials.
    #[must_use]
    pub fn trials(self, trials: u32) -> Self {
        Self { trials, ..self }
    }

    /// The same with this seed.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The two-sided p-value of each pair of statistics: (1 + trials whose difference is at least as large as the
    /// observed one) / (trials + 1). 1 without rows. All samples must have `rows` rows.
    ///
    /// Bits are those of NumPy's `integers(2, size=(trials, rows), dtype=bool)`, as in sacrebleu's approximate
    /// randomisation. sacrebleu does not count a trial with the very difference that was observed; here it
    /// counts, so that two equal systems have p = 1.
    pub fn p_values(
        &self,
        statistics: &[Statistic<'_>],
        pairs: &[(usize, usize)],
        rows: usize,
        threads: usize,
    ) -> Vec<f64> {
        // Without rows no difference can be observed.
        if pairs.is_empty() || rows == 0 {
            return vec![1.0; pairs.len()];
        }
        let trials = self.trials as usize;
        let mut random = Random::new(self.seed);
        let mut bits = random.bits();
        let mut counts = vec![0_u64; pairs.len()];
        let at_once = (BITS_AT_ONCE / rows.max(1)).clamp(1, TRIALS_AT_ONCE);
        for start in (0..trials).step_by(at_once) {
            let signs = Signs::draw(&mut bits, at_once.min(trials - start), rows);
            let selected = in_parallel(statistics, threads, |statistic| signs.selected(statistic));
            let found = in_parallel(pairs, threads, |&(left, right)| {
                let side = |at: usize| Side { sums: &statistics[at].sums, selected: &selected[at] };
                exceeding(&statistics[left], (&side(left), &side(right)), rows)
            });
            counts.iter_mut().zip(found).for_each(|(count, found)| *count += found);
        }
        counts.into_iter().map(|count| (count + 1) as f64 / (trials + 1) as f64).collect()
    }
}

/// One system of a pair: the sums of all its rows, and of those that each trial selects.
struct Side<'a> {
    sums: &'a [f64],
    selected: &'a Sample,
}

/// The number of trials whose difference is at least as large as the observed one.
fn exceeding(statistic: &Statistic<'_>, (left, right): (&Side<'_>, &Side<'_>), rows: usize) -> u64 {
    let of = |sums: &[f64]| (statistic.of)(sums, rows);
    let (first, second) = (of(left.sums), of(right.sums));
    let observed = (first - second).abs() - SLACK * (first.abs() + second.abs());
    let (mut mixed, mut other) = (vec![0.0; left.sums.len()], vec![0.0; left.sums.len()]);
    let exceeds = |(left_selected, right_selected): (&[f64], &[f64])| {
        for at in 0..mixed.len() {
            let exchanged = left_selected[at] - right_selected[at];
            mixed[at] = right.sums[at] + exchanged;
            other[at] = left.sums[at] - exchanged;
        }
        let difference = (of(&mixed) - of(&other)).abs();
        // A trial that is not defined is not a reason to believe in a difference: it counts.
        difference.partial_cmp(&observed) != Some(Ordering::Less)
    };
    left.selected.rows().zip(right.selected.rows()).map(exceeds).filter(|exceeds| *exceeds).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(sums: &[f64], rows: usize) -> f64 {
        sums[0] / rows as f64
    }

    /// The p-value of differences to a system that is 0 everywhere.
    fn p_value(test: SignFlip, differences: &[f64]) -> f64 {
        let system = Sample::from_values(1, differences.to_vec());
        let zeros = Sample::from_values(1, vec![0.0; differences.len()]);
        let statistics = [&system, &zeros].map(|sample| Statistic::new(sample, &mean));
        test.p_values(&statistics, &[(0, 1)], differences.len(), 2)[0]
    }

    #[test]
    fn equal_systems_do_not_differ() {
        assert_eq!(p_value(SignFlip::default(), &[0.0; 20]), 1.0);
        assert_eq!(p_value(SignFlip::default(), &[]), 1.0);
    }

    #[test]
    fn p_is_that_of_numpys_bits() {
        let difference =
            |i: u32| f64::from(i).sqrt().fract().powi(3) - f64::from(3 * i).sqrt().fract() + 0.25;
        let differences: Vec<f64> = (1..=40).map(difference).collect();
        // NumPy 2.4.6: signs = default_rng(12345).integers(2, size=(10000, 40), dtype=bool), of which 2,310
        // make a sum as far from 0 as the observed one.
        assert_eq!(p_value(SignFlip::default(), &differences), 2311.0 / 10_001.0);
    }

    #[test]
    fn p_approaches_the_share_of_all_exchanges() {
        let differences: Vec<f64> = (1..=12).map(|i| f64::from(if i % 5 == 0 { -i } else { i })).collect();
        let observed: f64 = differences.iter().sum();
        let all = (0..1_u32 << 12).filter(|signs| {
            let sum: i32 = (0..12).map(|i| if signs >> i & 1 == 1 { i + 1 } else { -i - 1 }).sum();
            f64::from(sum.abs()) >= observed
        });
        let exact = all.count() as f64 / f64::from(1 << 12);
        let p = p_value(SignFlip { trials: 100_000, seed: 3 }, &differences);
        // Four standard errors of a share.
        assert!((p - exact).abs() < 4.0 * (exact * (1.0 - exact) / 1e5).sqrt(), "{p} and {exact}");
    }

    #[test]
    fn pairs_do_not_depend_on_each_other() {
        let values =
            [[0.5, -1.0, 0.0], [0.25, 2.0, 0.0], [-0.125, 1.0, 0.0], [1.0, 0.5, 0.0], [0.75, 1.5, 0.0]];
        let columns = Sample::from_rows(&values).split_columns();
        let statistics: Vec<Statistic<'_>> =
            columns.iter().map(|sample| Statistic::new(sample, &mean)).collect();
        let all = SignFlip::default().p_values(&statistics, &[(0, 2), (1, 2), (1, 0)], 5, 2);
        for (column, p) in all[..2].iter().enumerate() {
            let differences = values.map(|row| row[column]);
            assert_eq!(p_value(SignFlip::default(), &differences), *p);
        }
        assert_eq!(SignFlip::default().p_values(&statistics, &[(0, 1)], 5, 1), all[2..]);
    }
}
