//! Differences that a number of rows can show.

use statrs::distribution::{ContinuousCDF, Normal};

/// The smallest true difference that a two-sided test at the level `alpha` finds with the probability `power`, if
/// the difference has this standard error: (z(1 - alpha / 2) + z(power)) x standard error.
pub fn detectable_difference(standard_error: f64, alpha: f64, power: f64) -> f64 {
    let normal = Normal::standard();
    (normal.inverse_cdf(1.0 - alpha / 2.0) + normal.inverse_cdf(power)) * standard_error
}

/// The rows that are needed to find a difference of `delta`, if `rows` rows are enough to find `detectable`: the
/// standard error falls with the square root of the number of rows. `None` if that is more than 10^18.
pub fn rows_needed(rows: usize, detectable: f64, delta: f64) -> Option<u64> {
    let ratio = detectable / delta;
    let needed = (rows as f64 * ratio * ratio).ceil();
    (needed <= 1e18).then_some(needed as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_of_three_standard_errors_is_usually_found() {
        // SciPy: (norm.ppf(.975) + norm.ppf(.8)) * .22
        assert!((detectable_difference(0.22, 0.05, 0.8) - 0.616_348_748).abs() < 1e-9);
        assert_eq!(rows_needed(100, 0.5, 0.25), Some(400));
        assert_eq!(rows_needed(100, 0.0, 0.25), Some(0));
        assert_eq!(rows_needed(100, 0.5, 0.0), None);
    }
}
