//! Student's test of paired differences.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The two-sided p-value of the mean of paired differences by Student's t test, as SciPy's
/// `ttest_1samp(differences, 0)`. 1 if all differences are 0, one is NaN, or there are
/// fewer than two.
pub fn paired_t(differences: &[f64]) -> f64 {
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let squares: f64 = differences.iter().map(|value| (value - mean) * (value - mean)).sum();
    if differences.len() < 2 || mean == 0.0 || mean.is_nan() {
        return 1.0;
    }
    let t = mean.abs() / (squares / (count - 1.0) / count).sqrt();
    match StudentsT::new(0.0, 1.0, count - 1.0) {
        Ok(student) if t.is_finite() => (2.0 * student.sf(t)).min(1.0),
        // All differences are the same, and not 0.
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_is_that_of_scipy() {
        let differences = [
            0.425_73, 0.167_895, 0.940_423, 0.4049, -0.235_669, 0.661_595, 1.604, 1.247_081, -0.403_735,
            -0.965_421, -0.323_274, 0.341_326,
        ];
        // SciPy 1.17.1: ttest_1samp(differences, 0).pvalue
        let expected = 0.157_482_602_672_807;
        let found = paired_t(&differences);
        assert!((found - expected).abs() <= 1e-12 * expected, "{found} and {expected}");
    }

    #[test]
    fn constant_differences_are_certain_unless_they_are_zero() {
        assert_eq!((paired_t(&[0.0; 5]), paired_t(&[0.5; 5])), (1.0, 0.0));
        assert_eq!((paired_t(&[0.5]), paired_t(&[])), (1.0, 1.0));
    }
}
