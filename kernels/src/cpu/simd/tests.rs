//! The instructions that kernels build on, against plain arithmetic, for every instruction set.

use super::{Kernel, MAX_LANES, Simd, dispatch_bytes_to, dispatch_to, math};
use crate::testing::{available_sets, random};

/// Runs a function of vectors over slices.
struct Map<'a, F>(&'a [f32], F);

trait Function {
    fn apply<S: Simd>(&self, simd: S, x: S::Vector) -> S::Vector;
}

impl<F: Function> Kernel for Map<'_, F> {
    type Output = Vec<f32>;
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f32> {
        let mut output = vec![0.0; self.0.len()];
        for (values, output) in self.0.chunks(S::LANES).zip(output.chunks_mut(S::LANES)) {
            simd.store_front(self.1.apply(simd, simd.load_or(values, 0.0)), output);
        }
        output
    }
}

struct Exp2;
impl Function for Exp2 {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, x: S::Vector) -> S::Vector {
        math::exp2_nonpositive(simd, x)
    }
}

struct RoundBf16;
impl Function for RoundBf16 {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, x: S::Vector) -> S::Vector {
        simd.round_bf16(x)
    }
}

struct Reciprocal;
impl Function for Reciprocal {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, x: S::Vector) -> S::Vector {
        simd.reciprocal(x)
    }
}

#[test]
fn powers_of_two_are_within_two_units_in_the_last_place() {
    let mut values: Vec<f32> = (0..126_000).map(|i| -(i as f32) / 1000.0).collect();
    values.extend([-1e-30, -0.0, -126.0]);
    for set in available_sets() {
        for (x, y) in values.iter().zip(dispatch_to(set, Map(&values, Exp2))) {
            let expected = (*x as f64).exp2();
            assert!((y as f64 - expected).abs() <= 2.0 * 1.2e-7 * expected, "{set:?} {x}: {y}");
        }
        let far = dispatch_to(set, Map(&[-126.5, -1e4, f32::NEG_INFINITY, f32::NAN], Exp2));
        assert_eq!(far[..3], [0.0; 3], "{set:?}");
        assert!(far[3].is_nan(), "{set:?}");
    }
}

#[test]
fn rounding_to_bf16_is_to_nearest_even() {
    let mut values = random(1, 4000);
    // Ties on both sides, infinity, the largest number, signed zeros, subnormal numbers.
    values.extend([1.003_906_2, 1.011_718_8, -1.003_906_2, f32::INFINITY, f32::MAX, 0.0, -0.0, 1e-40]);
    for set in available_sets() {
        for (x, y) in values.iter().zip(dispatch_to(set, Map(&values, RoundBf16))) {
            let expected = half::bf16::from_f32(*x).to_f32();
            assert_eq!(y.to_bits(), expected.to_bits(), "{set:?} {x}");
        }
        assert!(
            dispatch_to(set, Map(&[f32::NAN, -f32::NAN], RoundBf16)).iter().all(|y| y.is_nan()),
            "{set:?}"
        );
    }
}

#[test]
fn reciprocals_are_within_two_units_in_the_last_place() {
    let values: Vec<f32> = random(2, 4000).iter().map(|x| 1.0 + 100.0 * (x + 1.0)).collect();
    for set in available_sets() {
        for (x, y) in values.iter().zip(dispatch_to(set, Map(&values, Reciprocal))) {
            let expected = 1.0 / *x as f64;
            assert!((y as f64 - expected).abs() <= 2.0 * 1.2e-7 * expected, "{set:?} {x}: {y}");
        }
    }
}

struct Reductions<'a>(&'a [f32]);

impl Kernel for Reductions<'_> {
    type Output = Vec<[f32; 4]>;
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<[f32; 4]> {
        let reduce = |lanes: &[f32]| {
            let vector = simd.load(lanes);
            let mut halves = lanes.to_vec();
            while halves.len() > 1 {
                let (lower, upper) = halves.split_at(halves.len() / 2);
                halves = lower.iter().zip(upper).map(|(a, b)| a + b).collect();
            }
            [simd.sum(vector) - halves[0], simd.largest(vector), simd.smallest(vector), lanes.len() as f32]
        };
        self.0.chunks_exact(S::LANES).map(reduce).collect()
    }
}

