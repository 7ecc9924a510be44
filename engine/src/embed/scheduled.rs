//! An embedder's work, as a [`scheduler`](crate::session::scheduler) does it.

use std::fmt;
use std::marker::PhantomData;

use nearsay_models::SparseVector;

use super::Embedder;
use crate::session::scheduler::TextWork;
use crate::session::{DEFAULT_BATCH_TOKENS, TextEncoder};
use crate::tokens::TokenizedText;
use crate::vectors::{Level, Vectors};
use crate::{Error, Result};

/// Texts to one dense vector each, with the bits of [`Embedder::embed`].
pub type TextVectors = EmbedderWork<OfText>;

/// Texts to the vectors of their tokens, with the bits of [`Embedder::embed_tokens`]: a row per token that has one.
pub type TokenVectors = EmbedderWork<OfTokens>;

/// Texts to one sparse vector each, with the bits of [`Embedder::embed_sparse`].
pub type SparseVectors = EmbedderWork<OfVocabulary>;

/// What an embedder makes of each text: [`TextVectors`], [`TokenVectors`], [`SparseVectors`].
pub struct EmbedderWork<K>(Embedder, PhantomData<fn() -> K>);

/// A kind of vectors.
pub trait VectorKind: 'static {
    /// What a text becomes.
    type Output: Send + Sync + 'static;

    /// Refuses an embedder that does not make them.
    #[doc(hidden)]
    fn check(embedder: &Embedder) -> Result<()>;

    /// What each text becomes, in order.
    #[doc(hidden)]
    fn make(embedder: &Embedder, texts: &[&TokenizedText]) -> Result<Vec<Result<Self::Output>>>;

    /// The size of what a text became, in bytes.
    #[doc(hidden)]
    fn bytes(output: &Self::Output) -> usize;
}

/// One dense vector per text.
#[derive(Debug, Clone, Copy)]
pub enum OfText {}

/// A vector per token.
#[derive(Debug, Clone, Copy)]
pub enum OfTokens {}

/// One sparse vector per text, with an entry per word of the vocabulary.
#[derive(Debug, Clone, Copy)]
pub enum OfVocabulary {}

impl VectorKind for OfText {
    type Output = Vec<f32>;

    fn check(embedder: &Embedder) -> Result<()> {
        embedder.check_vectors()
    }

    fn make(embedder: &Embedder, texts: &[&TokenizedText]) -> Result<Vec<Result<Vec<f32>>>> {
        let vectors = embedder.embed_tokenized(texts)?;
        Ok(vectors.rows().map(|row| finite(row).map(|()| row.to_vec())).collect())
    }

    fn bytes(output: &Vec<f32>) -> usize {
        size_of_val(output.as_slice())
    }
}

impl VectorKind for OfTokens {
    type Output = Vectors;

    fn check(embedder: &Embedder) -> Result<()> {
        embedder.level_for(Level::Token).map(drop)
    }

    fn make(embedder: &Embedder, texts: &[&TokenizedText]) -> Result<Vec<Result<Vectors>>> {
        let (vectors, starts) = embedder.embed_tokens_tokenized(texts)?;
        let dim = vectors.dim();
        let of_text = |range: &[usize]| {
            let values = &vectors.values()[range[0] * dim..range[1] * dim];
            finite(values)?;
            Vectors::new(values.to_vec(), dim)
        };
        Ok(starts.windows(2).map(of_text).collect())
    }

    fn bytes(output: &Vectors) -> usize {
        size_of_val(output.values())
    }
}

impl VectorKind for OfVocabulary {
    type Output = SparseVector;

    fn check(embedder: &Embedder) -> Result<()> {
        embedder.level_for(Level::Sparse).map(drop)
    }

    fn make(embedder: &Embedder, texts: &[&TokenizedText]) -> Result<Vec<Result<SparseVector>>> {
        let vectors = embedder.embed_sparse_tokenized(texts)?;
        Ok(vectors.into_iter().map(|vector| finite(&vector.values).map(|()| vector)).collect())
    }

    fn bytes(output: &SparseVector) -> usize {
        size_of_val(output.values.as_slice()) + size_of_val(output.indices.as_slice())
    }
}

impl<K: VectorKind> EmbedderWork<K> {
    /// The work of this embedder. What stops its own calls does not stop requests, which have a control of their own.
    ///
    /// # Errors
    /// [`Error::Usage`] if the model makes no such vectors; tokens have none if the model's come from a table.
    pub fn new(embedder: &Embedder) -> Result<Self> {
        K::check(embedder)?;
        Ok(Self(embedder.unstoppable(), PhantomData))
    }

    /// The embedder.
    pub fn embedder(&self) -> &Embedder {
        &self.0
    }
}

impl<K> Clone for EmbedderWork<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<K> fmt::Debug for EmbedderWork<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("EmbedderWork").field(&self.0).finish()
    }
}

impl<K: VectorKind> TextWork for EmbedderWork<K> {
    type Text = String;
    type Output = K::Output;

    fn text_bytes(&self, text: &String) -> usize {
        text.len()
    }

    fn tokenize(&self, texts: &[&String]) -> Result<Vec<TokenizedText>> {
        self.0.tokenize(texts)
    }

    fn encode(&self, texts: &[&TokenizedText]) -> Result<Vec<Result<K::Output>>> {
        K::make(&self.0, texts)
    }

    fn output_bytes(&self, output: &K::Output) -> usize {
        K::bytes(output)
    }

    /// Of texts that no encoder reads, as many as on a CPU.
    fn batch_tokens(&self) -> usize {
        self.0.parts.encoder.as_ref().map_or(DEFAULT_BATCH_TOKENS, TextEncoder::batch_tokens)
    }

    fn is_on_gpu(&self) -> bool {
        self.0.works_beside_cpu()
    }
}

fn finite(vector: &[f32]) -> Result<()> {
    match vector.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(Error::NonFinite { what: "the vector".to_owned() }),
    }
}
