//! What follows from the values of a sample: means, intervals, paired tests, correlations.
//!
//! A sample is a slice of rows, one for each unit (a query, a segment), with N values each, which are
//! resampled together: one set of random numbers serves all of them. The random numbers are those that NumPy
//! draws from the same seed ([`Random`]), so that intervals and p-values can be compared with those of SciPy
//! and sacrebleu.
//!
//! All of it assumes that rows are independent.

mod bootstrap;
mod correlation;
mod exact;
mod paired;
mod random;

pub use bootstrap::{Bootstrap, Interval, IntervalKind};
pub use correlation::{pearson, spearman};
pub use exact::ExactSum;
pub use paired::SignFlip;
pub use random::{Bits, Random};

/// How close two sums of the same values in another order are, relative to their size: closer ones count as
/// equal.
const SLACK: f64 = 1e-12;

/// The sums of N values over rows.
pub fn sums<const N: usize>(rows: &[[f64; N]]) -> [f64; N] {
    let mut sums = [0.0; N];
    rows.iter().for_each(|row| add(&mut sums, row));
    sums
}

/// The means of N values over rows; `None` without rows.
pub fn means<const N: usize>(rows: &[[f64; N]]) -> Option<[f64; N]> {
    (!rows.is_empty()).then(|| sums(rows).map(|sum| sum / rows.len() as f64))
}

fn add<const N: usize>(sums: &mut [f64; N], row: &[f64; N]) {
    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_per_column() {
        assert_eq!(means(&[[1.0, 0.5], [3.0, 0.25]]), Some([2.0, 0.375]));
        assert_eq!(means::<3>(&[]), None);
    }
}