#[test]
fn reductions_add_upper_halves_onto_lower_ones() {
    let values = random(3, 64 * MAX_LANES);
    for set in available_sets() {
        let mut rest = values.as_slice();
        for [difference, largest, smallest, lanes] in dispatch_to(set, Reductions(&values)) {
            let (own, behind) = rest.split_at(lanes as usize);
            rest = behind;
            assert_eq!(difference, 0.0, "{set:?}");
            assert_eq!(largest, own.iter().copied().fold(f32::NEG_INFINITY, f32::max), "{set:?}");
            assert_eq!(smallest, own.iter().copied().fold(f32::INFINITY, f32::min), "{set:?}");
        }
        assert!(rest.is_empty());
    }
}

struct NotAtMost<'a>([&'a [f32]; 2]);

impl Kernel for NotAtMost<'_> {
    type Output = Vec<bool>;
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<bool> {
        let [a, b] = self.0;
        let mut output = Vec::new();
        for (a, b) in a.chunks_exact(S::LANES).zip(b.chunks_exact(S::LANES)) {
            let lanes = simd.not_at_most(simd.load(a), simd.load(b));
            assert_eq!(lanes >> (S::LANES - 1) >> 1, 0, "bits behind the last lane");
            output.extend((0..S::LANES).map(|lane| lanes >> lane & 1 == 1));
        }
        output
    }
}

#[test]
fn a_lane_is_at_most_another_where_both_are_numbers_and_it_is_not_larger() {
    let special = [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MIN_POSITIVE];
    let a: Vec<f32> = (0..64).map(|i| special[i / 8]).chain(random(4, MAX_LANES)).collect();
    let b: Vec<f32> = (0..64).map(|i| special[i % 8]).chain(random(5, MAX_LANES)).collect();
    let expected: Vec<bool> = a.iter().zip(&b).map(|(a, b)| a.is_nan() || b.is_nan() || a > b).collect();
    for set in available_sets() {
        assert_eq!(dispatch_to(set, NotAtMost([&a, &b])), expected, "{set:?}");
    }
}

struct Bytes<'a>([&'a [u32]; 3]);

impl Kernel for Bytes<'_> {
    type Output = Vec<f32>;
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f32> {
        let [a, b, c] = self.0;
        let mut output = vec![0.0; a.len()];
        let operands = a.chunks(S::LANES).zip(b.chunks(S::LANES)).zip(c.chunks(S::LANES));
        for (((a, b), c), output) in operands.zip(output.chunks_mut(S::LANES)) {
            let [a, b, c] = [simd.load_words(a), simd.load_words(b), simd.load_words(c)];
            let sums = simd.sub_mul_words(simd.dot_bytes(c, a, b), c, simd.splat_word(3));
            simd.store(simd.to_f32(sums), output);
        }
        output
    }
}

#[test]
fn dot_products_of_bytes_are_exact_at_the_extremes() {
    let bytes = |values: [u8; 4]| u32::from_le_bytes(values);
    let a = [bytes([255; 4]), bytes([255, 0, 255, 0]), bytes([1, 2, 3, 4]), bytes([200, 255, 7, 255])];
    let b = [bytes([128; 4]), bytes([127; 4]), bytes([255, 1, 128, 127]), bytes([129, 127, 255, 128])];
    let c = [5u32, 0, (-9i32) as u32, 1000];
    let [a, b, c] = [a, b, c].map(|values| values.repeat(MAX_LANES));
    let expected: Vec<f32> = (0..a.len())
        .map(|i| {
            let products = a[i].to_le_bytes().into_iter().zip(b[i].to_le_bytes());
            let sum: i32 = products.map(|(a, b)| i32::from(a) * i32::from(b as i8)).sum();
            (sum + c[i] as i32 - 3 * c[i] as i32) as f32
        })
        .collect();
    for set in available_sets() {
        assert_eq!(dispatch_bytes_to(set, Bytes([&a, &b, &c])), expected, "{set:?}");
    }
}

struct StoreBytes<'a>(&'a [f32]);

impl Kernel for StoreBytes<'_> {
    type Output = Vec<u8>;
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<u8> {
        let mut output = vec![0; self.0.len()];
        for (values, output) in self.0.chunks(S::LANES).zip(output.chunks_mut(S::LANES)) {
            simd.store_bytes(simd.load(values), output);
        }
        output
    }
}

#[test]
fn bytes_are_rounded_to_even_and_cut_to_their_range() {
    let values: Vec<f32> = (-40..600).map(|i| i as f32 / 2.0).collect();
    let expected: Vec<u8> = values.iter().map(|x| x.round_ties_even().clamp(0.0, 255.0) as u8).collect();
    for set in available_sets() {
        assert_eq!(dispatch_to(set, StoreBytes(&values)), expected, "{set:?}");
    }
}
