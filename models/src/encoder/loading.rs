//! Arguments for loading a part.

use candle_core::Tensor;
use nearsay_kernels::Placement;

use crate::parameters::Parameters;

/// The source of the weights and their device.
#[derive(Clone)]
pub(crate) struct Loading<'a> {
    /// Below the part's prefix.
    pub(crate) parameters: Parameters<'a>,
    /// The encoder's embeddings of distances, on the CPU, if it has any.
    pub(crate) distance_embeddings: Option<&'a Tensor>,
    pub(crate) placement: &'a Placement,
}

impl Loading<'_> {
    /// The same for the parts whose names are below `prefix`.
    pub(crate) fn inside(&self, prefix: &str) -> Self {
        Self { parameters: self.parameters.inside(prefix), ..self.clone() }
    }
}
