//! An embedder's work, as a [`scheduler`](crate::session::scheduler) does it.

use nearsay_models::SparseVector;

use super::Embedder;
use crate::session::scheduler::TextWork;
use crate::session::{DEFAULT_BATCH_TOKENS, TextEncoder};
use crate::tokens::TokenizedText;
use crate::vectors::Vectors;
use crate::{Error, Result};

/// Texts to one dense vector each, with the bits of [`Embedder::embed`].
#[derive(Debug, Clone)]
pub struct TextVectors(Embedder);

/// Texts to the vectors of their tokens, with the bits of [`Embedder::embed_tokens`]: a row per token that has one.
#[derive(Debug, Clone)]
pub struct TokenVectors(Embedder);

/// Texts to one sparse vector each, with the bits of [`Embedder::embed_sparse`].
#[derive(Debug, Clone)]
pub struct SparseVectors(Embedder);

impl TextVectors {
    /// The work of this embedder. What stops its own calls does not stop requests, which have a control of their own.
    ///
    /// # Errors
    /// [`Error::Usage`] if the model makes other vectors.
    pub fn new(embedder: &Embedder) -> Result<Self> {
        embedder.check_vectors()?;
        Ok(Self(embedder.unstoppable()))
    }

    /// The embedder.
    pub fn embedder(&self) -> &Embedder {
        &self.0
    }
}

impl TokenVectors {
    /// The work of this embedder, see [`TextVectors::new`].
    ///
    /// # Errors
    /// [`Error::Usage`] if its vectors come from a table, in which tokens have none.
    pub fn new(embedder: &Embedder) -> Result<Self> {
        embedder.level_for(crate::vectors::Level::Token)?;
        Ok(Self(embedder.unstoppable()))
    }

    /// The embedder.
    pub fn embedder(&self) -> &Embedder {
        &self.0
    }
}

impl SparseVectors {
    /// The work of this embedder, see [`TextVectors::new`].
    ///
    /// # Errors
    /// [`Error::Usage`] if the model makes other vectors.
    pub fn new(embedder: &Embedder) -> Result<Self> {
        embedder.level_for(crate::vectors::Level::Sparse)?;
        Ok(Self(embedder.unstoppable()))
    }

    /// The embedder.
    pub fn embedder(&self) -> &Embedder {
        &self.0
    }
}

impl TextWork for TextVectors {
    type Text = String;
    type Output = Vec<f32>;

    fn text_bytes(&self, text: &String) -> usize {
        text.len()
    }

    fn tokenize(&self, texts: &[&String]) -> Result<Vec<TokenizedText>> {
        self.0.tokenize(texts)
    }

    fn encode(&self, texts: &[&TokenizedText]) -> Result<Vec<Result<Vec<f32>>>> {
        let vectors = self.0.embed_tokenized(texts)?;
        Ok(vectors.rows().map(|row| finite(row).map(|()| row.to_vec())).collect())
    }

    fn output_bytes(&self, output: &Vec<f32>) -> usize {
        size_of_val(output.as_slice())
    }

    fn batch_tokens(&self) -> usize {
        batch_tokens(&self.0)
    }

    fn is_on_gpu(&self) -> bool {
        self.0.works_beside_cpu()
    }
}

impl TextWork for TokenVectors {
    type Text = String;
    type Output = Vectors;

    fn text_bytes(&self, text: &String) -> usize {
        text.len()
    }

    fn tokenize(&self, texts: &[&String]) -> Result<Vec<TokenizedText>> {
        self.0.tokenize(texts)
    }

    fn encode(&self, texts: &[&TokenizedText]) -> Result<Vec<Result<Vectors>>> {
        let (vectors, starts) = self.0.embed_tokens_tokenized(texts)?;
        let dim = vectors.dim();
        let of_text = |range: &[usize]| {
            let values = &vectors.values()[range[0] * dim..range[1] * dim];
            finite(values)?;
            Vectors::new(values.to_vec(), dim)
        };
        Ok(starts.windows(2).map(of_text).collect())
    }

    fn output_bytes(&self, output: &Vectors) -> usize {
        size_of_val(output.values())
    }

    fn batch_tokens(&self) -> usize {
        batch_tokens(&self.0)
    }

    fn is_on_gpu(&self) -> bool {
        self.0.works_beside_cpu()
    }
}

impl TextWork for SparseVectors {
    type Text = String;
    type Output = SparseVector;

    fn text_bytes(&self, text: &String) -> usize {
        text.len()
    }

    fn tokenize(&self, texts: &[&String]) -> Result<Vec<TokenizedText>> {
        self.0.tokenize(texts)
    }

    fn encode(&self, texts: &[&TokenizedText]) -> Result<Vec<Result<SparseVector>>> {
        let vectors = self.0.embed_sparse_tokenized(texts)?;
        Ok(vectors.into_iter().map(|vector| finite(&vector.values).map(|()| vector)).collect())
    }

    fn output_bytes(&self, output: &SparseVector) -> usize {
        size_of_val(output.values.as_slice()) + size_of_val(output.indices.as_slice())
    }

    fn batch_tokens(&self) -> usize {
        batch_tokens(&self.0)
    }

    fn is_on_gpu(&self) -> bool {
        self.0.works_beside_cpu()
    }
}

/// Tokens of a batch; of texts that no encoder reads, as many as on a CPU.
fn batch_tokens(embedder: &Embedder) -> usize {
    embedder.parts.encoder.as_ref().map_or(DEFAULT_BATCH_TOKENS, TextEncoder::batch_tokens)
}

fn finite(vector: &[f32]) -> Result<()> {
    match vector.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(Error::NonFinite { what: "the vector".to_owned() }),
    }
}
