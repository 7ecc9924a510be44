//! A linear layer as a part: y = x W^T + b.

use candle_core::Tensor;
use nearsay_kernels::{Linear, Placement};

use crate::Result;
use crate::parameters::Parameters;

/// Name and sizes of a linear layer: `NAME.weight` [out_dim, in_dim] and, unless it has none, `NAME.bias`
/// `[out_dim]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LinearRecipe {
    pub(crate) name: &'static str,
    pub(crate) in_dim: usize,
    pub(crate) out_dim: usize,
    pub(crate) has_bias: bool,
}

impl LinearRecipe {
    pub(crate) fn new(name: &'static str, [in_dim, out_dim]: [usize; 2]) -> Self {
        Self { name, in_dim, out_dim, has_bias: true }
    }

    pub(crate) fn with_bias(name: &'static str, dims: [usize; 2], has_bias: bool) -> Self {
        Self { has_bias, ..Self::new(name, dims) }
    }

    pub(crate) fn without_bias(name: &'static str, dims: [usize; 2]) -> Self {
        Self { has_bias: false, ..Self::new(name, dims) }
    }

    pub(crate) fn parameters(&self) -> usize {
        (self.in_dim + usize::from(self.has_bias)) * self.out_dim
    }

    /// Operations per token.
    pub(crate) fn flops(&self) -> f64 {
        2.0 * self.in_dim as f64 * self.out_dim as f64
    }

    /// Weight and bias.
    pub(crate) fn read(&self, parameters: &Parameters<'_>) -> Result<(Tensor, Option<Tensor>)> {
        let weight = parameters.load(&format!("{}.weight", self.name), &[self.out_dim, self.in_dim])?;
        let bias = || parameters.load(&format!("{}.bias", self.name), &[self.out_dim]);
        Ok((weight, self.has_bias.then(bias).transpose()?))
    }

    pub(crate) fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<Linear> {
        let (weight, bias) = self.read(parameters)?;
        Ok(Linear::new(&weight, bias.as_ref(), placement)?)
    }
}
