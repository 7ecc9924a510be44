//! The feed-forward part: down(activation(up(x))), or with a gate: down(activation(gate(x)) * up(x)).

use candle_core::Tensor;
use nearsay_kernels::{Activation, Linear, Placement, recycle};

use super::experts::{Experts, ExpertsRecipe};
use super::linear::LinearRecipe;
use crate::Result;
use crate::parameters::Parameters;

/// The feed-forward part of a block.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FeedForwardKind {
    Single(FeedForwardRecipe),
    Experts(ExpertsRecipe),
}

impl FeedForwardKind {
    pub(crate) fn parameters(&self) -> usize {
        match self {
            Self::Single(part) => part.parameters(),
            Self::Experts(experts) => experts.parameters(),
        }
    }

    /// Operations per token.
    pub(crate) fn flops(&self) -> f64 {
        match self {
            Self::Single(part) => part.flops(),
            Self::Experts(experts) => experts.flops(),
        }
    }

    /// Width between the two linear layers.
    pub(crate) fn inner_dim(&self) -> usize {
        match self {
            Self::Single(part) => part.down.in_dim,
            Self::Experts(experts) => experts.inner_dim,
        }
    }

    pub(crate) fn activation(&self) -> Activation {
        match self {
            Self::Single(part) => part.activation,
            Self::Experts(experts) => experts.activation,
        }
    }

    pub(crate) fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<FeedForward> {
        Ok(match self {
            Self::Single(part) => FeedForward::Single(part.load(parameters, placement)?),
            Self::Experts(experts) => FeedForward::Experts(experts.load(parameters, placement)?),
        })
    }
}

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
    /// The same with the second half activated.
    UpThenGate(LinearRecipe),
}

impl FeedForwardRecipe {
    fn parameters(&self) -> usize {
        self.up.linears().map(LinearRecipe::parameters).sum::<usize>() + self.down.parameters()
    }

    fn flops(&self) -> f64 {
        self.up.linears().map(LinearRecipe::flops).sum::<f64>() + self.down.flops()
    }

    fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<Layers> {
        Ok(Layers {
            up: self.up.load(parameters, placement)?,
            down: self.down.load(parameters, placement)?,
            activation: self.activation,
        })
    }
}

impl UpRecipe {
    fn linears(&self) -> impl Iterator<Item = &LinearRecipe> {
        let (first, second) = match self {
            Self::Plain(up) | Self::GateThenUp(up) | Self::UpThenGate(up) => (up, None),
            Self::Gated { gate, up } => (gate, Some(up)),
        };
        [first].into_iter().chain(second)
    }

    fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<Linear> {
        let [gate, up] = match self {
            Self::Plain(up) => return up.load(parameters, placement),
            Self::Gated { gate, up } => [gate.read(parameters)?, up.read(parameters)?],
            Self::GateThenUp(both) => halves(both, parameters)?,
            Self::UpThenGate(both) => {
                let [up, gate] = halves(both, parameters)?;
                [gate, up]
            }
        };
        Ok(Linear::gated((&gate.0, gate.1.as_ref()), (&up.0, up.1.as_ref()), placement)?)
    }
}

/// A weight and its bias.
type Weights = (Tensor, Option<Tensor>);

/// The first and the second half of a layer's outputs.
fn halves(both: &LinearRecipe, parameters: &Parameters<'_>) -> Result<[Weights; 2]> {
    let (weight, bias) = both.read(parameters)?;
    let inner = both.out_dim / 2;
    let half = |start| -> Result<Weights> {
        let bias = bias.as_ref().map(|bias| bias.narrow(0, start, inner)?.contiguous());
        Ok((weight.narrow(0, start, inner)?.contiguous()?, bias.transpose()?))
    };
    Ok([half(0)?, half(inner)?])
}

/// A loaded feed-forward part.
#[derive(Debug)]
pub(crate) enum FeedForward {
    Single(Layers),
    Experts(Experts),
}

impl FeedForward {
    /// `hidden` and the result: [total_tokens, hidden_dim].
    pub(crate) fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        match self {
            Self::Single(layers) => layers.forward(hidden),
            Self::Experts(experts) => experts.forward(hidden),
        }
    }
}

/// The layers of a part without experts.
#[derive(Debug)]
pub(crate) struct Layers {
    up: Linear,
    down: Linear,
    activation: Activation,
}

impl Layers {
    fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let inner = self.up.forward_activated(hidden, self.activation)?;
        let output = self.down.forward(&inner)?;
        recycle(inner);
        Ok(output)
    }
}
