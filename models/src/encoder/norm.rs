//! Norms as parts.

use nearsay_kernels::{LayerNorm, Placement};

use crate::Result;
use crate::parameters::Parameters;

/// Name, width, epsilon and kind of a norm: `NAME.weight` and, unless it has none, `NAME.bias`, `[width]` each.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NormRecipe {
    pub(crate) name: &'static str,
    pub(crate) width: usize,
    /// Added to a variance or a mean square before the root.
    pub(crate) epsilon: f64,
    pub(crate) kind: NormKind,
}

/// The formula of a norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NormKind {
    /// LayerNorm; its tensors may have TensorFlow's names, `gamma` and `beta`.
    Layer,
    /// LayerNorm without a bias.
    LayerWithoutBias,
    /// Division by the root of the mean square, without a bias.
    Rms,
    /// The same with weights that are stored less 1 (Gemma).
    RmsLessOne,
}

impl NormRecipe {
    pub(crate) fn parameters(&self) -> usize {
        match self.kind {
            NormKind::Layer => 2 * self.width,
            NormKind::LayerWithoutBias | NormKind::Rms | NormKind::RmsLessOne => self.width,
        }
    }

    pub(crate) fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<LayerNorm> {
        let vector = |part| parameters.load(&format!("{}.{part}", self.name), &[self.width]);
        let is_old = parameters.contains(&format!("{}.gamma", self.name));
        Ok(match self.kind {
            NormKind::Layer => {
                let [weight, bias] = if is_old { ["gamma", "beta"] } else { ["weight", "bias"] };
                LayerNorm::new(&vector(weight)?, &vector(bias)?, self.epsilon, placement)?
            }
            NormKind::LayerWithoutBias => {
                LayerNorm::without_bias(&vector("weight")?, self.epsilon, placement)?
            }
            NormKind::Rms => LayerNorm::rms(&vector("weight")?, self.epsilon, placement)?,
            NormKind::RmsLessOne => LayerNorm::rms(&(vector("weight")? + 1.0)?, self.epsilon, placement)?,
        })
    }
}
