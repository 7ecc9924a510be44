//! Linear layer: y = activation(x W^T + b).
//!
//! x: [total_tokens, in_dim] f32, contiguous. W: [out_dim, in_dim], as checkpoints store it. b: `[out_dim]` or none.
//! y: [total_tokens, out_dim] f32.
//!
//! The product is taken in one of three precisions: f32; bf16, to which weights and inputs are rounded; bytes, with a step for each
//! output of the weights and a step and a zero for each row of the input. Input, output and bias are f32 in each.
//!
//! Order of the reduction: see `product`; the bias is added to the finished sum. The weights are packed for the precision and the
//! CPU's instruction set when the layer is made. Metal and CUDA: no kernel yet; candle says so when it is asked.

mod encoding;
mod forward;
mod operand;
mod packed_weights;
mod reference;

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

pub use encoding::arithmetic;
pub use reference::linear as linear_reference;

use crate::args::{expect_shape, f32_slice, matrix, shape};
use crate::simd::InstructionSet;
use crate::{Activation, Error, Precision, Result};
use encoding::Encoding;
use packed_weights::PackedWeights;

const NAME: &str = "linear";

/// A linear layer that owns its weights, packed. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Linear {
    weights: Arc<PackedWeights>,
    in_dim: usize,
    out_dim: usize,
}

impl Linear {
    /// Packs `weight` [out_dim, in_dim] and `bias` `[out_dim]`, both f32, to be multiplied in `precision`.
    ///
    /// # Errors
    /// If a shape does not fit or a tensor is not f32.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, precision: Precision) -> Result<Self> {
        Self::stacked(&[(weight, bias)], precision)
    }

    /// Several layers over the same input as one product, outputs side by side (query, key and value).
    ///
    /// # Errors
    /// If there is none, their `in_dim` differ or are 0, a shape does not fit or a tensor is not f32.
    pub fn stacked(parts: &[(&Tensor, Option<&Tensor>)], precision: Precision) -> Result<Self> {
        let set = InstructionSet::current();
        Self::stacked_for((set, Encoding::of(set, precision)), parts)
    }

    fn stacked_for(target: (InstructionSet, Encoding), parts: &[(&Tensor, Option<&Tensor>)]) -> Result<Self> {
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
        let mut weight_values = Vec::new();
        let mut bias_values = Vec::new();
        for (weight, bias) in parts {
            let (out_dim, _) = matrix(NAME, "weight", weight)?;
            expect_shape(NAME, "weight", weight, &[out_dim, in_dim])?;
            weight_values.extend(weight.flatten_all()?.to_vec1::<f32>()?);
            bias_values.extend(match bias {
                Some(bias) => {
                    expect_shape(NAME, "bias", bias, &[out_dim])?;
                    bias.to_vec1::<f32>()?
                }
                None => vec![0.0; out_dim],
            });
        }
        let out_dim = bias_values.len();
        let weights = Arc::new(PackedWeights::new(target, &weight_values, in_dim, bias_values));
        Ok(Self { weights, in_dim, out_dim })
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
        Ok(hidden.apply_op1_no_bwd(&LinearOp { linear: self, activation })?)
    }
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
        let hidden = f32_slice(NAME, storage, layout)?;
        let total_tokens = layout.dims()[0];
        let output = self.linear.weights.forward(hidden, total_tokens, self.activation);
        Ok((CpuStorage::F32(output), Shape::from((total_tokens, self.linear.out_dim))))
    }
}

#[cfg(test)]
mod tests;
