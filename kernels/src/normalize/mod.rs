//! Rows to length 1: y = x / max(||x||, epsilon).
//!
//! x, y: [rows, dim] f32, contiguous. The length is summed in f64, in 16 lanes whose sums are then added first to last; each value
//! is multiplied by 1 / length in f64 and rounded to f32. Metal and CUDA: no kernel yet; candle says so when it is asked.

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use crate::args::{f32_slice, matrix};
use crate::simd::{Kernel, Simd, dispatch};
use crate::{Result, buffers};

const NAME: &str = "normalize";

/// Sums of a row's squares side by side.
const LANES: usize = 16;

/// Every row of `rows` [rows, dim] divided by its length, or by `epsilon` if that is larger.
///
/// With `epsilon` 0 a row of zeros becomes NaN.
///
/// # Errors
/// If `rows` is not a matrix of f32.
pub fn normalize(rows: &Tensor, epsilon: f64) -> Result<Tensor> {
    matrix(NAME, "rows", rows)?;
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
        dispatch(Rows { values: &mut output, dim: layout.dims()[1], epsilon: self.epsilon });
        Ok((CpuStorage::F32(output), layout.shape().clone()))
    }
}

/// Divides `row` by its length, or by `epsilon` if that is larger.
pub fn normalize_row(row: &mut [f32], epsilon: f64) {
    dispatch(Rows { dim: row.len(), values: row, epsilon });
}

/// Rows of `dim` values. There is no vector of f64 in `Simd`: the compiler makes them of plain loops, with the instruction set that
/// it has here.
struct Rows<'a> {
    values: &'a mut [f32],
    dim: usize,
    epsilon: f64,
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for row in self.values.chunks_exact_mut(self.dim.max(1)) {
            let length = length(row);
            // `if` rather than f64::max, so that a NaN stays one.
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
    use crate::simd::dispatch_to;
    use crate::testing::{available_sets, random};
    use candle_core::Device;

    #[test]
    fn rows_get_length_one_and_zeros_follow_epsilon() {
        let rows = Tensor::new(&[[3.0f32, 4.0], [0.0, 0.0], [1e-30, 0.0]], &Device::Cpu).unwrap();
        let output = normalize(&rows, 1e-12).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(output[0], [0.6, 0.8]);
        assert_eq!(output[1], [0.0, 0.0]);
        assert_eq!(output[2], [1e-18, 0.0]);
        let output = normalize(&rows, 0.0).unwrap().to_vec2::<f32>().unwrap();
        assert!(output[1].iter().all(|x| x.is_nan()));
        assert_eq!(output[2], [1.0, 0.0]);
    }

    /// f64 sums err by dim 2^-53, far below the rounding to f32: half a unit in the last place, and as good as another where the f64
    /// lies beside the middle of two.
    #[test]
    fn every_instruction_set_agrees_with_the_formula() {
        for set in available_sets() {
            for dim in [1, 15, 16, 17, 384, 1000] {
                let rows = random(3, 3 * dim);
                let mut output = rows.clone();
                dispatch_to(set, Rows { values: &mut output, dim, epsilon: 0.0 });
                for (row, output) in rows.chunks(dim).zip(output.chunks(dim)) {
                    let length = row.iter().map(|&x| (x as f64).powi(2)).sum::<f64>().sqrt();
                    for (&x, &y) in row.iter().zip(output) {
                        let expected = x as f64 / length;
                        let bound = 0.51 * f32::EPSILON as f64 * expected.abs();
                        assert!((y as f64 - expected).abs() <= bound, "{set:?} {dim}: {y} for {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn values_that_are_not_finite_stay_so() {
        for value in [f32::NAN, f32::INFINITY] {
            let rows = Tensor::new(&[[1.0f32, value], [3.0, 4.0]], &Device::Cpu).unwrap();
            let output = normalize(&rows, 1e-12).unwrap().to_vec2::<f32>().unwrap();
            assert!(output[0][1].is_nan(), "{value}");
            assert_eq!(output[1], [0.6, 0.8]);
        }
    }
}
