//! From hidden states to a text's vector: pooling, Dense layers, normalization.

use candle_core::Tensor;
use nearsay_kernels::{Activation, Form, LayerNorm, Linear, PoolOptions, Pooling, normalize, pool};

use crate::{LayerStates, Result};

/// sentence-transformers' Normalize divides by at least this (`torch.nn.functional.normalize`).
pub(super) const SHORTEST: f64 = 1e-12;

/// Turns a text's hidden states into its vector. Cloning shares the weights.
#[derive(Debug, Clone)]
pub struct SentenceHead {
    pool: PoolOptions,
    steps: Vec<HeadStep>,
    hidden_dim: usize,
    includes_prompt: bool,
}

/// A step after pooling.
#[derive(Debug, Clone)]
pub(crate) enum HeadStep {
    /// y = activation(x W^T + b) + residual(x)
    Dense(Linear, Activation, Residual),
    /// LayerNorm
    Norm(LayerNorm),
    /// y = x / ||x||
    Normalize,
}

/// The addend of a Dense layer's output.
#[derive(Debug, Clone)]
pub(crate) enum Residual {
    None,
    /// x
    Input,
    /// x R^T
    Projection(Linear),
}

impl SentenceHead {
    /// `modes` concatenated, then `steps` in order. `hidden_dim` is the encoder's. If `includes_prompt` is
    /// false, pooling must skip a prompt's tokens.
    pub(crate) fn new(
        modes: Vec<Pooling>,
        steps: Vec<HeadStep>,
        hidden_dim: usize,
        includes_prompt: bool,
    ) -> Self {
        let mut steps = steps;
        // Pooling can normalize the vector in the same pass.
        let normalize = matches!(steps.first(), Some(HeadStep::Normalize));
        if normalize {
            steps.remove(0);
        }
        let pool = PoolOptions { modes, skip_tokens: 0, normalize };
        Self { pool, steps, hidden_dim, includes_prompt }
    }

    /// The L2-normalized mean, as in most sentence-transformers folders.
    pub fn normalized_mean(hidden_dim: usize) -> Self {
        Self::new(vec![Pooling::Mean], vec![HeadStep::Normalize], hidden_dim, true)
    }

    /// Overrides the model's files: the last step normalizes vectors, or leaves them unchanged.
    pub fn set_normalized(&mut self, normalized: bool) {
        match (self.steps.last(), normalized) {
            (None, _) => self.pool.normalize = normalized,
            (Some(HeadStep::Normalize), false) => {
                self.steps.pop();
            }
            (Some(HeadStep::Dense(..) | HeadStep::Norm(_)), true) => self.steps.push(HeadStep::Normalize),
            _ => {}
        }
    }

    /// Excludes the first `count` tokens of every text from pooling.
    pub fn skip_tokens(&mut self, count: usize) {
        self.pool.skip_tokens = count;
    }

    /// Whether a prompt's tokens are pooled like the text's own.
    pub fn includes_prompt(&self) -> bool {
        self.includes_prompt
    }

    /// Whether vectors have length 1.
    pub fn is_normalized(&self) -> bool {
        match self.steps.last() {
            None => self.pool.normalize,
            Some(step) => matches!(step, HeadStep::Normalize),
        }
    }

    /// Values per vector.
    pub fn output_dim(&self) -> usize {
        HeadStep::output_dim(&self.steps).unwrap_or(self.pool.modes.len() * self.hidden_dim)
    }

    /// A description: `mean`, `mean + max, dense 768 to 256`.
    pub fn description(&self) -> String {
        let modes: Vec<&str> = self.pool.modes.iter().map(|mode| mode.name()).collect();
        format!("{}{}", modes.join(" + "), HeadStep::descriptions(&self.steps))
    }

    /// One vector per text, [num_sequences, output_dim], in f32 on the encoder's device.
    ///
    /// # Errors
    /// If the hidden states' width is not the model's.
    pub fn forward(&self, states: LayerStates<'_>) -> Result<Tensor> {
        let form = states.form();
        let mut vectors = pool(states.hidden(), states.cu_seqlens(), &self.pool, form)?;
        for step in &self.steps {
            vectors = step.forward(&vectors, form)?;
        }
        Ok(vectors)
    }
}

impl HeadStep {
    /// The output for `vectors`, one per row.
    pub(super) fn forward(&self, vectors: &Tensor, form: Form) -> Result<Tensor> {
        match self {
            Self::Dense(linear, activation, residual) => {
                residual.add(vectors, linear.forward_activated(vectors, *activation)?)
            }
            Self::Norm(norm) => Ok(norm.forward(vectors)?),
            Self::Normalize => Ok(normalize(vectors, SHORTEST, form)?),
        }
    }

