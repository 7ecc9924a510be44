//! A rotation by random signs and Hadamard transforms.

use super::codes::ByteCodes;

/// Rounds of signs and transforms. After two every value depends on all others of its half.
const ROUNDS: usize = 2;

/// How much smaller rounding errors must become for a rotation to pay.
const GAIN: f64 = 0.8;

/// A rotation of vectors that is the same for the same seed: rounds of random signs, and Hadamard transforms of the
/// first and of the last 2^n values, where 2^n is the largest power of two within the width.
///
/// It spreads what is in few dimensions over all of them: a row with a dominant value has a large step, and all its
/// other values are rounded coarsely. Products and lengths stay the same, up to 1e-13 of the lengths in f64, which the
/// bounds of [`ByteSearch`](super::ByteSearch) include. Such transforms are those of Ailon and Chazelle, "The Fast
/// Johnson-Lindenstrauss Transform and Approximate Nearest Neighbors", 2009.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    seed: u64,
    /// [ROUNDS, dim], each 1 or -1.
    signs: Vec<f64>,
    dim: usize,
}

impl Rotation {
    /// The rotation of vectors with `dim` values that belongs to a seed.
    pub fn new(dim: usize, seed: u64) -> Self {
        let mut state = seed;
        // SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        let signs = (0..ROUNDS * dim).map(|_| if next() >> 63 == 0 { 1.0 } else { -1.0 }).collect();
        Self { seed, signs, dim }
    }

    /// The rotation of a seed, if the bytes of such rows [num_rows, dim] lose clearly less with it.
    pub fn that_pays(rows: &[f32], dim: usize, seed: u64) -> Option<Self> {
        let rotation = Self::new(dim, seed);
        let lost = |rotation: Option<&Self>| {
            let codes = ByteCodes::new(rows, dim, rotation).ok()?;
            let pairs = codes.residuals.iter().zip(&codes.lengths);
            Some(
                pairs
                    .filter(|(_, length)| **length > 0.0)
                    .map(|(lost, length)| f64::from(lost / length))
                    .sum(),
            )
        };
        let (plain, rotated): (f64, f64) = (lost(None)?, lost(Some(&rotation))?);
        (rotated < GAIN * plain).then_some(rotation)
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Values in a vector.
    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Rotates a vector.
    pub(super) fn apply(&self, values: &mut [f64]) {
        let size = 1 << self.dim.ilog2();
        for signs in self.signs.chunks_exact(self.dim) {
            values.iter_mut().zip(signs).for_each(|(value, sign)| *value *= sign);
            transform(&mut values[..size]);
            if size < self.dim {
                transform(&mut values[self.dim - size..]);
            }
        }
    }
}

/// The orthonormal Hadamard transform of 2^n values.
fn transform(values: &mut [f64]) {
    let mut half = 1;
    while half < values.len() {
        for pairs in values.chunks_exact_mut(2 * half) {
            let (left, right) = pairs.split_at_mut(half);
            for (left, right) in left.iter_mut().zip(right) {
                (*left, *right) = (*left + *right, *left - *right);
            }
        }
        half *= 2;
    }
    let scale = 1.0 / (values.len() as f64).sqrt();
    values.iter_mut().for_each(|value| *value *= scale);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::random;

    fn rotated(rotation: &Rotation, values: &[f32]) -> Vec<f64> {
        let mut values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
        rotation.apply(&mut values);
        values
    }

    #[test]
    fn products_stay_the_same() {
        for dim in [1, 2, 3, 5, 64, 100, 384] {
            let (left, right) = (random(1, dim), random(2, dim));
            let rotation = Rotation::new(dim, 7);
            let dot = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(a, b)| a * b).sum::<f64>();
            let wide = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
            let expected = dot(&wide(&left), &wide(&right));
            let found = dot(&rotated(&rotation, &left), &rotated(&rotation, &right));
            assert!((found - expected).abs() <= 1e-13 * dim as f64, "{dim}: {found} {expected}");
        }
    }

    #[test]
    fn seeds_differ_and_one_is_always_the_same() {
        let values = random(3, 48);
        assert_eq!(rotated(&Rotation::new(48, 1), &values), rotated(&Rotation::new(48, 1), &values));
        assert_ne!(rotated(&Rotation::new(48, 1), &values), rotated(&Rotation::new(48, 2), &values));
    }

    #[test]
    fn one_large_value_is_spread() {
        let mut values = vec![0.0; 96];
        values[5] = 1.0;
        let found = rotated(&Rotation::new(96, 0), &values);
        assert!(found.iter().all(|value| value.abs() < 0.5), "{found:?}");
        assert!(super::super::bound::step(&found) < 0.5 / 127.0);
    }

    #[test]
    fn it_pays_for_rows_with_a_dominant_value_alone() {
        let mut rows = random(4, 64 * 96);
        assert_eq!(Rotation::that_pays(&rows, 96, 1), None);
        rows.chunks_exact_mut(96).for_each(|row| row[0] += 20.0);
        assert_eq!(Rotation::that_pays(&rows, 96, 1), Some(Rotation::new(96, 1)));
        assert_eq!(Rotation::that_pays(&[], 96, 1), None);
        assert_eq!(Rotation::that_pays(&[0.0; 96], 96, 1), None);
    }
}
