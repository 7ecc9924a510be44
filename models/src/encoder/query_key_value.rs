//! Query, key and value of attention in one product.

use candle_core::{DType, Device, Tensor};
use nearsay_kernels::{Linear, Placement};

use super::linear::LinearRecipe;
use crate::Result;
use crate::parameters::Parameters;

/// How a checkpoint stores the three.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum QueryKeyValueRecipe {
    /// Query, key and value as linear layers of the same sizes.
    Separate([LinearRecipe; 3]),
    /// One linear layer whose outputs are all queries, then all keys, then all values.
    Joined(LinearRecipe),
    /// One weight whose rows are the query, key and value of the first head, then those of the second, ..; biases
    /// of query and value under names of their own, in the order of heads, and none of the key.
    HeadByHead { weight: LinearRecipe, query_bias: &'static str, value_bias: &'static str },
}

impl QueryKeyValueRecipe {
    pub(crate) fn parameters(&self) -> usize {
        match self {
            Self::Separate(linears) => linears.iter().map(LinearRecipe::parameters).sum(),
            Self::Joined(linear) => linear.parameters(),
            Self::HeadByHead { weight, .. } => weight.parameters() + weight.out_dim / 3 * 2,
        }
    }

    /// Operations per token.
    pub(crate) fn flops(&self) -> f64 {
        match self {
            Self::Separate(linears) => linears.iter().map(LinearRecipe::flops).sum(),
            Self::Joined(weight) | Self::HeadByHead { weight, .. } => weight.flops(),
        }
    }

    /// One linear layer whose outputs are all queries, then all keys, then all values.
    pub(crate) fn load(
        &self,
        parameters: &Parameters<'_>,
        num_heads: usize,
        placement: &Placement,
    ) -> Result<Linear> {
        match self {
            Self::Separate(linears) => {
                let [query, key, value] = linears.each_ref().map(|linear| linear.read(parameters));
                let parts = [query?, key?, value?];
                let parts = parts.each_ref().map(|(weight, bias)| (weight, bias.as_ref()));
                Ok(Linear::stacked(&parts, placement)?)
            }
            Self::Joined(linear) => linear.load(parameters, placement),
            Self::HeadByHead { weight, query_bias, value_bias } => {
                let (stored, _) = weight.read(parameters)?;
                let width = weight.out_dim / 3;
                let bias = |name: &str| parameters.load(name, &[width]);
                let none = Tensor::zeros(width, DType::F32, &Device::Cpu)?;
                let bias = Tensor::cat(&[&bias(query_bias)?, &none, &bias(value_bias)?], 0)?;
                let rows = stored.reshape((num_heads, 3, width / num_heads, weight.in_dim))?;
                let rows = rows.transpose(0, 1)?.contiguous()?.reshape((weight.out_dim, weight.in_dim))?;
                Ok(Linear::new(&rows, Some(&bias), placement)?)
            }
        }
    }
}
