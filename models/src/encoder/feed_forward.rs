//! The feed-forward part: down(activation(up(x))), or with a gate: down(activation(gate(x)) * up(x)).

use candle_core::Tensor;
use nearsay_kernels::{Activation, Linear, Placement, recycle};

use super::linear::LinearRecipe;
use crate::Result;
use crate::parameters::Parameters;

/// Names, sizes and activation of a feed-forward part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FeedForwardRecipe {
    pub(crate) up: UpRecipe,
    pub(crate) down: LinearRecipe,
    pub(crate) activation: Activation,
}

/// The layers before `down`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum UpRecipe {
    Plain(LinearRecipe),
    /// Two linear layers of the same sizes; `gate` is activated.
    Gated {
        gate: LinearRecipe,
        up: LinearRecipe,
    },
    /// Both in one, of which the first half of the outputs is activated.
    GateThenUp(LinearRecipe),
}

impl FeedForwardRecipe {
    pub(crate) fn parameters(&self) -> usize {
        self.up.linears().map(LinearRecipe::parameters).sum::<usize>() + self.down.parameters()
    }

    /// Operations per token.
    pub(crate) fn flops(&self) -> f64 {
        self.up.linears().map(LinearRecipe::flops).sum::<f64>() + self.down.flops()
    }

    pub(crate) fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<FeedForward> {
        Ok(FeedForward {
            up: self.up.load(parameters, placement)?,
            down: self.down.load(parameters, placement)?,
            activation: self.activation,
        })
    }
}

impl UpRecipe {
    fn linears(&self) -> impl Iterator<Item = &LinearRecipe> {
        let (first, second) = match self {
            Self::Plain(up) | Self::GateThenUp(up) => (up, None),
            Self::Gated { gate, up } => (gate, Some(up)),
        };
        [first].into_iter().chain(second)
    }

    fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<Linear> {
        let [gate, up] = match self {
            Self::Plain(up) => return up.load(parameters, placement),
            Self::Gated { gate, up } => [gate.read(parameters)?, up.read(parameters)?],
            Self::GateThenUp(both) => {
                let (weight, bias) = both.read(parameters)?;
                let inner = both.out_dim / 2;
                let half = |start| -> Result<_> {
                    let bias = bias.as_ref().map(|bias| bias.narrow(0, start, inner)?.contiguous());
                    Ok((weight.narrow(0, start, inner)?.contiguous()?, bias.transpose()?))
                };
                [half(0)?, half(inner)?]
            }
        };
        Ok(Linear::gated((&gate.0, gate.1.as_ref()), (&up.0, up.1.as_ref()), placement)?)
    }
}

/// A loaded feed-forward part.
#[derive(Debug)]
pub(crate) struct FeedForward {
    up: Linear,
    down: Linear,
    activation: Activation,
}

impl FeedForward {
    /// `hidden` and the result: [total_tokens, hidden_dim].
    pub(crate) fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let inner = self.up.forward_activated(hidden, self.activation)?;
        let output = self.down.forward(&inner)?;
        recycle(inner);
        Ok(output)
    }
}
