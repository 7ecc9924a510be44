//! A convolution over neighbouring tokens, added to the output of the first layer:
//! LayerNorm(y + activation(conv(x))), x being the states that enter that layer (DeBERTa-v2).

use candle_core::{DType, Device, Tensor};
use nearsay_kernels::{Activation, CuSeqlens, LayerNorm, Linear, Placement, add_norm, recycle};

use super::norm::NormRecipe;
use crate::Result;
use crate::parameters::Parameters;

/// Names and sizes: `NAME.weight` [hidden_dim, hidden_dim / groups, taps] and `NAME.bias` `[hidden_dim]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ConvolutionRecipe {
    pub(crate) name: &'static str,
    /// An odd number: the middle one is the token itself.
    pub(crate) taps: usize,
    /// The output's width is divided into so many parts, each from the same part of the input.
    pub(crate) groups: usize,
    pub(crate) activation: Activation,
    pub(crate) norm: NormRecipe,
}

impl ConvolutionRecipe {
    fn hidden_dim(&self) -> usize {
        self.norm.width
    }

    pub(crate) fn parameters(&self) -> usize {
        let width = self.hidden_dim();
        width * width / self.groups * self.taps + width + self.norm.parameters()
    }

    /// Operations per token.
    pub(crate) fn flops(&self) -> f64 {
        2.0 * (self.hidden_dim() * self.hidden_dim() / self.groups * self.taps) as f64
    }

    /// A linear layer over the states of `taps` tokens side by side; with groups, its other weights are 0.
    pub(crate) fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<Convolution> {
        let (width, part) = (self.hidden_dim(), self.hidden_dim() / self.groups);
        let stored = parameters.load(&format!("{}.weight", self.name), &[width, part, self.taps])?;
        let bias = parameters.load(&format!("{}.bias", self.name), &[width])?;
        let whole = Tensor::zeros((part, width, self.taps), DType::F32, &Device::Cpu)?;
        let groups = (0..self.groups).map(|group| {
            let rows = stored.narrow(0, group * part, part)?;
            whole.slice_assign(&[0..part, group * part..(group + 1) * part, 0..self.taps], &rows)
        });
        let weight = Tensor::cat(&groups.collect::<candle_core::Result<Vec<_>>>()?, 0)?;
        let weight = weight.transpose(1, 2)?.contiguous()?.reshape((width, self.taps * width))?;
        Ok(Convolution {
            linear: Linear::new(&weight, Some(&bias), placement)?,
            norm: self.norm.load(parameters, placement)?,
            recipe: self.clone(),
        })
    }
}

/// A loaded convolution.
#[derive(Debug)]
pub(crate) struct Convolution {
    linear: Linear,
    norm: LayerNorm,
    recipe: ConvolutionRecipe,
}

impl Convolution {
    /// `entering` and `output`, the states before and after the first layer, and the result:
    /// [total_tokens, hidden_dim].
    pub(crate) fn forward(
        &self,
        entering: &Tensor,
        output: &Tensor,
        cu_seqlens: &CuSeqlens,
    ) -> Result<Tensor> {
        let (tokens, width) = entering.dims2()?;
        // A row of zeros stands for neighbours before and after a text.
        let zeros = Tensor::zeros((1, width), entering.dtype(), entering.device())?;
        let rows = Tensor::cat(&[entering, &zeros], 0)?;
        let neighbours = neighbours(cu_seqlens, self.recipe.taps);
        let neighbours = Tensor::from_vec(neighbours, tokens * self.recipe.taps, entering.device())?;
        let rows = rows.index_select(&neighbours, 0)?.reshape((tokens, self.recipe.taps * width))?;
        let convolved = self.linear.forward_activated(&rows, self.recipe.activation)?;
        let sum = add_norm(&convolved, output, &self.norm)?;
        recycle(convolved);
        Ok(sum)
    }
}

/// For each token, the rows of the tokens under its taps; the row after all tokens where there is none.
fn neighbours(cu_seqlens: &CuSeqlens, taps: usize) -> Vec<u32> {
    let (nothing, half) = (cu_seqlens.total_tokens() as u32, taps / 2);
    let mut rows = Vec::with_capacity(cu_seqlens.total_tokens() * taps);
    for text in cu_seqlens.ranges() {
        for token in text.clone() {
            let places = (0..taps).map(|tap| (token + tap).checked_sub(half).filter(|at| text.contains(at)));
            rows.extend(places.map(|place| place.map_or(nothing, |row| row as u32)));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_end_with_their_text() {
        let cu_seqlens = CuSeqlens::from_lengths([2, 0, 1]).unwrap();
        assert_eq!(neighbours(&cu_seqlens, 3), [3, 0, 1, 0, 1, 3, 3, 2, 3]);
        assert_eq!(neighbours(&cu_seqlens, 1), [0, 1, 2]);
    }
}
