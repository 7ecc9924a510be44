//! Linear layer: y = activation(x W^T + b), or gated: y = activation(x G^T + g) * (x W^T + b) (Shazeer, "GLU
//! Variants Improve Transformer", 2020).
//!
//! x: [total_tokens, in_dim] f32, contiguous. W: [out_dim, in_dim], as checkpoints store it. b: `[out_dim]`,
//! optional. y: [total_tokens, out_dim] f32.
//!
//! On the CPU the product has one of three precisions: f32; bf16, with weights and inputs rounded to it; or
//! bytes, with a step per output of the weights, and a step and a zero per row of the input. Input, output
//! and bias are f32 in each. The weights are packed for the precision and the CPU's instruction set when the
//! layer is created. Order of the reduction: see `product`; the bias is added to the finished sum. A gated layer's
//! panels have a vector of gates and then the vector of what they multiply: one tile has both, and only their
//! product is stored.
//!
//! On CUDA everything has one type, f32, f16 or bf16; sums are f32. cuBLASLt multiplies and adds the bias
//! (see `cuda::product` for how rows stay independent of each other); an activation follows in place, a gate in
//! candle's operations, in f32.
//!
//! On Metal x, W and y are f32 or f16. candle multiplies; bias and activation follow in f32. candle's order
//! of sums depends on the number of rows.

mod columns;
mod composed;
#[cfg(feature = "cuda")]
mod cuda;

mod encoding;
mod epilogue;
mod forward;
mod operand;
mod packed_weights;
#[cfg(test)]
mod reference;

use std::sync::Arc;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Shape, Tensor};

#[cfg(test)]
pub(crate) use reference::linear as linear_reference;

use crate::args::{expect_shape, f32_slice, matrix, shape};
use crate::cpu::simd::InstructionSet;
use crate::{Activation, Error, Form, Placement, Precision, Result};
pub use columns::{ColumnReduction, Saturation};
use composed::ComposedWeights;
pub(crate) use encoding::Encoding;
use packed_weights::PackedWeights;

const NAME: &str = "linear";

/// A linear layer that owns its weights, in its device's format. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Linear {
    weights: LinearWeights,
    in_dim: usize,
    out_dim: usize,
    is_gated: bool,
}

#[derive(Debug, Clone)]
enum LinearWeights {
    Cpu(Arc<PackedWeights>),
    Composed(Arc<ComposedWeights>),
    #[cfg(feature = "cuda")]
    Cuda(Arc<cuda::CudaWeights>),
}

