//! Data that all layers share in one pass over a batch.

use std::sync::Arc;

use nearsay_kernels::{CuSeqlens, DistanceBias, Form, RotaryTable};

/// The batch's texts, and values computed once for all layers.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) cu_seqlens: CuSeqlens,
    /// In the order of the recipe's.
    pub(crate) biases: Vec<DistanceBias>,
    /// For vectors by distance: the row of each distance in the longest text, from its first to its last.
    pub(crate) distance_rows: Vec<u32>,
    /// In the order of the recipe's.
    pub(crate) rotary: Vec<Arc<RotaryTable>>,
    /// How many of each text's first tokens are attended to, if not all of every text.
    pub(crate) key_counts: Option<Vec<usize>>,
    pub(crate) form: Form,
}
