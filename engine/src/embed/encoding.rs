//! From tokens to vectors: the encoder, then pooling, straight into the rows of a matrix.

use std::borrow::Borrow;
use std::sync::{Mutex, PoisonError};

use candle_core::Tensor;
use nearsay_kernels::{normalize_row, read_f32, recycle};
use nearsay_models::{LayerStates, SparseVector};

use super::Embedder;
use super::heads::Heads;
use crate::error::phrase;
use crate::session::{EncodedBatch, Places};
use crate::tokens::TokenizedText;
use crate::vectors::Vectors;
use crate::{Error, Result, Setting};

/// sentence-transformers' Normalize divides by at least this (`torch.nn.functional.normalize`).
const SHORTEST: f64 = 1e-12;

/// Called with the numbers of texts and tokens of every finished micro-batch, from any thread.
pub(super) type Done<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// A matrix that micro-batches write their rows to, from any thread.
pub(super) type Target<'a> = Mutex<&'a mut Vectors>;

/// L2-normalizes a vector as the heads do.
pub(super) fn normalize(vector: &mut [f32]) {
    normalize_row(vector, SHORTEST);
}

impl Embedder {
    /// Writes the vector of each text to all its rows in `target`.
    pub(super) fn embed_into<T: Borrow<TokenizedText> + Sync>(
        &self,
        texts: &[T],
        places: &Places,
        target: &Target<'_>,
        done: Done<'_>,
    ) -> Result<()> {
        let Heads::Vectors(heads) = &self.parts.heads else { return Err(self.other_level()) };
        let kept = self.dimensions();
        let normalizes = self.shortens() && self.is_normalized();
        self.encode(
            texts,
            |batch, states| {
                let pooled: Tensor = heads[batch.replica].forward(states)?;
                let width = pooled.dim(1)?;
                read_f32(&pooled, |values| {
                    let mut target = target.lock().unwrap_or_else(PoisonError::into_inner);
                    for (vector, &text) in values.chunks_exact(width.max(1)).zip(batch.texts) {
                        for &row in places.of(text) {
                            let row = target.row_mut(row);
                            row.copy_from_slice(&vector[..kept]);
                            if normalizes {
                                normalize(row);
                            }
                        }
                    }
                })?;
                recycle(pooled);
                Ok(())
            },
            done,
        )
    }

    /// Writes the sparse vector of each text to all its places in `target`.
    pub(super) fn embed_sparse_into<T: Borrow<TokenizedText> + Sync>(
        &self,
        texts: &[T],
        places: &Places,
        target: &Mutex<&mut Vec<SparseVector>>,
        done: Done<'_>,
    ) -> Result<()> {
        let heads = match &self.parts.heads {
            Heads::Sparse(heads) => heads,
            Heads::Static(head) => {
                for (index, text) in texts.iter().map(Borrow::borrow).enumerate() {
                    self.control().check()?;
                    write_sparse(&head.vector(&text.ids), places.of(index), target);
                    done(1, text.ids.len() as u64);
                }
                return Ok(());
            }
            Heads::Vectors(_) | Heads::Tokens(..) => return Err(self.not_sparse()),
        };
        self.encode(
            texts,
            |batch, states| {
                let ids: Vec<&[u32]> =
                    batch.texts.iter().map(|&text| texts[text].borrow().ids.as_slice()).collect();
                let vectors = heads[batch.replica].forward(states, &ids)?;
                for (vector, &text) in vectors.iter().zip(batch.texts) {
                    write_sparse(vector, places.of(text), target);
                }
                Ok(())
            },
            done,
        )
    }

    pub(super) fn not_sparse(&self) -> Error {
        let (pooling, _) = self.pooling();
        Error::usage_hint(
            format!(
                "sparse vectors are needed, and the model makes {} ({pooling})",
                self.level().of_vectors()
            ),
            phrase![(Setting::Pooling, "splade"), " asks for them, from a model that is trained for it"]
                .or("use a model that makes them, such as naver/splade-v3"),
        )
    }

    /// Writes the vectors of each text's tokens to `target`, starting at each of the text's rows.
    pub(super) fn embed_tokens_into<T: Borrow<TokenizedText> + Sync>(
        &self,
        texts: &[T],
        places: &Places,
        target: &Target<'_>,
        done: Done<'_>,
    ) -> Result<()> {
        let dim = self.hidden_dim();
        self.encode(
            texts,
            |batch, states| {
                let write = |values: &[f32]| {
                    let mut target = target.lock().unwrap_or_else(PoisonError::into_inner);
                    for (tokens, &text) in states.cu_seqlens().ranges().zip(batch.texts) {
                        let vectors = &values[tokens.start * dim..tokens.end * dim];
                        for &row in places.of(text) {
                            for (row, token) in (row..).zip(self.kept_tokens(&texts[text].borrow().ids)) {
                                target.row_mut(row).copy_from_slice(&vectors[token * dim..][..dim]);
                            }
                        }
                    }
                };
                match (&self.parts.heads, self.parts.normalizes_tokens) {
                    (Heads::Tokens(heads, _), _) => {
                        let vectors = heads[batch.replica].forward(states)?;
                        read_f32(&vectors, write)?;
                        recycle(vectors);
                    }
                    (_, true) => read_f32(&states.normalized(SHORTEST)?, write)?,
                    (_, false) => states.read(write)?,
                }
                Ok(())
            },
            done,
        )
    }

    /// Calls `write` with the hidden states of every micro-batch.
    fn encode<T: Borrow<TokenizedText> + Sync>(
        &self,
        texts: &[T],
        write: impl Fn(&EncodedBatch<'_>, LayerStates<'_>) -> Result<()> + Sync,
        done: Done<'_>,
    ) -> Result<()> {
        let layer = self.parts.layer;
        let references: Vec<&TokenizedText> = texts.iter().map(Borrow::borrow).collect();
        let Some(encoder) = &self.parts.encoder else { return Err(self.other_level()) };
        encoder.encode(self.control(), &references, &[layer], |batch| {
            let states = batch.states.layer(layer)?;
            write(&batch, states)?;
            done(batch.texts.len() as u64, states.cu_seqlens().total_tokens() as u64);
            Ok(vec![(); batch.texts.len()])
        })?;
        Ok(())
    }
}

/// Writes a sparse vector to all its places in `target`.
fn write_sparse(vector: &SparseVector, places: &[usize], target: &Mutex<&mut Vec<SparseVector>>) {
    let mut target = target.lock().unwrap_or_else(PoisonError::into_inner);
    for &place in places {
        target[place].clone_from(vector);
    }
}
