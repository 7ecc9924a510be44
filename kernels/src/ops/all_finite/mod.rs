//! Whether every value of a sequence is finite (not infinite and not NaN).
//!
//! hidden: [total_tokens, dim], contiguous; on the CPU f32, on CUDA f32, f16 or bf16. `cu_seqlens`: where
//! each sequence starts. The results are on the CPU: on CUDA this waits for the device, and copies 4 bytes
//! per sequence instead of all values. On Metal all values are copied, as f32.

#[cfg(feature = "cuda")]
mod cuda;

use candle_core::{DType, Device, Storage, Tensor};

use crate::args::{expect_shape, f32_slice, matrix};
use crate::cpu::simd::{Kernel, Simd, dispatch};
use crate::{CuSeqlens, Form, Result};

const NAME: &str = "all_finite";

/// For each sequence of `hidden`, whether all of its values are finite; true for an empty sequence.
///
/// # Errors
/// If `cu_seqlens` covers a different number of tokens than `hidden` has.
pub fn all_finite(hidden: &Tensor, cu_seqlens: &CuSeqlens, form: Form) -> Result<Vec<bool>> {
    let (_, dim) = matrix(NAME, "hidden", hidden)?;
    expect_shape(NAME, "hidden", hidden, &[cu_seqlens.total_tokens(), dim])?;
    let hidden =
        if form == Form::Composed { &hidden.to_dtype(DType::F32)?.to_device(&Device::Cpu)? } else { hidden };
    let (storage, layout) = hidden.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => {
            let hidden = f32_slice(NAME, storage, layout)?;
            Ok(dispatch(Sequences { hidden, cu_seqlens, dim }))
        }
        #[cfg(feature = "cuda")]
        Storage::Cuda(storage) => Ok(cuda::all_finite((storage, layout), cu_seqlens)?),
        _ => Err(candle_core::Error::Msg(format!("{NAME}: no kernel for {:?}", hidden.device())).into()),
    }
}

/// As in `normalize`, the compiler vectorizes the loop with the instruction set enabled here.
struct Sequences<'a> {
    hidden: &'a [f32],
    cu_seqlens: &'a CuSeqlens,
    dim: usize,
}

impl Kernel for Sequences<'_> {
    type Output = Vec<bool>;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Vec<bool> {
        let mut finite = Vec::with_capacity(self.cu_seqlens.num_sequences());
        for tokens in self.cu_seqlens.ranges() {
            let mut all = true;
            // No early exit from the loop: the compiler could not vectorize it.
            for value in &self.hidden[tokens.start * self.dim..tokens.end * self.dim] {
                all &= value.is_finite();
            }
            finite.push(all);
        }
        finite
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::dispatch_to;
    use crate::testing::{Target, random, targets};

    fn run(target: Target, hidden: &[f32], cu_seqlens: &CuSeqlens, dim: usize) -> Vec<bool> {
        if let Target::Cpu(set) = target {
            return dispatch_to(set, Sequences { hidden, cu_seqlens, dim });
        }
        // A view that starts after a row that is not finite.
        let rows = [&vec![f32::NAN; dim], hidden].concat();
        let tensor = target.tensor(&rows, (1 + cu_seqlens.total_tokens(), dim));
        let view = tensor.narrow(0, 1, cu_seqlens.total_tokens()).unwrap();
        all_finite(&view, cu_seqlens, target.form()).unwrap()
    }

    #[test]
    fn a_single_value_is_found_wherever_it_lies() {
        let cu_seqlens = CuSeqlens::from_lengths([1, 0, 3, 2, 0]).unwrap();
        for target in targets() {
            for dim in [1, 5, 32, 387] {
                let values = target.held(&random(1, 6 * dim));
                assert_eq!(run(target, &values, &cu_seqlens, dim), [true; 5], "{target:?} {dim}");
                for (at, value) in [
                    (0, f32::NAN),
                    (dim - 1, f32::INFINITY),
                    (dim, f32::NEG_INFINITY),
                    (4 * dim - 1, -f32::NAN),
                    (4 * dim, f32::INFINITY),
                    (6 * dim - 1, f32::NAN),
                ] {
                    let mut broken = values.clone();
                    broken[at] = value;
                    let expected: Vec<bool> =
                        cu_seqlens.ranges().map(|tokens| !tokens.contains(&(at / dim))).collect();
                    assert_eq!(
                        run(target, &broken, &cu_seqlens, dim),
                        expected,
                        "{target:?} {dim}: {value} at {at}"
                    );
                }
            }
        }
    }

    /// After the first block on CUDA, and in more than one sequence.
    #[test]
    fn every_sequence_is_looked_at() {
        let (lengths, dim) = ([100, 7, 300, 1, 92], 65);
        let cu_seqlens = CuSeqlens::from_lengths(lengths).unwrap();
        for target in targets() {
            let mut values = target.held(&random(2, 500 * dim));
            values[106 * dim + 64] = f32::NAN;
            values[499 * dim] = f32::INFINITY;
            let got = run(target, &values, &cu_seqlens, dim);
            assert_eq!(got, [true, false, true, true, false], "{target:?}");
        }
    }

    #[test]
    fn largest_and_smallest_values_are_finite() {
        for target in targets() {
            let largest = match target.dtype() {
                DType::F16 => 65504.0,
                _ => f32::MAX * (1.0 - 1.0 / 128.0),
            };
            let values = target.held(&[largest, -largest, 0.0, -0.0, f32::MIN_POSITIVE]);
            assert!(values[0] > 6e4, "{target:?}");
            assert_eq!(run(target, &values, &CuSeqlens::from_lengths([5]).unwrap(), 1), [true], "{target:?}");
        }
    }

    #[test]
    fn nothing_is_finite() {
        for target in targets() {
            assert_eq!(run(target, &[], &CuSeqlens::from_lengths([]).unwrap(), 3), [true; 0]);
        }
        let hidden = Tensor::zeros((2, 0), DType::F32, &Device::Cpu).unwrap();
        assert_eq!(
            all_finite(&hidden, &CuSeqlens::from_lengths([0, 2]).unwrap(), Form::Kernels).unwrap(),
            [true; 2]
        );
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let hidden = Tensor::zeros((3, 2), DType::F32, &Device::Cpu).unwrap();
        let error = all_finite(&hidden, &CuSeqlens::from_lengths([4]).unwrap(), Form::Kernels).unwrap_err();
        assert_eq!(error.to_string(), "all_finite: hidden must have shape [4, 2], got [3, 2]");
    }
}
