//! Linear layer: y = activation(x W^T + b).
//!
//! x: [total_tokens, in_dim] f32, contiguous. W: [out_dim, in_dim], as checkpoints store it. b: `[out_dim]`,
//! optional. y: [total_tokens, out_dim] f32.
//!
//! On the CPU the product has one of three precisions: f32; bf16, with weights and inputs rounded to it; or
//! bytes, with a step per output of the weights, and a step and a zero per row of the input. Input, output
//! and bias are f32 in each. The weights are packed for the precision and the CPU's instruction set when the
//! layer is created. Order of the reduction: see `product`; the bias is added to the finished sum.
//!
//! On CUDA everything has one type, f32, f16 or bf16; sums are f32. cuBLASLt multiplies and adds the bias
//! (see `cuda::product` for how rows stay independent of each other); an activation follows in place.
//!
//! On Metal x, W and y are f32 or f16. candle multiplies; bias and activation follow in f32. candle's order
//! of sums depends on the number of rows.

mod composed;
#[cfg(feature = "cuda")]
mod cuda;

mod encoding;
mod forward;
mod operand;
mod packed_weights;
#[cfg(test)]
mod reference;

use std::sync::Arc;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Shape, Tensor};

#[cfg(test)]
pub(crate) use reference::linear as linear_reference;

use crate::args::{expect_shape, f32_slice, matrix, shape};
use crate::cpu::simd::InstructionSet;
use crate::{Activation, Error, Form, Placement, Precision, Result};
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
        let parameters = LinearParameters::stacked(parts)?;
        let weights = match placement.device() {
            _ if placement.form() == Form::Composed => {
                LinearWeights::Composed(Arc::new(ComposedWeights::new(placement, &parameters)?))
            }
            Device::Cpu => {
                let set = InstructionSet::current();
                LinearWeights::packed((set, encoding(set, placement.precision())?), &parameters)
            }
            #[cfg(feature = "cuda")]
            Device::Cuda(device) => LinearWeights::Cuda(Arc::new(cuda::CudaWeights::new(
                device,
                placement.hidden_dtype(),
                &parameters,
            )?)),
            other => {
                let rule = format!("has no product on {:?}", other.location());
                return Err(Error::Argument { operation: NAME, rule });
            }
        };
        Ok(Self { weights, in_dim: parameters.in_dim, out_dim: parameters.bias.len() })
    }

    #[cfg(test)]
    fn packed_for(target: (InstructionSet, Encoding), parts: &[(&Tensor, Option<&Tensor>)]) -> Result<Self> {
        let parameters = LinearParameters::stacked(parts)?;
        let weights = LinearWeights::packed(target, &parameters);
        Ok(Self { weights, in_dim: parameters.in_dim, out_dim: parameters.bias.len() })
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

    /// The same with `activation` applied to every value.
    ///
    /// # Errors
    /// As [`Linear::forward`].
    pub fn forward_activated(&self, hidden: &Tensor, activation: Activation) -> Result<Tensor> {
        let (total_tokens, _) = matrix(NAME, "hidden", hidden)?;
        expect_shape(NAME, "hidden", hidden, &[total_tokens, self.in_dim])?;
        if let LinearWeights::Composed(weights) = &self.weights {
            return Ok(weights.forward(hidden, activation)?);
        }
        Ok(hidden.apply_op1_no_bwd(&LinearOp { linear: self, activation })?)
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
    fn packed(target: (InstructionSet, Encoding), parameters: &LinearParameters) -> Self {
        let LinearParameters { weight, bias, in_dim } = parameters;
        Self::Cpu(Arc::new(PackedWeights::new(target, weight, *in_dim, bias.clone())))
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
        Ok((output, Shape::from((layout.dims()[0], self.linear.out_dim))))
    }
}

#[cfg(test)]
mod tests;
