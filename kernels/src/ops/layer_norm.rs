//! Norms of a row. LayerNorm: y = (x - mean(x)) / sqrt(var(x) + epsilon) * weight + bias (Ba, Kiros and Hinton,
//! 2016), of which some models have no bias. By the root mean square: y = x / sqrt(mean(x^2) + epsilon) * weight
//! (Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019), which is the first with a mean and bias
//! of 0, and is computed as that.
//!
//! It mostly follows a sum, so the sum's operation (`embed_norm`, [`crate::add_norm()`]) ends with it. Statistics are f32, with the variance from centred values in a second
//! pass. Order of the sums: each lane of four vectors adds its values from first to last, then the vectors
//! are added, then the lanes by halves.

use candle_core::{D, Tensor};

use crate::args::expect_shape;
use crate::cpu::simd::{Arithmetic, Interleaved, Simd};
use crate::{Form, Placement, Result};

/// Vectors of a row that are processed together.
const TOGETHER: usize = 4;

/// Scale, shift and epsilon of a norm. Cloning shares the tensors.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    weight: Tensor,
    /// Zeros if the norm has none.
    bias: Tensor,
    epsilon: f32,
    is_centred: bool,
    form: Form,
}

impl LayerNorm {
    /// Moves `weight` and `bias`, `[hidden_dim]` f32, to the device of `placement`.
    ///
    /// # Errors
    /// If their shapes differ or are not vectors, or the device lacks the memory.
    pub fn new(weight: &Tensor, bias: &Tensor, epsilon: f64, placement: &Placement) -> Result<Self> {
        expect_shape("layer_norm", "weight", weight, &[weight.elem_count()])?;
        expect_shape("layer_norm", "bias", bias, &[weight.elem_count()])?;
        let [weight, bias] = [weight, bias].map(|vector| vector.contiguous()?.to_device(placement.device()));
        let (weight, bias) = (weight?, bias?);
        Ok(Self { weight, bias, epsilon: epsilon as f32, is_centred: true, form: placement.form() })
    }

    /// A LayerNorm without a bias.
    ///
    /// # Errors
    /// As [`LayerNorm::new`].
    pub fn without_bias(weight: &Tensor, epsilon: f64, placement: &Placement) -> Result<Self> {
        Self::new(weight, &weight.zeros_like()?, epsilon, placement)
    }

    /// A norm by the root mean square: without mean and bias. (Of a model that multiplies by 1 + weight, `weight`
    /// must include the 1.)
    ///
    /// # Errors
    /// As [`LayerNorm::new`].
    pub fn rms(weight: &Tensor, epsilon: f64, placement: &Placement) -> Result<Self> {
        Ok(Self { is_centred: false, ..Self::without_bias(weight, epsilon, placement)? })
    }

    /// Width of the rows.
    pub fn hidden_dim(&self) -> usize {
        self.weight.elem_count()
    }

    /// The form of the operation that includes the norm.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// The same composed of candle's operations: `rows` [total_tokens, hidden_dim] f32, on the norm's device.
    pub(crate) fn composed(&self, rows: &Tensor) -> candle_core::Result<Tensor> {
        let count = self.hidden_dim() as f64;
        let centred = match self.is_centred {
            true => rows.broadcast_sub(&(rows.sum_keepdim(D::Minus1)? / count)?)?,
            false => rows.clone(),
        };
        let variance = (centred.sqr()?.sum_keepdim(D::Minus1)? / count)?;
        let deviation = (variance + f64::from(self.epsilon))?.sqrt()?;
        centred.broadcast_div(&deviation)?.broadcast_mul(&self.weight)?.broadcast_add(&self.bias)
    }

