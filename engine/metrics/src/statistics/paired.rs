//! The paired randomisation test.

use super::{Random, SLACK, sums};

/// A test of paired differences by randomly flipped signs (R. A. Fisher, "The Design of Experiments", 1935,
/// 21; E. W. Noreen, "Computer-Intensive Methods for Testing Hypotheses", 1989): if two systems are equally
/// good, each difference is as likely as its opposite.
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
    /// The same with this seed.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The two-sided p-values of the N means of differences: (1 + trials whose difference is at least as
    /// large) / (trials + 1). 1 without rows.
    ///
    /// Signs are those of NumPy's `integers(2, size=(trials, rows), dtype=bool)`, as in sacrebleu's
    /// approximate randomisation. sacrebleu does not count a trial with the very difference that was
    /// observed; here it counts, so that two equal systems have p = 1.
    pub fn p_values<const N: usize>(&self, differences: &[[f64; N]]) -> [f64; N] {
        let observed = sums(differences).map(|sum| sum.abs() * (1.0 - SLACK));
        let mut random = Random::new(self.seed);
        let mut signs = random.bits();
        let mut counts = [0_u32; N];
        for _ in 0..self.trials {
            let mut total = [0.0; N];
            for (row, keeps_sign) in differences.iter().zip(&mut signs) {
                let sign = if keeps_sign { 1.0 } else { -1.0 };
                total.iter_mut().zip(row).for_each(|(total, difference)| *total += sign * difference);
            }
            for ((count, total), observed) in counts.iter_mut().zip(total).zip(observed) {
                *count += u32::from(total.abs() >= observed);
            }
        }
        counts.map(|count| f64::from(count + 1) / f64::from(self.trials + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_systems_do_not_differ() {
        assert_eq!(SignFlip::default().p_values(&[[0.0, 0.0]; 20]), [1.0, 1.0]);
        assert_eq!(SignFlip::default().p_values::<1>(&[]), [1.0]);
    }

    #[test]
    fn p_is_that_of_numpys_signs() {
        let difference =
            |i: u32| f64::from(i).sqrt().fract().powi(3) - f64::from(3 * i).sqrt().fract() + 0.25;
        let differences: Vec<[f64; 1]> = (1..=40).map(|i| [difference(i)]).collect();
        // NumPy 2.4.6: signs = default_rng(12345).integers(2, size=(10000, 40), dtype=bool), of which 2,310
        // make a sum as far from 0 as the observed one.
        assert_eq!(SignFlip::default().p_values(&differences), [2311.0 / 10_001.0]);
    }

    #[test]
    fn p_approaches_the_share_of_all_sign_vectors() {
        let differences: Vec<[f64; 1]> =
            (1..=12).map(|i| [f64::from(if i % 5 == 0 { -i } else { i })]).collect();
        let observed: f64 = differences.iter().map(|row| row[0]).sum();
        let all = (0..1_u32 << 12).filter(|signs| {
            let sum: i32 = (0..12).map(|i| if signs >> i & 1 == 1 { i + 1 } else { -i - 1 }).sum();
            f64::from(sum.abs()) >= observed
        });
        let exact = all.count() as f64 / f64::from(1 << 12);
        let p = SignFlip { trials: 100_000, seed: 3 }.p_values(&differences)[0];
        // Four standard errors of a share.
        assert!((p - exact).abs() < 4.0 * (exact * (1.0 - exact) / 1e5).sqrt(), "{p} and {exact}");
    }

    #[test]
    fn columns_do_not_depend_on_each_other() {
        let rows = [[0.5, -1.0], [0.25, 2.0], [-0.125, 1.0], [1.0, 0.5], [0.75, 1.5]];
        let both = SignFlip::default().p_values(&rows);
        for column in 0..2 {
            assert_eq!(SignFlip::default().p_values(&rows.map(|row| [row[column]])), [both[column]]);
        }
    }
}
