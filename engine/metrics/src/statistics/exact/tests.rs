use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;

/// A finite value in units of 2^-1074.
fn units(value: f64) -> BigInt {
    let (exponent, fraction) = (value.to_bits() >> 52 & 0x7ff, value.to_bits() & ((1 << 52) - 1));
    let magnitude = match exponent {
        0 => BigInt::from(fraction),
        _ => BigInt::from(fraction | 1 << 52) << (exponent - 1),
    };
    if value.is_sign_negative() { -magnitude } else { magnitude }
}

/// The sum in whole numbers. 2^-1074 is 5^1074 / 10^1074, so it has an exact decimal form, and the standard
/// library rounds that.
fn plain_sum(values: &[f64]) -> f64 {
    let sum: BigInt = values.iter().map(|value| units(*value)).sum();
    let value: f64 = format!("{}e-1074", sum * BigInt::from(5).pow(1074)).parse().unwrap();
    if value == 0.0 { 0.0 } else { value }
}

#[track_caller]
fn assert_sum(values: &[f64], expected: f64) {
    let sum: ExactSum = values.iter().copied().collect();
    assert_eq!(sum.value().to_bits(), expected.to_bits(), "{values:?}: {} {expected}", sum.value());
}

#[test]
fn sums_that_f64_loses() {
    // Python 3.11: math.fsum
    assert_sum(&[], 0.0);
    assert_sum(&[1e16, 1.0, 1e-300, -1e16], 1.0);
    assert_sum(&[0.1; 10], 1.0);
    assert_sum(&[1e308, 1e308, -1e308, -1e308, 1e-308], 1e-308);
    assert_sum(&[f64::MAX, f64::MAX, -f64::MAX], f64::MAX);
    assert_sum(&[5e-324, 5e-324, -1e-323, -5e-324], -5e-324);
}

#[test]
fn halves_go_to_the_even_one() {
    let one = 1.0_f64;
    let half_step = f64::EPSILON / 2.0;
    assert_sum(&[one, half_step], one);
    assert_sum(&[one, half_step, 5e-324], one + f64::EPSILON);
    assert_sum(&[one, half_step, -5e-324], one);
    assert_sum(&[one + f64::EPSILON, half_step], one + 2.0 * f64::EPSILON);
    assert_sum(&[-one, -half_step, -5e-324], -one - f64::EPSILON);
    // The largest subnormal value and one unit; the largest value and half of its last step.
    assert_sum(&[f64::MIN_POSITIVE, -5e-324, 5e-324], f64::MIN_POSITIVE);
    let last_step = 2.0_f64.powi(971);
    assert_sum(&[f64::MAX, last_step / 2.0, -1.0], f64::MAX);
    assert_sum(&[f64::MAX, last_step / 2.0], f64::INFINITY);
    assert_sum(&[-f64::MAX, -f64::MAX], f64::NEG_INFINITY);
}

#[test]
fn zero_has_no_sign() {
    assert_sum(&[-0.0], 0.0);
    assert_sum(&[1.5, -1.5], 0.0);
}

#[test]
fn values_that_are_not_finite() {
    assert_sum(&[f64::INFINITY, -f64::MAX, 1.0], f64::INFINITY);
    assert_sum(&[1.0, f64::NEG_INFINITY], f64::NEG_INFINITY);
    assert_sum(&[f64::INFINITY, f64::NEG_INFINITY, 1.0], f64::NAN);
    assert_sum(&[-f64::NAN, 1.0], f64::NAN);
    let mut sum: ExactSum = [1.0].into_iter().collect();
    sum.merge(&[f64::NAN].into_iter().collect());
    assert_eq!(sum.value().to_bits(), f64::NAN.to_bits());
}

#[test]
fn carries_are_moved_in_time() {
    // Doubling merges up to 2^40 values, which need more than one carry in between.
    for value in [1.0 - f64::EPSILON / 2.0, -f64::MIN_POSITIVE, 0.1, -5e-324] {
        let mut sum: ExactSum = [value].into_iter().collect();
        (0..40).for_each(|_| sum.merge(&sum.clone()));
        assert_eq!(sum.value(), value * 2.0_f64.powi(40));
        assert!(sum.pending < MAX_PENDING);
    }
    let mut sum: ExactSum = [f64::MAX].into_iter().collect();
    (0..60).for_each(|_| sum.merge(&sum.clone()));
    sum.merge(&[-f64::MAX].into_iter().collect());
    assert_eq!(sum.value(), f64::INFINITY);
}

/// Values of all sizes, and of sizes that are close to each other, so that digits cancel.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let any_bits = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |value| value.is_finite());
    let close = (-60_i32..60, -1_i64 << 53..1 << 53, -1074_i32..960)
        .prop_map(|(near, digits, base)| digits as f64 * 2.0_f64.powi((base / 200 * 200 + near).max(-1022)));
    let decimal = (-308_i32..=308, -9.0..9.0_f64).prop_map(|(power, digit)| digit * 10.0_f64.powi(power));
    let small = (0_u32..=100).prop_map(|hits| f64::from(hits) / 100.0);
    prop_oneof![
        proptest::collection::vec(any_bits, 0..60),
        proptest::collection::vec(close, 0..60),
        proptest::collection::vec(decimal, 0..60),
        proptest::collection::vec(small, 0..60),
    ]
    .prop_filter("finite", |values| values.iter().all(|value| value.is_finite()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn sums_equal_whole_numbers(values in values()) {
        let sum: ExactSum = values.iter().copied().collect();
        prop_assert_eq!(sum.value().to_bits(), plain_sum(&values).to_bits());
    }

    #[test]
    fn order_and_division_change_no_bit(values in values(), at in any::<proptest::sample::Index>()) {
        let sum: ExactSum = values.iter().copied().collect();
        let (left, right) = values.split_at(at.index(values.len() + 1));
        let mut merged: ExactSum = right.iter().rev().copied().collect();
        merged.merge(&left.iter().copied().collect());
        prop_assert_eq!(sum.value().to_bits(), merged.value().to_bits());
    }
}
