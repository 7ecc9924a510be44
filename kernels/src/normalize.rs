//! Rows to length 1: y = x / max(||x||, epsilon).
//!
//! x, y: [rows, dim] f32, contiguous. The length is summed in f64, first to last, and the quotient rounded once, so this plain
//! form is its own reference. Metal and CUDA: no kernel yet; candle says so when it is asked.

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use crate::args::{f32_slice, matrix};
use crate::{Result, buffers};

const NAME: &str = "normalize";

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
        for row in output.chunks_exact_mut(layout.dims()[1].max(1)) {
            normalize_row(row, self.epsilon);
        }
        Ok((CpuStorage::F32(output), layout.shape().clone()))
    }
}

/// Divides `row` by its length, or by `epsilon` if that is larger.
pub fn normalize_row(row: &mut [f32], epsilon: f64) {
    let length = row.iter().map(|&x| x as f64 * x as f64).sum::<f64>().sqrt();
    // `if` rather than f64::max, so that a NaN stays one.
    let divisor = if length < epsilon { epsilon } else { length };
    for value in row {
        *value = (*value as f64 / divisor) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
