//! Weights by the names that an encoder's parts use, without the checkpoint's prefix.

use candle_core::Tensor;

use crate::weights::Weights;
use crate::{Error, Result};

/// A source of weights: files, or random values (see `random`).
pub(crate) trait WeightSource {
    /// The name of this source in errors about missing weights.
    fn description(&self) -> &str;

    fn contains(&self, name: &str) -> bool;

    /// A tensor of `shape`: f32, contiguous, on the CPU, all of its values finite.
    fn load(&self, name: &str, shape: &[usize]) -> Result<Tensor>;
}

impl WeightSource for Weights {
    fn description(&self) -> &str {
        self.description()
    }

    fn contains(&self, name: &str) -> bool {
        self.contains(name)
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.load(name, shape)
    }
}

/// Weights below one prefix.
#[derive(Clone)]
pub(crate) struct Parameters<'a> {
    weights: &'a dyn WeightSource,
    prefix: String,
}

/// Weight [out_dim, in_dim] and bias `[out_dim]` of a linear layer.
pub(crate) struct LinearParameters {
    weight: Tensor,
    bias: Tensor,
}

impl LinearParameters {
    pub(crate) fn parts(&self) -> (&Tensor, Option<&Tensor>) {
        (&self.weight, Some(&self.bias))
    }

    pub(crate) fn into_parts(self) -> (Tensor, Tensor) {
        (self.weight, self.bias)
    }
}

impl<'a> Parameters<'a> {
    /// Finds the prefix in `prefixes` (each with its dot, or empty) under which `landmark` exists.
    pub(crate) fn find(weights: &'a dyn WeightSource, prefixes: &[&str], landmark: &str) -> Result<Self> {
        let prefix = prefixes.iter().find(|prefix| weights.contains(&format!("{prefix}{landmark}")));
        match prefix {
            Some(prefix) => Ok(Self { weights, prefix: (*prefix).to_owned() }),
            None => Err(Error::MissingTensor {
                file: weights.description().to_owned(),
                name: landmark.to_owned(),
            }),
        }
    }

    /// The weights below `name`.
    pub(crate) fn inside(&self, name: &str) -> Self {
        Self { prefix: format!("{}{name}.", self.prefix), ..self.clone() }
    }

    /// A weight on the CPU. The part that uses it moves it to its device.
    pub(crate) fn load(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.weights.load(&format!("{}{name}", self.prefix), shape)
    }

    /// Weight and bias of the LayerNorm `name`, under today's names or TensorFlow's (`gamma`, `beta`).
    pub(crate) fn norm(&self, name: &str, width: usize) -> Result<(Tensor, Tensor)> {
        let old = self.weights.contains(&format!("{}{name}.gamma", self.prefix));
        let [weight, bias] = if old { ["gamma", "beta"] } else { ["weight", "bias"] };
        Ok((
            self.load(&format!("{name}.{weight}"), &[width])?,
            self.load(&format!("{name}.{bias}"), &[width])?,
        ))
    }

    /// Weight and bias of the linear layer `name`, of shape [out_dim, in_dim].
    pub(crate) fn linear(&self, name: &str, shape: [usize; 2]) -> Result<LinearParameters> {
        let weight = self.load(&format!("{name}.weight"), &shape)?;
        let bias = self.load(&format!("{name}.bias"), &shape[..1])?;
        Ok(LinearParameters { weight, bias })
    }
}