    /// Calls `body` with weight and bias as slices.
    pub(crate) fn with_slices<T>(
        &self,
        body: impl FnOnce(NormSlices<'_>) -> candle_core::Result<T>,
    ) -> candle_core::Result<T> {
        crate::args::with_f32(&self.weight, |weight| {
            crate::args::with_f32(&self.bias, |bias| {
                let Self { epsilon, is_centred, .. } = *self;
                body(NormSlices { weight, bias, epsilon, is_centred })
            })
        })
    }
}

/// A [`LayerNorm`] on CUDA, readable while this lives.
#[cfg(feature = "cuda")]
pub(crate) struct CudaNorm<'a> {
    weight: crate::cuda::Parameter<'a>,
    bias: crate::cuda::Parameter<'a>,
    pub(crate) epsilon: f32,
    /// Whether the mean is subtracted: 1 or 0.
    pub(crate) is_centred: u32,
}

#[cfg(feature = "cuda")]
impl LayerNorm {
    pub(crate) fn on_cuda(&self) -> CudaNorm<'_> {
        let [weight, bias] = [&self.weight, &self.bias].map(crate::cuda::Parameter::of);
        CudaNorm { weight, bias, epsilon: self.epsilon, is_centred: u32::from(self.is_centred) }
    }
}

#[cfg(feature = "cuda")]
impl CudaNorm<'_> {
    pub(crate) fn weight(&self, operation: &'static str) -> candle_core::Result<crate::cuda::View<'_, f32>> {
        self.weight.values(operation)
    }

    pub(crate) fn bias(&self, operation: &'static str) -> candle_core::Result<crate::cuda::View<'_, f32>> {
        self.bias.values(operation)
    }
}

/// A [`LayerNorm`] on the CPU.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NormSlices<'a> {
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) epsilon: f32,
    /// Whether the mean is subtracted.
    pub(crate) is_centred: bool,
}

impl NormSlices<'_> {
    /// Normalises `row` in place.
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(self, simd: S, row: &mut [f32]) {
        let together = Interleaved::<S, TOGETHER>(simd);
        let mean = if self.is_centred { sum(simd, row) / row.len() as f32 } else { 0.0 };
        let variance = sum_of_squares(simd, row, mean) / row.len() as f32;
        let (mean, scale) = (together.splat(mean), together.splat(1.0 / (variance + self.epsilon).sqrt()));
        let step = Interleaved::<S, TOGETHER>::LANES;
        let parameters = self.weight.chunks(step).zip(self.bias.chunks(step));
        for (values, (weight, bias)) in row.chunks_mut(step).zip(parameters) {
            let centred = together.sub(together.load_or(values, 0.0), mean);
            let weight = together.mul(scale, together.load_or(weight, 0.0));
            together.store_front(together.mul_add(centred, weight, together.load_or(bias, 0.0)), values);
        }
    }

    /// The same by the formula, in f64.
    #[cfg(test)]
    pub(crate) fn reference(self, row: &[f64]) -> Vec<f64> {
        let count = row.len() as f64;
        let mean = if self.is_centred { row.iter().sum::<f64>() / count } else { 0.0 };
        let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
        let scale = 1.0 / (variance + self.epsilon as f64).sqrt();
        let parameters = self.weight.iter().zip(self.bias);
        row.iter().zip(parameters).map(|(x, (&w, &b))| (x - mean) * scale * w as f64 + b as f64).collect()
    }
}

#[inline(always)]
fn sum<S: Simd>(simd: S, row: &[f32]) -> f32 {
    let together = Interleaved::<S, TOGETHER>(simd);
    let mut sums = together.splat(0.0);
    for values in row.chunks(Interleaved::<S, TOGETHER>::LANES) {
        sums = together.add(sums, together.load_or(values, 0.0));
    }
    together.sum(sums)
}

/// The sum of the squared distances from `mean`.
#[inline(always)]
fn sum_of_squares<S: Simd>(simd: S, row: &[f32], mean: f32) -> f32 {
    let together = Interleaved::<S, TOGETHER>(simd);
    let mut sums = together.splat(0.0);
    for values in row.chunks(Interleaved::<S, TOGETHER>::LANES) {
        let centred = together.sub(together.load_or(values, mean), together.splat(mean));
        sums = together.mul_add(centred, centred, sums);
    }
    together.sum(sums)
}
