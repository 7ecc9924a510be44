//! Residual and LayerNorm in one pass: y = LayerNorm(x + residual).
//!
//! x, residual: [total_tokens, hidden_dim] f32, contiguous. y: the same shape. Order of the sums: see
//! [`crate::LayerNorm`]. On CUDA all three may be f16 or bf16, on Metal (composed of candle's operations)
//! f16; sums and statistics are always f32.

mod composed;
#[cfg(feature = "cuda")]
mod cuda;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Shape, Tensor};

use crate::args::{expect_shape, f32_slice, matrix};
use crate::cpu::buffers;
use crate::cpu::simd::{Kernel, Simd, dispatch};
use crate::ops::layer_norm::{LayerNorm, NormSlices};
use crate::{Error, Form, Result};

const NAME: &str = "add_norm";

/// LayerNorm(`hidden` + `residual`), row by row.
///
/// # Errors
/// If the shapes differ from each other or from the norm's width.
pub fn add_norm(hidden: &Tensor, residual: &Tensor, norm: &LayerNorm) -> Result<Tensor> {
    let (total_tokens, _) = matrix(NAME, "hidden", hidden)?;
    expect_shape(NAME, "hidden", hidden, &[total_tokens, norm.hidden_dim()])?;
    expect_shape(NAME, "residual", residual, hidden.dims())?;
    if norm.form() == Form::Composed {
        return Ok(composed::add_norm(hidden, residual, norm)?);
    }
    hidden.apply_op2_no_bwd(residual, &AddNorm(norm)).map_err(Error::from)
}

struct AddNorm<'a>(&'a LayerNorm);

impl CustomOp2 for AddNorm<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        hidden: &CpuStorage,
        hidden_layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let hidden = f32_slice(NAME, hidden, hidden_layout)?;
        let residual = f32_slice(NAME, residual, residual_layout)?;
        let mut output = buffers::take(hidden.len());
        self.0.with_slices(|norm| {
            dispatch(AddNormRows { hidden, residual, norm, output: &mut output });
            Ok(())
        })?;
        Ok((CpuStorage::F32(output), hidden_layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        hidden: &CudaStorage,
        hidden_layout: &Layout,
        residual: &CudaStorage,
        residual_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let output = cuda::add_norm((hidden, hidden_layout), (residual, residual_layout), self.0)?;
        Ok((output, hidden_layout.shape().clone()))
    }
}

struct AddNormRows<'a> {
    hidden: &'a [f32],
    residual: &'a [f32],
    norm: NormSlices<'a>,
    output: &'a mut [f32],
}

impl Kernel for AddNormRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let hidden_dim = self.norm.weight.len();
        let sources = self.hidden.chunks_exact(hidden_dim).zip(self.residual.chunks_exact(hidden_dim));
        for (row, (hidden, residual)) in self.output.chunks_exact_mut(hidden_dim).zip(sources) {
            let sources = hidden.chunks(S::LANES).zip(residual.chunks(S::LANES));
            for (values, (hidden, residual)) in row.chunks_mut(S::LANES).zip(sources) {
                let sum = simd.add(simd.load_or(hidden, 0.0), simd.load_or(residual, 0.0));
                simd.store_front(sum, values);
            }
            self.norm.apply(simd, row);
        }
    }
}

