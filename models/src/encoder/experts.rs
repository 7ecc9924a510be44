//! A feed-forward part of several experts, of which a router chooses a few for each token (nomic-embed v2):
//! the sum of weight_e expert_e(x) over the chosen, plus a bias.
//!
//! Weights are the router's probabilities (softmax over all experts) and are not brought to sum 1. Each expert
//! computes the rows of the tokens that chose it, and a token's sum is in the experts' order, so that its bits do not
//! depend on other tokens.

use candle_core::{DType, Tensor};
use nearsay_kernels::{Activation, Linear, Placement};

use super::linear::LinearRecipe;
use crate::Result;
use crate::parameters::Parameters;

/// Names and sizes of the router and the experts: activation(x W1_e^T) W2_e.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExpertsRecipe {
    /// Logits of all experts.
    pub(crate) router: LinearRecipe,
    /// The names of W1 and W2, each [experts * inner_dim, hidden_dim].
    pub(crate) weights: [&'static str; 2],
    /// The bias of the sum, `[hidden_dim]`.
    pub(crate) bias: &'static str,
    pub(crate) inner_dim: usize,
    /// Experts per token.
    pub(crate) chosen: usize,
    pub(crate) activation: Activation,
}

impl ExpertsRecipe {
    fn count(&self) -> usize {
        self.router.out_dim
    }

    fn hidden_dim(&self) -> usize {
        self.router.in_dim
    }

    pub(crate) fn parameters(&self) -> usize {
        let (inner, hidden) = (self.inner_dim, self.hidden_dim());
        self.router.parameters() + 2 * self.count() * inner * hidden + hidden
    }

    /// Operations per token: the router's and those of the experts that it chooses.
    pub(crate) fn flops(&self) -> f64 {
        self.router.flops() + 4.0 * (self.chosen * self.inner_dim * self.hidden_dim()) as f64
    }

    pub(crate) fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<Experts> {
        let (inner, hidden) = (self.inner_dim, self.hidden_dim());
        let [ups, downs] = self.weights.map(|name| parameters.load(name, &[self.count() * inner, hidden]));
        let (ups, downs) = (ups?, downs?);
        let expert = |number: usize| -> Result<Expert> {
            let of_expert = |all: &Tensor| all.narrow(0, number * inner, inner)?.contiguous();
            let down = of_expert(&downs)?.t()?.contiguous()?;
            Ok(Expert {
                up: Linear::new(&of_expert(&ups)?, None, placement)?,
                down: Linear::new(&down, None, placement)?,
            })
        };
        Ok(Experts {
            // In f32, as a rounded logit may choose another expert.
            router: self.router.load(parameters, &placement.in_f32())?,
            experts: (0..self.count()).map(expert).collect::<Result<_>>()?,
            bias: parameters.load(self.bias, &[hidden])?.to_device(placement.device())?,
            chosen: self.chosen,
            activation: self.activation,
        })
    }
}

/// Loaded experts and their router.
#[derive(Debug)]
pub(crate) struct Experts {
    router: Linear,
    experts: Vec<Expert>,
    bias: Tensor,
    chosen: usize,
    activation: Activation,
}

#[derive(Debug)]
struct Expert {
    up: Linear,
    down: Linear,
}

/// The tokens that chose an expert, and its weight for each.
#[derive(Debug, Clone, Default, PartialEq)]
struct Group {
    tokens: Vec<u32>,
    weights: Vec<f32>,
}

impl Experts {
    /// `hidden` and the result: [total_tokens, hidden_dim].
    pub(crate) fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let (device, dtype) = (hidden.device(), hidden.dtype());
        let logits = self.router.forward(&hidden.to_dtype(DType::F32)?.contiguous()?)?;
        let groups = groups(&logits.to_vec2()?, self.chosen);
        let mut sum = Tensor::zeros(hidden.dims(), DType::F32, device)?;
        for (expert, group) in self.experts.iter().zip(groups) {
            if group.tokens.is_empty() {
                continue;
            }
            let count = group.tokens.len();
            let tokens = Tensor::from_vec(group.tokens, count, device)?;
            let weights = Tensor::from_vec(group.weights, (count, 1), device)?;
            let inner = expert.up.forward_activated(&hidden.index_select(&tokens, 0)?, self.activation)?;
            let output = expert.down.forward(&inner)?.to_dtype(DType::F32)?.broadcast_mul(&weights)?;
            sum = sum.index_add(&tokens, &output, 0)?;
        }
        Ok(sum.broadcast_add(&self.bias)?.to_dtype(dtype)?)
    }
}

/// The tokens of each expert by rows of logits, one per expert. Of equal ones, the first is chosen.
fn groups(logits: &[Vec<f32>], chosen: usize) -> Vec<Group> {
    let mut groups = vec![Group::default(); logits.first().map_or(0, Vec::len)];
    for (token, logits) in logits.iter().enumerate() {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
        let sum: f32 = powers.iter().sum();
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|&a, &b| powers[b].total_cmp(&powers[a]));
        for &expert in &order[..chosen] {
            groups[expert].tokens.push(token as u32);
            groups[expert].weights.push(powers[expert] / sum);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_logits_choose_with_their_probabilities() {
        let half = 0.5f32.ln();
        let groups = groups(&[vec![half, 0.0, half], vec![0.0, 0.0, 0.0]], 2);
        let of = |tokens: &[u32], weights: &[f32]| Group { tokens: tokens.into(), weights: weights.into() };
        // Of the equal ones, the first two.
        assert_eq!(groups[0], of(&[0, 1], &[0.25, 1.0 / 3.0]));
        assert_eq!(groups[1], of(&[0, 1], &[0.5, 1.0 / 3.0]));
        assert_eq!(groups[2], of(&[], &[]));
    }
}