impl Linear {
    /// Creates a layer from `weight` [out_dim, in_dim] and `bias` `[out_dim]`, both f32 on the CPU, for
    /// `placement`.
    ///
    /// # Errors
    /// If a shape does not fit, a tensor is not f32, or the device lacks the memory or a product for them.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, placement: &Placement) -> Result<Self> {
        Self::stacked(&[(weight, bias)], placement)
    }

    /// Stacks several layers over the same input into one product, outputs side by side (query, key and
    /// value).
    ///
    /// # Errors
    /// If there are none, their `in_dim` differ or are 0, or as [`Linear::new`].
    pub fn stacked(parts: &[(&Tensor, Option<&Tensor>)], placement: &Placement) -> Result<Self> {
        Self::from_parameters(&LinearParameters::stacked(parts)?, false, placement)
    }

    /// A gated layer: its activation is that of the outputs of `gate`, which multiply those of `up`. Both are
    /// weights [out_dim, in_dim] and biases `[out_dim]`.
    ///
    /// # Errors
    /// If their shapes differ, or as [`Linear::new`].
    pub fn gated(
        gate: (&Tensor, Option<&Tensor>),
        up: (&Tensor, Option<&Tensor>),
        placement: &Placement,
    ) -> Result<Self> {
        Self::from_parameters(&LinearParameters::gated(gate, up)?, true, placement)
    }

    /// The layer's own activation is applied to the first half of the outputs if it is gated.
    fn from_parameters(parameters: &LinearParameters, is_gated: bool, placement: &Placement) -> Result<Self> {
        let weights = match placement.device() {
            _ if placement.form() == Form::Composed => {
                LinearWeights::Composed(Arc::new(ComposedWeights::new(placement, parameters)?))
            }
            Device::Cpu => {
                let set = InstructionSet::current();
                LinearWeights::packed((set, encoding(set, placement.precision())?), parameters, is_gated)
            }
            #[cfg(feature = "cuda")]
            Device::Cuda(device) => LinearWeights::Cuda(Arc::new(cuda::CudaWeights::new(
                device,
                placement.hidden_dtype(),
                parameters,
            )?)),
            other => {
                let rule = format!("has no product on {:?}", other.location());
                return Err(Error::Argument { operation: NAME, rule });
            }
        };
        Ok(Self::of(weights, parameters, is_gated))
    }

    fn of(weights: LinearWeights, parameters: &LinearParameters, is_gated: bool) -> Self {
        let rows = parameters.bias.len();
        let out_dim = if is_gated { rows / 2 } else { rows };
        Self { weights, in_dim: parameters.in_dim, out_dim, is_gated }
    }

    #[cfg(test)]
    fn packed_for(target: (InstructionSet, Encoding), parameters: &LinearParameters, is_gated: bool) -> Self {
        Self::of(LinearWeights::packed(target, parameters, is_gated), parameters, is_gated)
    }

    /// Width of the input.
    pub fn in_dim(&self) -> usize {
        self.in_dim
    }

    /// Width of the output.
    pub fn out_dim(&self) -> usize {
        self.out_dim
    }

    /// x W^T + b for `hidden` [total_tokens, in_dim]: [total_tokens, out_dim].
    ///
    /// # Errors
    /// If `hidden` has another width or type.
    pub fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        self.forward_activated(hidden, Activation::Identity)
    }

    /// The same with `activation` applied to every value, or to every gate.
    ///
    /// # Errors
    /// As [`Linear::forward`].
    pub fn forward_activated(&self, hidden: &Tensor, activation: Activation) -> Result<Tensor> {
        let (total_tokens, _) = matrix(NAME, "hidden", hidden)?;
        expect_shape(NAME, "hidden", hidden, &[total_tokens, self.in_dim])?;
        if let LinearWeights::Composed(weights) = &self.weights {
            let sums = weights.sums(hidden)?;
            return Ok(self.activated(&sums, activation)?.to_dtype(hidden.dtype())?);
        }
        if self.is_gated && hidden.device().is_cuda() {
            // candle launches no kernel for no elements, and its conversions of types need one.
            if total_tokens == 0 {
                return Ok(Tensor::zeros((0, self.out_dim), hidden.dtype(), hidden.device())?);
            }
            let sums =
                hidden.apply_op1_no_bwd(&LinearOp { linear: self, activation: Activation::Identity })?;
            return Ok(self.activated(&sums.to_dtype(DType::F32)?, activation)?.to_dtype(hidden.dtype())?);
        }
        Ok(hidden.apply_op1_no_bwd(&LinearOp { linear: self, activation })?)
    }

    /// The layer's result from its sums in f32, composed of candle's operations.
    fn activated(&self, sums: &Tensor, activation: Activation) -> candle_core::Result<Tensor> {
        if sums.elem_count() == 0 {
            return Tensor::zeros((sums.dims()[0], self.out_dim), DType::F32, sums.device());
        }
        if !self.is_gated {
            return activation.composed(sums);
        }
        let [gates, ups] = [0, 1].map(|half| sums.narrow(1, half * self.out_dim, self.out_dim)?.contiguous());
        activation.composed(&gates?)? * ups?
    }
}

/// Weights and biases of layers, one below the other.
struct LinearParameters {
    /// [out_dim, in_dim]
    weight: Vec<f32>,
    /// `[out_dim]`
    bias: Vec<f32>,
    in_dim: usize,
}

