//! Activation functions, applied in the epilogue of a linear layer.
//!
//! Vector code for the CPU, a separate kernel for CUDA, candle's operations for Metal and a plain f64
//! reference for each.

mod composed;
#[cfg(feature = "cuda")]
mod cuda;

use crate::cpu::simd::{Arithmetic, math};

/// The function that a linear layer applies to its sums.
///
/// Names as in transformers' `ACT2FN`; formulas in each variant. The absolute error of the CPU's f32 against
/// the f64 formula is under 4e-7 (1 + |x|) for all, and for GELU under 4 units in the last place of x, over
/// all f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// x
    Identity,
    /// x / 2 (1 + erf(x / sqrt 2)); `gelu` in config.json.
    Gelu,
    /// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))); `gelu_new`, `gelu_pytorch_tanh`, `gelu_fast`.
    GeluTanh,
    /// max(0, x)
    Relu,
    /// x / (1 + e^-x); also called swish.
    Silu,
    /// tanh x
    Tanh,
    /// 1 / (1 + e^-x)
    Sigmoid,
}

/// sqrt(2 / pi)
const TANH_SCALE: f64 = 0.797_884_560_802_865_4;
const TANH_CUBIC: f64 = 0.044_715;

impl Activation {
    /// All activations.
    pub const ALL: [Self; 7] =
        [Self::Identity, Self::Gelu, Self::GeluTanh, Self::Relu, Self::Silu, Self::Tanh, Self::Sigmoid];

    /// The formula in f64; erf by its series and continued fraction.
    pub fn reference(self, x: f64) -> f64 {
        match self {
            Self::Identity => x,
            Self::Gelu => 0.5 * x * (1.0 + reference_erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => 0.5 * x * (1.0 + (TANH_SCALE * (x + TANH_CUBIC * x * x * x)).tanh()),
            Self::Relu => x.max(0.0),
            Self::Silu => x / (1.0 + (-x).exp()),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        }
    }

    /// The same on a vector of f32.
    #[inline(always)]
    pub(crate) fn apply<S: Arithmetic>(self, simd: S, x: S::Vector) -> S::Vector {
        match self {
            Self::Identity => x,
            Self::Gelu => gelu(simd, x),
            Self::GeluTanh => gelu_tanh(simd, x),
            Self::Relu => simd.max(simd.splat(0.0), x),
            Self::Silu => simd.mul(x, math::sigmoid(simd, x)),
            Self::Tanh => math::tanh(simd, x),
            Self::Sigmoid => math::sigmoid(simd, x),
        }
    }
}

/// x Phi(x).
#[inline(always)]
fn gelu<S: Arithmetic>(simd: S, x: S::Vector) -> S::Vector {
    simd.mul(x, math::normal_cdf(simd, x))
}

#[inline(always)]
fn gelu_tanh<S: Arithmetic>(simd: S, x: S::Vector) -> S::Vector {
    let cubic = simd.mul_add(simd.mul(x, x), simd.splat(TANH_CUBIC as f32), simd.splat(1.0));
    let inner = simd.mul(simd.mul(x, simd.splat(TANH_SCALE as f32)), cubic);
    let half = simd.mul(x, simd.splat(0.5));
    simd.mul_add(half, math::tanh(simd, inner), half)
}

/// erf in f64: Maclaurin series below 3, Lentz's continued fraction of erfc above (Abramowitz and Stegun
/// 7.1.5, 7.1.14).
fn reference_erf(x: f64) -> f64 {
    let z = x.abs();
    let value = if z < 3.0 { erf_series(z) } else { 1.0 - erfc_fraction(z) };
    value.copysign(x)
}

fn erf_series(z: f64) -> f64 {
    let (mut term, mut sum) = (z, z);
    for n in 1..100 {
        term *= -z * z / n as f64;
        sum += term / (2 * n + 1) as f64;
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

fn erfc_fraction(z: f64) -> f64 {
    let mut tail = z;
    for n in (1..60).rev() {
        tail = z + 0.5 * n as f64 / tail;
    }
    (-z * z).exp() / (tail * std::f64::consts::PI.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::{InstructionSet, Kernel, Simd, dispatch_to};

    struct Map<'a>(Activation, &'a mut [f32]);

    impl Kernel for Map<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            for values in self.1.chunks_mut(S::LANES) {
                let result = self.0.apply(simd, simd.load_or(values, 0.0));
                simd.store_front(result, values);
            }
        }
    }

    fn inputs() -> Vec<f32> {
        let grid = (-200_000..=200_000).map(|i| i as f32 * 1e-4);
        let far = [-1e30, -1e4, -88.0, -30.0, 30.0, 88.0, 1e4, 1e30, 0.0, -0.0, 1e-30, f32::MIN_POSITIVE];
        grid.chain(far).collect()
    }

    #[test]
    fn every_instruction_set_stays_within_the_stated_bound() {
        for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
            for activation in Activation::ALL {
                let mut values = inputs();
                dispatch_to(set, Map(activation, &mut values));
                for (x, y) in inputs().into_iter().zip(values) {
                    let expected = activation.reference(x as f64);
                    let bound = 4e-7 * (1.0 + x.abs() as f64);
                    let difference = (y as f64 - expected).abs();
                    assert!(difference <= bound, "{set:?} {activation:?}({x}) = {y}, expected {expected}");
                }
            }
        }
    }

    /// Every binade of f32 on both sides of 0, including subnormal numbers. Unlike 4e-7 (1 + |x|),
    /// this bound is tight for small x, and requires large ones to become x and 0 exactly.
    #[test]
    fn gelu_errs_by_less_than_four_units_in_the_last_place_of_its_argument() {
        let positive = (0..f32::MAX.to_bits()).step_by(8191).map(f32::from_bits);
        let inputs: Vec<f32> = positive.flat_map(|x| [x, -x]).collect();
        let expected: Vec<f64> = inputs.iter().map(|&x| Activation::Gelu.reference(x as f64)).collect();
        for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
            let mut outputs = inputs.clone();
            dispatch_to(set, Map(Activation::Gelu, &mut outputs));
            for ((&x, &y), &expected) in inputs.iter().zip(&outputs).zip(&expected) {
                let difference = (y as f64 - expected).abs();
                assert!(
                    difference < 4.0 * unit_in_the_last_place(x),
                    "{set:?} gelu({x:e}) = {y:e}, expected {expected:e}"
                );
            }
        }
    }

    fn unit_in_the_last_place(x: f32) -> f64 {
        let size = x.abs();
        f32::from_bits(size.to_bits() + 1) as f64 - size as f64
    }

    #[test]
    fn not_a_number_stays_so() {
        for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
            for activation in Activation::ALL {
                let mut values = [f32::NAN; 5];
                dispatch_to(set, Map(activation, &mut values));
                assert!(values.iter().all(|value| value.is_nan()), "{set:?} {activation:?}: {values:?}");
            }
        }
    }

    #[test]
    fn reference_erf_agrees_with_published_values() {
        // Abramowitz and Stegun, table 7.1.
        for (x, expected) in
            [(0.5, 0.520_499_877_8), (1.0, 0.842_700_792_9), (2.0, 0.995_322_265_0), (3.5, 0.999_999_256_9)]
        {
            assert!((reference_erf(x) - expected).abs() < 1e-10, "erf({x}) = {}", reference_erf(x));
            assert_eq!(reference_erf(-x), -reference_erf(x));
        }
    }
}
