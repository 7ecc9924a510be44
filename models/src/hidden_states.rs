//! The only output of an encoder.

use candle_core::Tensor;
use nearsay_kernels::{CuSeqlens, Form, normalize, read_f32, recycle};

use crate::{Error, Result};

/// Hidden states of a packed batch, one matrix per requested layer.
///
/// When they are dropped, their memory is reused by the thread's next batch. A clone of a tensor would be
/// empty then, so tensors are not handed out: use [`LayerStates`] to copy values.
#[derive(Debug)]
pub struct HiddenStates {
    layers: Vec<(usize, Tensor)>,
    cu_seqlens: CuSeqlens,
    form: Form,
}

impl HiddenStates {
    pub(crate) fn new(layers: Vec<(usize, Tensor)>, cu_seqlens: CuSeqlens, form: Form) -> Self {
        Self { layers, cu_seqlens, form }
    }

    /// The same with each layer's states replaced.
    pub(crate) fn map(mut self, change: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        for (_, hidden) in &mut self.layers {
            let changed = change(hidden)?;
            recycle(std::mem::replace(hidden, changed));
        }
        Ok(self)
    }

    /// The hidden states of layer `number`. Layer 0 is the embeddings after their LayerNorm.
    ///
    /// # Errors
    /// [`Error::LayerNotKept`] if that layer was not requested.
    pub fn layer(&self, number: usize) -> Result<LayerStates<'_>> {
        let (_, hidden) = self
            .layers
            .iter()
            .find(|(layer, _)| *layer == number)
            .ok_or(Error::LayerNotKept { layer: number })?;
        Ok(LayerStates { hidden, cu_seqlens: &self.cu_seqlens, form: self.form })
    }

    /// Where each text starts.
    pub fn cu_seqlens(&self) -> &CuSeqlens {
        &self.cu_seqlens
    }
}

impl Drop for HiddenStates {
    fn drop(&mut self) {
        self.layers.drain(..).for_each(|(_, hidden)| recycle(hidden));
    }
}

/// A view of one layer's hidden states, [total_tokens, hidden_dim], on the encoder's device and in its
/// element type.
#[derive(Debug, Clone, Copy)]
pub struct LayerStates<'a> {
    hidden: &'a Tensor,
    cu_seqlens: &'a CuSeqlens,
    form: Form,
}

impl<'a> LayerStates<'a> {
    /// A view of `hidden` whose operations run in `form`.
    pub fn new(hidden: &'a Tensor, cu_seqlens: &'a CuSeqlens, form: Form) -> Self {
        Self { hidden, cu_seqlens, form }
    }

    /// Where each text starts.
    pub fn cu_seqlens(&self) -> &'a CuSeqlens {
        self.cu_seqlens
    }

    /// How operations on them run.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The tensor itself, for operations of this crate that keep no reference to it.
    pub(crate) fn hidden(&self) -> &'a Tensor {
        self.hidden
    }

    /// A copy in f32, vector by vector.
    ///
    /// # Errors
    /// If the device fails.
    pub fn to_vec(&self) -> Result<Vec<f32>> {
        self.read(<[f32]>::to_vec)
    }

    /// Calls `read` with the values in f32, vector by vector. On the CPU they are not copied.
    ///
    /// # Errors
    /// If the device fails.
    pub fn read<R>(&self, read: impl FnOnce(&[f32]) -> R) -> Result<R> {
        Ok(read_f32(self.hidden, read)?)
    }

    /// x / max(||x||, epsilon) for every token, as a new tensor [total_tokens, hidden_dim].
    ///
    /// # Errors
    /// If the device fails.
    pub fn normalized(&self, epsilon: f64) -> Result<Tensor> {
        Ok(normalize(self.hidden, epsilon, self.form)?)
    }
}
