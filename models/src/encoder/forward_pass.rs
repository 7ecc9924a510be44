//! A pass over one batch that goes from layer to layer.
//!
//! Whoever needs many layers takes each as soon as it exists and asks for the next, so that only one of them is in
//! memory. [`Encoder::forward`] is such a pass with a single stop.

use candle_core::Tensor;
use nearsay_kernels::recycle;

use super::Encoder;
use super::pass::Pass;
use crate::{Error, HiddenStates, Result};

/// A pass over one batch. It is at a layer, first at the embeddings, and can only go on to higher ones.
#[derive(Debug)]
pub struct ForwardPass<'a> {
    encoder: &'a Encoder,
    pass: Pass,
    /// The output of the last step, [total_tokens, hidden_dim], without the norm after the model's last layer.
    hidden: Tensor,
    /// Steps that were run.
    steps: usize,
}

impl<'a> ForwardPass<'a> {
    /// `hidden` are the embeddings.
    pub(super) fn new(encoder: &'a Encoder, pass: Pass, hidden: Tensor) -> Self {
        Self { encoder, pass, hidden, steps: 0 }
    }

    /// Goes on to the highest layer in `wanted` and returns the hidden states of all of them, as
    /// [`Encoder::forward`] does.
    ///
    /// # Errors
    /// If a layer was not loaded or is below the one that the pass is at, or an operation fails.
    pub fn forward(&mut self, wanted: &[usize]) -> Result<HiddenStates> {
        let (mut kept, highest) = self.advance(wanted)?;
        // The memory of states that are returned goes back to the thread's buffers; the next layer needs these.
        kept.push((highest, self.hidden.copy()?));
        let states = HiddenStates::new(kept, self.pass.cu_seqlens.clone(), self.pass.form);
        normalized(states, self.encoder)
    }

    /// The same as the last stop of the pass.
    ///
    /// # Errors
    /// As [`ForwardPass::forward`].
    pub fn finish(self, wanted: &[usize]) -> Result<HiddenStates> {
        let encoder = self.encoder;
        normalized(self.finish_raw(wanted)?, encoder)
    }

    /// The same without the norm after the model's last layer.
    ///
    /// # Errors
    /// As [`ForwardPass::forward`].
    pub fn finish_raw(mut self, wanted: &[usize]) -> Result<HiddenStates> {
        let (mut kept, highest) = self.advance(wanted)?;
        kept.push((highest, self.hidden));
        Ok(HiddenStates::new(kept, self.pass.cu_seqlens, self.pass.form))
    }

    /// Runs the layers up to the highest in `wanted`. Returns the states of those below it, and its number.
    fn advance(&mut self, wanted: &[usize]) -> Result<(Vec<(usize, Tensor)>, usize)> {
        let Encoder { recipe, num_layers, .. } = self.encoder;
        let per_layer = recipe.steps_per_layer;
        let at = self.steps / per_layer;
        let highest = wanted.iter().copied().max().unwrap_or(at);
        if highest > *num_layers {
            return Err(Error::NoSuchLayer { layer: highest, num_layers: *num_layers });
        }
        if let Some(&layer) = wanted.iter().find(|layer| **layer < at) {
            return Err(Error::LayerNotKept { layer });
        }
        let mut kept = Vec::with_capacity(wanted.len());
        for &block in &recipe.steps_of(highest)[self.steps..] {
            let next = self.encoder.step(self.steps, block, &self.hidden, &self.pass)?;
            let finished = std::mem::replace(&mut self.hidden, next);
            let layer = self.steps / per_layer;
            if self.steps.is_multiple_of(per_layer) && wanted.contains(&layer) {
                kept.push((layer, finished));
            } else {
                recycle(finished);
            }
            self.steps += 1;
        }
        Ok((kept, highest))
    }
}

fn normalized(states: HiddenStates, encoder: &Encoder) -> Result<HiddenStates> {
    match &encoder.final_norm {
        Some(norm) => states.map(|hidden| Ok(norm.forward(hidden)?)),
        None => Ok(states),
    }
}
