//! A convolution next to attention, whose filters depend on each token's span (ConvBERT): a convolution per column and a
//! linear layer make a key of the token and its neighbours; its product with the query becomes, in another linear
//! layer, a filter for each head's values.

use candle_core::Tensor;
use nearsay_kernels::{Filters, Linear, Placement, convolve, recycle};

use super::linear::LinearRecipe;
use super::pass::Pass;
use crate::Result;
use crate::parameters::Parameters;

/// Names and sizes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SpanConvolutionRecipe {
    /// `NAME.weight` [hidden_dim, 1, taps], without a bias: the convolution per column.
    pub(crate) columns: &'static str,
    /// From hidden_dim to the heads' width: the keys of spans. Its weight is a convolution of one tap,
    /// `NAME.weight` [width, hidden_dim, 1].
    pub(crate) keys: LinearRecipe,
    /// `NAME` [width, 1], added to the keys of spans.
    pub(crate) key_bias: &'static str,
    /// From the heads' width to all filters' taps.
    pub(crate) filters: LinearRecipe,
    pub(crate) values: LinearRecipe,
    /// An odd number.
    pub(crate) taps: usize,
    pub(crate) num_heads: usize,
}

impl SpanConvolutionRecipe {
    /// Width of the result.
    fn width(&self) -> usize {
        self.values.out_dim
    }

    pub(crate) fn parameters(&self) -> usize {
        let linears = [&self.keys, &self.filters, &self.values];
        let linears: usize = linears.into_iter().map(LinearRecipe::parameters).sum();
        self.keys.in_dim * self.taps + self.width() + linears
    }

    /// Operations per token.
    pub(crate) fn flops(&self) -> f64 {
        let linears = [&self.keys, &self.filters, &self.values].into_iter().map(LinearRecipe::flops);
        linears.sum::<f64>() + 2.0 * (self.taps * (self.keys.in_dim + self.width())) as f64
    }

    pub(crate) fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<SpanConvolution> {
        let columns =
            parameters.load(&format!("{}.weight", self.columns), &[self.keys.in_dim, 1, self.taps])?;
        let columns = columns.squeeze(1)?.t()?.contiguous()?;
        let bias = parameters.load(self.key_bias, &[self.width(), 1])?.squeeze(1)?;
        let (keys, _) = self.keys.read(parameters)?;
        Ok(SpanConvolution {
            columns: columns.to_device(placement.device())?,
            keys: Linear::new(&keys, Some(&bias), placement)?,
            filters: self.filters.load(parameters, placement)?,
            values: self.values.load(parameters, placement)?,
            num_heads: self.num_heads,
        })
    }
}

/// A loaded convolution.
#[derive(Debug)]
pub(crate) struct SpanConvolution {
    /// [taps, hidden_dim] f32
    columns: Tensor,
    keys: Linear,
    filters: Linear,
    values: Linear,
    num_heads: usize,
}

impl SpanConvolution {
    /// `hidden` [total_tokens, hidden_dim] and the queries, at the start of each row of `query_key_value`, to
    /// [total_tokens, width].
    pub(crate) fn forward(&self, hidden: &Tensor, query_key_value: &Tensor, pass: &Pass) -> Result<Tensor> {
        let spans = convolve(hidden, Filters::Columns(&self.columns), &pass.cu_seqlens, pass.form)?;
        let keys = self.keys.forward(&spans)?;
        let queries = query_key_value.narrow(1, 0, self.keys.out_dim())?;
        let logits = self.filters.forward(&(&keys * queries)?)?;
        let values = self.values.forward(hidden)?;
        let filters = Filters::Heads { logits: &logits, num_heads: self.num_heads };
        let convolved = convolve(&values, filters, &pass.cu_seqlens, pass.form)?;
        [spans, keys, logits, values].into_iter().for_each(recycle);
        Ok(convolved)
    }
}
