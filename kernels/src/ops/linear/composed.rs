//! [`super::Linear`] composed of candle's operations: its matmul in the element type of hidden states (sums
//! are f32 on Metal), bias, activation and gate in f32.

use candle_core::{DType, Device, Result, Tensor};

use super::LinearParameters;
use crate::Placement;

/// Weights on a device.
#[derive(Debug)]
pub(super) struct ComposedWeights {
    /// [out_dim, in_dim], in the type of hidden states.
    weight: Tensor,
    /// `[out_dim]` f32
    bias: Tensor,
}

impl ComposedWeights {
    pub(super) fn new(placement: &Placement, parameters: &LinearParameters) -> Result<Self> {
        let LinearParameters { weight, bias, in_dim } = parameters;
        let weight = Tensor::from_slice(weight, (bias.len(), *in_dim), &Device::Cpu)?;
        let bias = Tensor::from_slice(bias, bias.len(), &Device::Cpu)?;
        Ok(Self {
            weight: weight.to_dtype(placement.hidden_dtype())?.to_device(placement.device())?,
            bias: bias.to_device(placement.device())?,
        })
    }

    /// x W^T + b in f32: `hidden` [total_tokens, in_dim] to [total_tokens, rows of the weight].
    pub(super) fn sums(&self, hidden: &Tensor) -> Result<Tensor> {
        let shape = (hidden.dims()[0], self.bias.elem_count());
        if shape.0 * shape.1 == 0 {
            return Tensor::zeros(shape, DType::F32, hidden.device());
        }
        let product = hidden.contiguous()?.matmul(&self.weight.t()?)?.to_dtype(DType::F32)?;
        product.broadcast_add(&self.bias)
    }
}
