//! The only output of an encoder.

use candle_core::Tensor;
use nearsay_kernels::{CuSeqlens, recycle};

/// Hidden states of a packed batch, of the layers that were asked for.
#[derive(Debug, Clone)]
pub struct HiddenStates {
    layers: Vec<(usize, Tensor)>,
    cu_seqlens: CuSeqlens,
}

impl HiddenStates {
    pub(crate) fn new(layers: Vec<(usize, Tensor)>, cu_seqlens: CuSeqlens) -> Self {
        Self { layers, cu_seqlens }
    }

    /// [total_tokens, hidden_dim] f32 of layer `number`, if it was asked for. Layer 0 is the embeddings after their LayerNorm.
    pub fn layer(&self, number: usize) -> Option<&Tensor> {
        self.layers.iter().find(|(layer, _)| *layer == number).map(|(_, hidden)| hidden)
    }

    /// Gives the memory to this thread's next batch. Tensors that were cloned out of it must be gone by then; see
    /// [`nearsay_kernels::recycle`].
    pub fn recycle(self) {
        self.layers.into_iter().for_each(|(_, hidden)| recycle(hidden));
    }

    /// Where each text begins.
    pub fn cu_seqlens(&self) -> &CuSeqlens {
        &self.cu_seqlens
    }
}