/// The same by the formula, with sums in f64: `hidden`, `residual` [total_tokens, hidden_dim].
#[cfg(test)]
fn reference(hidden: &[f32], residual: &[f32], norm: NormSlices<'_>) -> Vec<f64> {
    let hidden_dim = norm.weight.len();
    let sums: Vec<f64> = hidden.iter().zip(residual).map(|(&x, &r)| x as f64 + r as f64).collect();
    sums.chunks_exact(hidden_dim).flat_map(|row| norm.reference(row)).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::Placement;
    use crate::cpu::simd::dispatch_to;
    use crate::testing::{Target, assert_close, norm_bound, random, targets};

    struct Case {
        hidden: Vec<f32>,
        residual: Vec<f32>,
        weight: Vec<f32>,
        bias: Vec<f32>,
    }

    impl Case {
        fn new(target: Target, hidden_dim: usize) -> Self {
            let [hidden, residual] = [1, 2].map(|seed| target.held(&random(seed, 5 * hidden_dim)));
            Self { hidden, residual, weight: random(3, hidden_dim), bias: random(4, hidden_dim) }
        }

        fn slices(&self) -> NormSlices<'_> {
            NormSlices { weight: &self.weight, bias: &self.bias, epsilon: 1e-12 }
        }

        fn run(&self, target: Target) -> Vec<f32> {
            if let Target::Cpu(set) = target {
                let mut output = vec![0.0; self.hidden.len()];
                let Self { hidden, residual, .. } = self;
                dispatch_to(set, AddNormRows { hidden, residual, norm: self.slices(), output: &mut output });
                return output;
            }
            let hidden_dim = self.weight.len();
            let tensor = |values| target.tensor(values, (5, hidden_dim));
            let (hidden, residual) = (tensor(&self.hidden), tensor(&self.residual));
            target.values(&add_norm(&hidden, &residual, &self.norm(target)).unwrap())
        }

        fn norm(&self, target: Target) -> LayerNorm {
            let parameter = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
            LayerNorm::new(&parameter(&self.weight), &parameter(&self.bias), 1e-12, &target.placement())
                .unwrap()
        }
    }

    #[test]
    fn agrees_with_the_reference_beside_vector_edges() {
        for target in targets() {
            for hidden_dim in [1, 3, 4, 7, 8, 15, 16, 17, 33, 255, 256, 257, 384, 520, 1024] {
                let case = Case::new(target, hidden_dim);
                let output = case.run(target);
                if hidden_dim == 1 {
                    // One value is its own mean: only the shift is left.
                    let expected = case.bias[0] as f64;
                    let bound = 1e-6 + target.rounding() * expected.abs();
                    assert!(
                        output.iter().all(|&y| (y as f64 - expected).abs() < bound),
                        "{target:?} {output:?}"
                    );
                    continue;
                }
                let expected = reference(&case.hidden, &case.residual, case.slices());
                let largest = expected.iter().fold(0.0f64, |largest, y| largest.max(y.abs()));
                let bound =
                    norm_bound(&case.hidden, &case.residual, hidden_dim) + target.rounding() * largest;
                assert_close(&format!("{target:?} hidden_dim {hidden_dim}"), &output, &expected, bound);
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_alone_and_in_any_company() {
        for target in targets() {
            for hidden_dim in [24, 384] {
                let case = Case::new(target, hidden_dim);
                let together = case.run(target);
                for row in 0..5 {
                    // Every row becomes a copy of this one.
                    let repeated = |values: &[f32]| values[row * hidden_dim..][..hidden_dim].repeat(5);
                    let (hidden, residual) = (repeated(&case.hidden), repeated(&case.residual));
                    let alone =
                        Case { hidden, residual, weight: case.weight.clone(), bias: case.bias.clone() };
                    assert_eq!(
                        alone.run(target)[..hidden_dim],
                        together[row * hidden_dim..][..hidden_dim],
                        "{target:?} {row}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_tensor_may_begin_anywhere() {
        for target in targets().into_iter().filter(|target| !matches!(target, Target::Cpu(_))) {
            let case = Case::new(target, 24);
            let norm = case.norm(target);
            let [hidden, residual] =
                [&case.hidden, &case.residual].map(|values| target.shifted_tensor(values, (5, 24)));
            let output = add_norm(&hidden, &residual, &norm).unwrap();
            assert_eq!(target.values(&output), case.run(target), "{target:?}");
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let device = Device::Cpu;
        let zeros =
            |rows: usize, columns: usize| Tensor::zeros((rows, columns), candle_core::DType::F32, &device);
        let vector = Tensor::zeros(4, candle_core::DType::F32, &device).unwrap();
        let norm = LayerNorm::new(&vector, &vector, 1e-5, &Placement::CPU).unwrap();
        let error = add_norm(&zeros(2, 5).unwrap(), &zeros(2, 5).unwrap(), &norm).unwrap_err();
        assert_eq!(error.to_string(), "add_norm: hidden must have shape [2, 4], got [2, 5]");
        let error = add_norm(&zeros(2, 4).unwrap(), &zeros(3, 4).unwrap(), &norm).unwrap_err();
        assert_eq!(error.to_string(), "add_norm: residual must have shape [2, 4], got [3, 4]");
    }
}