impl LinearParameters {
    /// Gates, then as many rows that they multiply.
    fn gated(gate: (&Tensor, Option<&Tensor>), up: (&Tensor, Option<&Tensor>)) -> Result<Self> {
        expect_shape(NAME, "weight of up", up.0, gate.0.dims())?;
        Self::stacked(&[gate, up])
    }

    /// `lanes` gates, then the rows that they multiply, and so on, with rows of zeros after the last of each.
    fn interleaved(&self, lanes: usize) -> Self {
        let half = self.bias.len() / 2;
        let mut rows = Self { weight: Vec::new(), bias: Vec::new(), in_dim: self.in_dim };
        for first in (0..half).step_by(lanes) {
            let count = lanes.min(half - first);
            for first in [first, half + first] {
                rows.weight.extend_from_slice(&self.weight[first * self.in_dim..][..count * self.in_dim]);
                rows.bias.extend_from_slice(&self.bias[first..][..count]);
                rows.weight.resize(rows.weight.len() + (lanes - count) * self.in_dim, 0.0);
                rows.bias.resize(rows.bias.len() + lanes - count, 0.0);
            }
        }
        rows
    }

    fn stacked(parts: &[(&Tensor, Option<&Tensor>)]) -> Result<Self> {
        let Some((first, _)) = parts.first() else {
            return Err(shape(NAME, "weight", "[out_dim, in_dim]", &[]));
        };
        let (_, in_dim) = matrix(NAME, "weight", first)?;
        if in_dim == 0 {
            return Err(Error::Argument {
                operation: NAME,
                rule: "weight must have an in_dim of 1 or more, got 0".to_owned(),
            });
        }
        let mut parameters = Self { weight: Vec::new(), bias: Vec::new(), in_dim };
        for (weight, bias) in parts {
            let (out_dim, _) = matrix(NAME, "weight", weight)?;
            expect_shape(NAME, "weight", weight, &[out_dim, in_dim])?;
            parameters.weight.extend(weight.flatten_all()?.to_vec1::<f32>()?);
            parameters.bias.extend(match bias {
                Some(bias) => {
                    expect_shape(NAME, "bias", bias, &[out_dim])?;
                    bias.to_vec1::<f32>()?
                }
                None => vec![0.0; out_dim],
            });
        }
        Ok(parameters)
    }
}

impl LinearWeights {
    fn packed(target: (InstructionSet, Encoding), parameters: &LinearParameters, is_gated: bool) -> Self {
        Self::Cpu(Arc::new(PackedWeights::new(target, parameters, is_gated)))
    }
}

/// How the CPU multiplies in `precision`.
pub(crate) fn encoding(set: InstructionSet, precision: Precision) -> Result<Encoding> {
    let error = Error::NoSuchPrecision { device: "the CPU", precision: precision.name() };
    Encoding::of(set, precision).ok_or(error)
}

struct LinearOp<'a> {
    linear: &'a Linear,
    activation: Activation,
}

impl CustomOp1 for LinearOp<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let LinearWeights::Cpu(weights) = &self.linear.weights else {
            candle_core::bail!("{NAME}: the input is on the CPU, the weights are not")
        };
        let hidden = f32_slice(NAME, storage, layout)?;
        let total_tokens = layout.dims()[0];
        let output = weights.forward(hidden, total_tokens, self.activation);
        Ok((CpuStorage::F32(output), Shape::from((total_tokens, self.linear.out_dim))))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let LinearWeights::Cuda(weights) = &self.linear.weights else {
            candle_core::bail!("{NAME}: the input is on CUDA, the weights are not")
        };
        let output = weights.forward((storage, layout), self.activation)?;
        Ok((output, Shape::from((layout.dims()[0], weights.out_dim()))))
    }
}

#[cfg(test)]
mod tests;
