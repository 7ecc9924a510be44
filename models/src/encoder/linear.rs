//! A linear layer as a part: y = x W^T + b. In some families W is 0 outside of blocks on its diagonal, which divide input
//! and output into groups; it is multiplied as a whole, in as many operations and as much memory as a full matrix.

use candle_core::{DType, Device, Tensor};
use nearsay_kernels::{Linear, Placement};

use crate::Result;
use crate::parameters::Parameters;

/// Name and sizes of a linear layer: a weight and, unless it has none, `NAME.bias` `[out_dim]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LinearRecipe {
    pub(crate) name: &'static str,
    pub(crate) in_dim: usize,
    pub(crate) out_dim: usize,
    pub(crate) has_bias: bool,
    pub(crate) stored: Stored,
}

/// How a checkpoint stores the weight of a linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// `NAME.weight` [out_dim, in_dim]
    Whole,
    /// `NAME.weight` [out_dim, in_dim / groups, 1]: blocks, one below the other (SqueezeBERT).
    Blocks { groups: usize },
    /// `NAME.weight` [groups, in_dim / groups, out_dim / groups]: blocks with inputs as rows (ConvBERT).
    TurnedBlocks { groups: usize },
    /// `NAME` [out_dim, heads, in_dim / heads] (XLNet).
    FromHeads { heads: usize },
    /// `NAME` [in_dim, heads, out_dim / heads]: inputs as rows (XLNet).
    ToHeads { heads: usize },
}

impl LinearRecipe {
    pub(crate) fn new(name: &'static str, [in_dim, out_dim]: [usize; 2]) -> Self {
        Self { name, in_dim, out_dim, has_bias: true, stored: Stored::Whole }
    }

    pub(crate) fn with_bias(name: &'static str, dims: [usize; 2], has_bias: bool) -> Self {
        Self { has_bias, ..Self::new(name, dims) }
    }

    pub(crate) fn without_bias(name: &'static str, dims: [usize; 2]) -> Self {
        Self { has_bias: false, ..Self::new(name, dims) }
    }

    fn groups(&self) -> usize {
        match self.stored {
            Stored::Whole | Stored::FromHeads { .. } | Stored::ToHeads { .. } => 1,
            Stored::Blocks { groups } | Stored::TurnedBlocks { groups } => groups,
        }
    }

    pub(crate) fn parameters(&self) -> usize {
        (self.in_dim / self.groups() + usize::from(self.has_bias)) * self.out_dim
    }

    /// Operations per token; those with zeros between blocks are not counted.
    pub(crate) fn flops(&self) -> f64 {
        2.0 * self.in_dim as f64 * (self.out_dim / self.groups()) as f64
    }

    /// Weight and bias.
    pub(crate) fn read(&self, parameters: &Parameters<'_>) -> Result<(Tensor, Option<Tensor>)> {
        let bias = || parameters.load(&format!("{}.bias", self.name), &[self.out_dim]);
        Ok((self.read_weight(parameters)?, self.has_bias.then(bias).transpose()?))
    }

    /// [out_dim, in_dim]
    fn read_weight(&self, parameters: &Parameters<'_>) -> Result<Tensor> {
        let Self { in_dim, out_dim, .. } = *self;
        let load = |shape: &[usize]| parameters.load(&format!("{}.weight", self.name), shape);
        match self.stored {
            Stored::Whole => load(&[out_dim, in_dim]),
            Stored::Blocks { groups } => {
                let rows = load(&[out_dim, in_dim / groups, 1])?;
                diagonal(&rows.reshape((groups, out_dim / groups, in_dim / groups))?)
            }
            Stored::TurnedBlocks { groups } => {
                diagonal(&load(&[groups, in_dim / groups, out_dim / groups])?.transpose(1, 2)?)
            }
            Stored::FromHeads { heads } => {
                let weight = parameters.load(self.name, &[out_dim, heads, in_dim / heads])?;
                Ok(weight.reshape((out_dim, in_dim))?)
            }
            Stored::ToHeads { heads } => {
                let weight = parameters.load(self.name, &[in_dim, heads, out_dim / heads])?;
                Ok(weight.reshape((in_dim, out_dim))?.t()?.contiguous()?)
            }
        }
    }

    pub(crate) fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<Linear> {
        let (weight, bias) = self.read(parameters)?;
        Ok(Linear::new(&weight, bias.as_ref(), placement)?)
    }
}

/// A matrix with `blocks` [groups, rows, columns] on its diagonal and 0 elsewhere.
fn diagonal(blocks: &Tensor) -> Result<Tensor> {
    let (groups, rows, columns) = blocks.dims3()?;
    let zeros = Tensor::zeros((rows, groups * columns), DType::F32, &Device::Cpu)?;
    let of_group = |group: usize| {
        let place = group * columns..(group + 1) * columns;
        zeros.slice_assign(&[0..rows, place], &blocks.get(group)?)
    };
    Ok(Tensor::cat(&(0..groups).map(of_group).collect::<candle_core::Result<Vec<_>>>()?, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lie_on_the_diagonal() {
        let blocks = Tensor::new(&[[[1f32, 2.0]], [[3.0, 4.0]]], &Device::Cpu).unwrap();
        let expected = [[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 3.0, 4.0]];
        assert_eq!(diagonal(&blocks).unwrap().to_vec2::<f32>().unwrap(), expected);
        let turned = blocks.transpose(1, 2).unwrap();
        let expected = [[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [0.0, 4.0]];
        assert_eq!(diagonal(&turned).unwrap().to_vec2::<f32>().unwrap(), expected);
    }
}
