//! Number types for sums that are computed very often.

use std::ops::{Add, Mul};

use super::Sample;

/// Whole numbers up to this one are exact in f32.
const MAX_EXACT: f64 = 16_777_216.0;

/// A type to add up values in. f32 takes half of the time and is used if it loses nothing.
pub(super) trait Number:
    Copy + Default + Send + Sync + Add<Output = Self> + Mul<Output = Self> + Into<f64> + From<u16>
{
    /// The value, which f32 must be able to represent.
    fn of(value: f64) -> Self;
}

impl Number for f32 {
    fn of(value: f64) -> Self {
        value as Self
    }
}

impl Number for f64 {
    fn of(value: f64) -> Self {
        value
    }
}

/// Whether all sums of as many rows as the sample has, with repetition, are exact in f32: the values are whole, and
/// the number of rows times the largest is not too large.
pub(super) fn is_exact_in_f32(sample: &Sample) -> bool {
    let rows = sample.len() as f64;
    sample.values().iter().all(|value| value.fract() == 0.0 && value.abs() * rows <= MAX_EXACT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_with_small_sums_are_exact() {
        let sample = |values: &[f64]| Sample::from_values(1, values.to_vec());
        assert!(is_exact_in_f32(&sample(&[0.0, 8_388_608.0])));
        assert!(!is_exact_in_f32(&sample(&[0.0, 8_388_609.0])));
        assert!(!is_exact_in_f32(&sample(&[0.5, 1.0])) && !is_exact_in_f32(&sample(&[f64::NAN])));
        assert!(!is_exact_in_f32(&sample(&[f64::INFINITY])));
    }
}
