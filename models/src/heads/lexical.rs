//! bge-m3's sparse vectors: a weight for each token of a text, at the token's id.
//!
//! Source: FlagEmbedding's `BGEM3Model`: relu(sparse_linear(state)), per id the largest, and nothing for special tokens.

use std::collections::BTreeMap;

use candle_core::DType;
use nearsay_kernels::device::synchronize;
use nearsay_kernels::{Activation, Linear, Placement, read_f32, recycle};

use super::sparse::{SparseVector, SparseWeights};
use super::{HeadKind, SparseHead};
use crate::{LayerStates, Model, Result};

/// The file with the weights.
pub(crate) const LEXICAL_FILE: &str = "sparse_linear.pt";

/// A loaded head.
#[derive(Debug)]
pub(super) struct LexicalWeights {
    linear: Linear,
    vocab_size: usize,
    /// Ids without a weight.
    special: Vec<u32>,
}

impl Model {
    /// Loads bge-m3's head for sparse vectors, which multiplies in f32 on the encoder's device. Tokens of the ids
    /// `special` have no weight.
    ///
    /// # Errors
    /// [`Error::NoHead`](crate::Error::NoHead) without its file; if that breaks a rule.
    pub fn load_lexical_head(&self, special: Vec<u32>, encoder: &Placement) -> Result<SparseHead> {
        let linear = self.load_linear_file(LEXICAL_FILE, HeadKind::Lexical, encoder)?;
        if linear.out_dim() != 1 {
            let rule = format!("tensor weight must have 1 row, got {}", linear.out_dim());
            return Err(crate::Error::bad_weights(self.folder().root().join(LEXICAL_FILE), rule));
        }
        synchronize(encoder.device())?;
        let vocab_size = self.recipe().vocab_size();
        Ok(SparseHead::new(SparseWeights::Lexical(LexicalWeights { linear, vocab_size, special })))
    }
}

impl LexicalWeights {
    pub(super) fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The weights of every text, whose token ids are given. One that is not a number stays.
    pub(super) fn forward(&self, states: LayerStates<'_>, texts: &[&[u32]]) -> Result<Vec<SparseVector>> {
        let hidden = states.hidden().to_dtype(DType::F32)?;
        let weights = self.linear.forward_activated(&hidden, Activation::Relu)?;
        let ranges = states.cu_seqlens().ranges().zip(texts);
        let vectors =
            read_f32(&weights, |values| ranges.map(|(rows, ids)| self.vector(ids, &values[rows])).collect());
        recycle(weights);
        Ok(vectors?)
    }

    fn vector(&self, ids: &[u32], weights: &[f32]) -> SparseVector {
        let mut largest: BTreeMap<u32, f32> = BTreeMap::new();
        for (&id, &weight) in ids.iter().zip(weights).filter(|(id, _)| !self.special.contains(id)) {
            let held = largest.entry(id).or_insert(0.0);
            if weight > *held || weight.is_nan() {
                *held = weight;
            }
        }
        let (indices, values) = largest.into_iter().filter(|(_, weight)| *weight != 0.0).unzip();
        SparseVector { indices, values }
    }
}
