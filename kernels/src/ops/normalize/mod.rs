//! Scales rows to length 1: y = x / max(||x||, epsilon).
//!
//! x, y: [rows, dim] f32, contiguous. The length is summed in f64, in 16 lanes whose sums are then added
//! first to last; each value is multiplied by 1 / length in f64 and rounded to f32. On CUDA x and y may be
//! f16 or bf16, and the lanes of a warp replace the 16. On Metal (composed of candle's operations) they may
//! be f16, and everything is f32: the length errs by up to dim / 2 units in the last place.

pub(crate) mod composed;
#[cfg(feature = "cuda")]
mod cuda;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use crate::args::{f32_slice, matrix};
use crate::cpu::buffers;
use crate::cpu::simd::{Kernel, Simd, dispatch};
use crate::{Form, Result};

const NAME: &str = "normalize";

/// Partial sums of a row's squares.
const LANES: usize = 16;

/// Every row of `rows` [rows, dim] divided by its length, or by `epsilon` if that is larger.
///
/// With `epsilon` 0 a row of zeros becomes NaN.
///
/// # Errors
/// If `rows` is not a matrix of f32.
pub fn normalize(rows: &Tensor, epsilon: f64, form: Form) -> Result<Tensor> {
    matrix(NAME, "rows", rows)?;
    if form == Form::Composed {
        return Ok(composed::normalize(rows, epsilon)?);
    }
    Ok(rows.apply_op1_no_bwd(&Normalize { epsilon })?)
}

struct Normalize {
    epsilon: f64,
}

impl CustomOp1 for Normalize {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let rows = f32_slice(NAME, storage, layout)?;
        let mut output = buffers::take(rows.len());
        output.copy_from_slice(rows);
        dispatch(NormalizedRows { values: &mut output, dim: layout.dims()[1], epsilon: self.epsilon });
        Ok((CpuStorage::F32(output), layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        Ok((cuda::normalize((storage, layout), self.epsilon)?, layout.shape().clone()))
    }
}

/// Divides `row` by its length, or by `epsilon` if that is larger.
pub fn normalize_row(row: &mut [f32], epsilon: f64) {
    dispatch(NormalizedRows { dim: row.len(), values: row, epsilon });
}

/// Rows of `dim` values. `Simd` has no vector of f64: the compiler vectorizes plain loops with the
/// instruction set enabled here.
struct NormalizedRows<'a> {
    values: &'a mut [f32],
    dim: usize,
    epsilon: f64,
}

impl Kernel for NormalizedRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for row in self.values.chunks_exact_mut(self.dim.max(1)) {
            let length = length(row);
            // `if` rather than f64::max, so that a NaN stays NaN.
            let factor = 1.0 / if length < self.epsilon { self.epsilon } else { length };
            for value in row {
                *value = (*value as f64 * factor) as f32;
            }
        }
    }
}

#[inline(always)]
fn length(row: &[f32]) -> f64 {
    let mut sums = [0.0f64; LANES];
    let (whole, rest) = row.as_chunks::<LANES>();
    for values in whole {
        for (sum, &value) in sums.iter_mut().zip(values) {
            *sum += value as f64 * value as f64;
        }
    }
    for (sum, &value) in sums.iter_mut().zip(rest) {
        *sum += value as f64 * value as f64;
    }
    let mut total = 0.0;
    for sum in sums {
        total += sum;
    }
    total.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::dispatch_to;
    use crate::testing::{Target, random, targets};
    use candle_core::DType;

    /// `rows` of `dim` values, which the target's type can represent.
    fn run(target: Target, rows: &[f32], dim: usize, epsilon: f64) -> Vec<f32> {
        if let Target::Cpu(set) = target {
            let mut output = rows.to_vec();
            dispatch_to(set, NormalizedRows { values: &mut output, dim, epsilon });
            return output;
        }
        let rows = target.tensor(rows, (rows.len() / dim, dim));
        target.values(&normalize(&rows, epsilon, target.form()).unwrap())
    }

    #[test]
    fn rows_get_length_one_and_zeros_follow_epsilon() {
        for target in targets() {
            // 2^-20 is still an f16 (a subnormal one), but its square is 0 in f16, so squares must not be
            // taken in f16.
            let small = 2f32.powi(-20);
            let rows = [3.0, 4.0, 0.0, 0.0, small, 0.0];
            let output = run(target, &rows, 2, 1e-3);
            let expected = target.held(&[0.6, 0.8, 0.0, 0.0, small * 1e3, 0.0]);
            for (output, expected) in output.iter().zip(expected) {
                // 1e-3 is not an f32: if it is rounded to one, a quotient by it may be the next number.
                let off = if target == Target::Composed(DType::F32) { 2.0 } else { 1e-3 };
                assert!(
                    (output - expected).abs() <= off * expected.abs() * target.rounding() as f32,
                    "{target:?}"
                );
            }
            let output = run(target, &rows, 2, 0.0);
            assert!(output[2..4].iter().all(|x| x.is_nan()), "{target:?}");
            assert_eq!(output[4..], [1.0, 0.0], "{target:?}");
        }
    }

    /// f64 sums err by dim 2^-53, far below the rounding to the element type: half a unit in the last place,
    /// where either neighbour will do if the f64 is near the middle of two. f16 and bf16 are rounded from
    /// f32, so twice. Composed, the sum of dim squares is f32: they have one sign, so it errs by (dim + 1)
    /// 2^-24 relatively, its root by half of that, and root and quotient round once.
    #[test]
    fn every_target_agrees_with_the_formula() {
        for target in targets() {
            for dim in [1, 15, 16, 17, 255, 256, 384, 1000] {
                let rows = target.held(&random(3, 3 * dim));
                let output = run(target, &rows, dim, 0.0);
                let chain =
                    if target.is_of_our_kernels() { 0.0 } else { (dim as f64 / 2.0 + 3.0) * 2f64.powi(-24) };
                for (row, output) in rows.chunks(dim).zip(output.chunks(dim)) {
                    let length = row.iter().map(|&x| (x as f64).powi(2)).sum::<f64>().sqrt();
                    for (&x, &y) in row.iter().zip(output) {
                        let expected = x as f64 / length;
                        // Below the normal numbers of f16 the step is 2^-24.
                        let bound = 1.02 * target.rounding() * expected.abs().max(2f64.powi(-14))
                            + chain * expected.abs();
                        assert!((y as f64 - expected).abs() <= bound, "{target:?} {dim}: {y} for {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_tensor_may_begin_anywhere() {
        for target in targets().into_iter().filter(|target| !matches!(target, Target::Cpu(_))) {
            let rows = target.held(&random(3, 3 * 24));
            let shifted = target.shifted_tensor(&rows, (3, 24));
            let output = normalize(&shifted, 0.0, target.form()).unwrap();
            assert_eq!(target.values(&output), run(target, &rows, 24, 0.0), "{target:?}");
        }
    }

    #[test]
    fn values_that_are_not_finite_stay_so() {
        for value in [f32::NAN, f32::INFINITY] {
            for target in targets() {
                let output = run(target, &[1.0, value, 3.0, 4.0], 2, 1e-12);
                assert!(output[1].is_nan(), "{target:?} {value}");
                assert_eq!(output[2..], target.held(&[0.6, 0.8]), "{target:?}");
            }
        }
    }
}