    /// Values per vector after the last of `steps` that changes it.
    pub(super) fn output_dim(steps: &[Self]) -> Option<usize> {
        steps.iter().rev().find_map(|step| match step {
            Self::Dense(linear, ..) => Some(linear.out_dim()),
            Self::Norm(_) | Self::Normalize => None,
        })
    }

    /// A description of the Dense layers: `, dense 768 to 256`.
    pub(super) fn descriptions(steps: &[Self]) -> String {
        let dense = steps.iter().filter_map(|step| match step {
            Self::Dense(linear, ..) => Some(format!(", dense {} to {}", linear.in_dim(), linear.out_dim())),
            Self::Norm(_) | Self::Normalize => None,
        });
        dense.collect()
    }
}

impl Residual {
    /// A layer's `output` for `input` [num_sequences, in_dim], and what is added to it.
    fn add(&self, input: &Tensor, output: Tensor) -> Result<Tensor> {
        match self {
            Self::None => Ok(output),
            Self::Input => Ok((output + input)?),
            Self::Projection(linear) => Ok((output + linear.forward(input)?)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use nearsay_kernels::{CuSeqlens, Form, Placement};

    fn dense() -> HeadStep {
        let weight = Tensor::new(&[[2.0f32, 0.0], [0.0, 1.0], [1.0, 1.0]], &Device::Cpu).unwrap();
        let linear = Linear::new(&weight, None, &Placement::CPU).unwrap();
        HeadStep::Dense(linear, Activation::Relu, Residual::None)
    }

    fn vector(head: &SentenceHead) -> Vec<f32> {
        let hidden = Tensor::new(&[[3.0f32, -4.0], [3.0, -4.0]], &Device::Cpu).unwrap();
        let cu_seqlens = CuSeqlens::from_lengths([2]).unwrap();
        let states = LayerStates::new(&hidden, &cu_seqlens, Form::Kernels);
        head.forward(states).unwrap().to_vec2().unwrap().remove(0)
    }

    #[test]
    fn steps_run_in_their_order() {
        let head = SentenceHead::new(vec![Pooling::Mean], vec![dense()], 2, true);
        assert_eq!((vector(&head), head.output_dim(), head.is_normalized()), (vec![6.0, 0.0, 0.0], 3, false));
        let head = SentenceHead::new(vec![Pooling::Mean], vec![HeadStep::Normalize, dense()], 2, true);
        assert_eq!((vector(&head), head.is_normalized()), (vec![1.2, 0.0, 0.0], false));
        let head = SentenceHead::new(vec![Pooling::Mean], vec![dense(), HeadStep::Normalize], 2, true);
        assert_eq!((vector(&head), head.is_normalized()), (vec![1.0, 0.0, 0.0], true));
        assert_eq!(head.description(), "mean, dense 2 to 3");
    }

    #[test]
    fn a_residual_is_added_after_the_activation() {
        let linear = |rows: &[[f32; 2]]| {
            let weight = Tensor::from_slice(rows.as_flattened(), (rows.len(), 2), &Device::Cpu).unwrap();
            Linear::new(&weight, None, &Placement::CPU).unwrap()
        };
        let layer = |rows: &[[f32; 2]], residual| {
            let step = HeadStep::Dense(linear(rows), Activation::Relu, residual);
            vector(&SentenceHead::new(vec![Pooling::Mean], vec![step], 2, true))
        };
        // The mean is [3, -4].
        assert_eq!(layer(&[[2.0, 0.0], [0.0, 1.0]], Residual::Input), [9.0, -4.0]);
        let projection = Residual::Projection(linear(&[[1.0, 1.0]]));
        assert_eq!(layer(&[[2.0, 0.0]], projection), [5.0]);
    }

    #[test]
    fn the_length_can_be_chosen() {
        for steps in [vec![], vec![HeadStep::Normalize], vec![dense()], vec![dense(), HeadStep::Normalize]] {
            let mut head = SentenceHead::new(vec![Pooling::Cls], steps, 2, true);
            head.set_normalized(true);
            assert!(head.is_normalized());
            let length: f32 = vector(&head).iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-6);
            head.set_normalized(false);
            assert!(!head.is_normalized());
            let length: f32 = vector(&head).iter().map(|x| x * x).sum();
            assert!(length > 2.0);
        }
    }
}
