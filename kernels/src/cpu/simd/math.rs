//! Elementary functions over vectors of f32.
//!
//! The coefficients are our own fits: weighted least squares on Chebyshev nodes, reweighted towards equal
//! error (Lawson's method), in double precision against a 40-digit reference, then rounded to f32.

use super::Arithmetic;

/// e to the power of x: relative error under 2 ULP for x in -87.3..=88.7, 0 below, e^88.376 above, NaN for
/// NaN.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 is split in two so that n ln 2 is exact (Cody and Waite).
#[inline(always)]
pub(crate) fn exp<S: Arithmetic>(simd: S, x: S::Vector) -> S::Vector {
    const LOWEST: f32 = -87.336_54;
    const HIGHEST: f32 = 88.376_26;
    const POLYNOMIAL: [f32; 5] = [0.499_999_94, 0.166_665_21, 0.041_668_39, 0.008_368_701, 0.001_381_449_5];
    let clamped = clamp(simd, x, LOWEST, HIGHEST);
    let n = simd.round(simd.mul(clamped, simd.splat(std::f32::consts::LOG2_E)));
    let r = simd.mul_add(n, simd.splat(-0.693_359_4), clamped);
    let r = simd.mul_add(n, simd.splat(2.121_944_4e-4), r);
    let tail = simd.mul(simd.mul(r, r), polynomial(simd, r, &POLYNOMIAL));
    let mantissa = simd.add(simd.add(tail, r), simd.splat(1.0));
    simd.zero_where_less(simd.scale_exponent(mantissa, n), x, LOWEST)
}

/// 2 to the power of x for x <= 0: relative error under 2 ULP for x >= -126, 0 below, NaN for NaN.
#[inline(always)]
pub(crate) fn exp2_nonpositive<S: Arithmetic>(simd: S, x: S::Vector) -> S::Vector {
    const LOWEST: f32 = -126.0;
    #[expect(clippy::approx_constant, reason = "a fitted coefficient, near ln 2 and not it")]
    const POLYNOMIAL: [f32; 6] =
        [1.0, 0.693_147, 0.240_222_42, 0.055_507_336, 0.009_671_513, 0.001_326_472_6];
    let clamped = simd.max(simd.splat(LOWEST), x);
    let n = simd.round(clamped);
    let mantissa = polynomial(simd, simd.sub(clamped, n), &POLYNOMIAL);
    simd.zero_where_less(simd.scale_exponent(mantissa, n), x, LOWEST)
}

/// The normal distribution's Phi(x) = (1 + erf(x / sqrt 2)) / 2: absolute error under 2e-7; exactly 0 below
/// -5.7 and exactly 1 above 5.7.
///
/// Phi - 1/2 is odd: x P(x^2) / Q(x^2), both of degree 5, fitted on 0..=5.7 to a target that overshoots by
/// 1.8e-7 at its end, so that the clamp reaches 1/2 exactly. All coefficients are positive, so nothing
/// cancels. It needs a third of the work of a form with an exponential, and its chain of dependent
/// instructions is a third as long.
#[inline(always)]
pub(crate) fn normal_cdf<S: Arithmetic>(simd: S, x: S::Vector) -> S::Vector {
    const P: [f32; 6] =
        [0.398_942_2, 0.034_936_465, 0.004_740_576, 0.000_179_346_49, 6.374_064_5e-6, 2.158_738_8e-8];
    const Q: [f32; 6] = [1.0, 0.254_238_22, 0.029_258_085, 0.001_944_301_2, 7.675_3e-5, 1.165_138_3e-6];
    let x = clamp(simd, x, -5.7, 5.7);
    let square = simd.mul(x, x);
    let numerator = simd.mul(x, polynomial(simd, square, &P));
    let quotient = simd.mul(numerator, simd.reciprocal(polynomial(simd, square, &Q)));
    simd.add(simd.splat(0.5), clamp(simd, quotient, -0.5, 0.5))
}

/// The hyperbolic tangent: (e^2x - 1) / (e^2x + 1), absolute error under 3e-7.
#[inline(always)]
pub(crate) fn tanh<S: Arithmetic>(simd: S, x: S::Vector) -> S::Vector {
    // Beyond 9.02 the nearest f32 is 1.
    let x = clamp(simd, x, -9.02, 9.02);
    let power = exp(simd, simd.add(x, x));
    simd.div(simd.sub(power, simd.splat(1.0)), simd.add(power, simd.splat(1.0)))
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn sigmoid<S: Arithmetic>(simd: S, x: S::Vector) -> S::Vector {
    let power = exp(simd, simd.sub(simd.splat(0.0), x));
    simd.div(simd.splat(1.0), simd.add(simd.splat(1.0), power))
}

/// `x` between `lowest` and `highest`; NaN stays NaN.
#[inline(always)]
fn clamp<S: Arithmetic>(simd: S, x: S::Vector, lowest: f32, highest: f32) -> S::Vector {
    simd.min(simd.splat(highest), simd.max(simd.splat(lowest), x))
}

/// Horner's rule, constant term first in `coefficients`.
#[inline(always)]
fn polynomial<S: Arithmetic, const N: usize>(simd: S, x: S::Vector, coefficients: &[f32; N]) -> S::Vector {
    let mut sum = simd.splat(coefficients[N - 1]);
    for i in (0..N - 1).rev() {
        sum = simd.mul_add(sum, x, simd.splat(coefficients[i]));
    }
    sum
}
