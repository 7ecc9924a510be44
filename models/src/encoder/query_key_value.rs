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
    /// The same without biases, and one of queries [num_heads, head_dim] under a name of its own.
    QueryBias { linears: [LinearRecipe; 3], bias: &'static str },
    /// One linear layer whose outputs are all queries, then all keys, then all values.
    Joined(LinearRecipe),
    /// One weight whose rows are the query, key and value of the first head, then those of the second, ..
    HeadByHead {
        /// Without a bias.
        weight: LinearRecipe,
        /// The names of the biases of queries and of values, in the order of heads; keys have none.
        biases: Option<[&'static str; 2]>,
        pairs: RotaryPairs,
    },
}

/// Which values of a query or key rotary embeddings turn together, in the order of a checkpoint's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RotaryPairs {
    /// One of the first half and one of the second, or none if there are no rotary embeddings.
    Halves,
    /// Neighbours. The rows are brought into the other order, which changes no product of query and key.
    Neighbours,
}

impl QueryKeyValueRecipe {
    pub(crate) fn parameters(&self) -> usize {
        match self {
            Self::Separate(linears) => linears.iter().map(LinearRecipe::parameters).sum(),
            Self::QueryBias { linears, .. } => {
                linears.iter().map(LinearRecipe::parameters).sum::<usize>() + self.query_dim()
            }
            Self::Joined(linear) => linear.parameters(),
            Self::HeadByHead { weight, biases, .. } => {
                let biases = biases.map_or(0, |biases| biases.len());
                weight.parameters() + weight.out_dim / 3 * biases
            }
        }
    }

    /// Width of the queries of all heads.
    pub(crate) fn query_dim(&self) -> usize {
        match self {
            Self::Separate([query, ..]) | Self::QueryBias { linears: [query, ..], .. } => query.out_dim,
            Self::Joined(weight) | Self::HeadByHead { weight, .. } => weight.out_dim / 3,
        }
    }

    /// Operations per token.
    pub(crate) fn flops(&self) -> f64 {
        match self {
            Self::Separate(linears) | Self::QueryBias { linears, .. } => {
                linears.iter().map(LinearRecipe::flops).sum()
            }
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
            Self::QueryBias { linears, bias } => {
                let [query, key, value] = linears.each_ref().map(|linear| linear.read(parameters));
                let [query, key, value] = [query?.0, key?.0, value?.0];
                let width = self.query_dim();
                let bias = parameters.load(bias, &[num_heads, width / num_heads])?.reshape(width)?;
                Ok(Linear::stacked(&[(&query, Some(&bias)), (&key, None), (&value, None)], placement)?)
            }
            Self::Joined(linear) => linear.load(parameters, placement),
            Self::HeadByHead { weight, biases, pairs } => {
                let (stored, _) = weight.read(parameters)?;
                let width = weight.out_dim / 3;
                let rows = stored.reshape((num_heads, 3, width / num_heads, weight.in_dim))?;
                let rows = pairs.in_halves(&rows)?.transpose(0, 1)?.contiguous()?;
                let rows = rows.reshape((weight.out_dim, weight.in_dim))?;
                let bias = biases.map(|[query, value]| -> Result<_> {
                    let none = Tensor::zeros(width, DType::F32, &Device::Cpu)?;
                    let [query, value] = [query, value].map(|name| parameters.load(name, &[width]));
                    Ok(Tensor::cat(&[&query?, &none, &value?], 0)?)
                });
                Ok(Linear::new(&rows, bias.transpose()?.as_ref(), placement)?)
            }
        }
    }
}

impl RotaryPairs {
    /// `rows` [num_heads, 3, head_dim, in_dim] of queries, keys and values with the pairs of queries and keys half a
    /// head apart.
    fn in_halves(self, rows: &Tensor) -> Result<Tensor> {
        if self == Self::Halves {
            return Ok(rows.clone());
        }
        let (num_heads, _, head_dim, in_dim) = rows.dims4()?;
        let pairs = rows.narrow(1, 0, 2)?.reshape((num_heads, 2, head_dim / 2, 2, in_dim))?;
        let halves = pairs.transpose(2, 3)?.contiguous()?.reshape((num_heads, 2, head_dim, in_dim))?;
        Ok(Tensor::cat(&[&halves, &rows.narrow(1, 2, 1)?], 1)?)
    }
}
