//! Embedders with the settings of requests.

use std::sync::OnceLock;

use nearsay::embed::{SparseVectors, TextVectors, TokenVectors};
use nearsay::session::scheduler::{Kind, TextWork};
use nearsay::tokens::TruncationSide;
use nearsay::{EmbedOptions, Embedder};

use crate::work::OfInputs;

/// The settings of a request that an embedder is made with; `None`: as the server was started with, else the model's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Settings {
    pub(crate) prompt_name: Option<String>,
    pub(crate) normalize: Option<bool>,
    pub(crate) dimensions: Option<usize>,
    pub(crate) max_length: Option<usize>,
    pub(crate) side: TruncationSide,
}

impl Settings {
    pub(super) fn apply(&self, mut options: EmbedOptions) -> EmbedOptions {
        if let Some(name) = &self.prompt_name {
            options.prompt = None;
            options.prompt_name = Some(name.clone());
        }
        options.normalize = self.normalize.or(options.normalize);
        options.dimensions = self.dimensions.or(options.dimensions);
        options.max_length = self.max_length.or(options.max_length);
        options.truncation_side = self.side;
        options
    }
}

/// An embedder with the settings of requests, and its kinds of work. Requests share those, as only texts of the same kind
/// are encoded together.
#[derive(Debug)]
pub(crate) struct Prepared {
    embedder: Embedder,
    text_vectors: OnceLock<Kind<OfInputs<TextVectors>>>,
    token_vectors: OnceLock<Kind<OfInputs<TokenVectors>>>,
    sparse_vectors: OnceLock<Kind<OfInputs<SparseVectors>>>,
}

impl Prepared {
    pub(super) fn new(embedder: Embedder) -> Self {
        Self {
            embedder,
            text_vectors: OnceLock::new(),
            token_vectors: OnceLock::new(),
            sparse_vectors: OnceLock::new(),
        }
    }

    pub(crate) fn embedder(&self) -> &Embedder {
        &self.embedder
    }

    /// One vector per text.
    ///
    /// # Errors
    /// If the model makes other vectors.
    pub(crate) fn text_vectors(&self) -> nearsay::Result<Kind<OfInputs<TextVectors>>> {
        self.kind(&self.text_vectors, TextVectors::new)
    }

    /// A vector per token.
    ///
    /// # Errors
    /// If tokens have none.
    pub(crate) fn token_vectors(&self) -> nearsay::Result<Kind<OfInputs<TokenVectors>>> {
        self.kind(&self.token_vectors, TokenVectors::new)
    }

    /// One sparse vector per text.
    ///
    /// # Errors
    /// If the model makes other vectors.
    pub(crate) fn sparse_vectors(&self) -> nearsay::Result<Kind<OfInputs<SparseVectors>>> {
        self.kind(&self.sparse_vectors, SparseVectors::new)
    }

    /// The kind in `known`, which is made by the first request that needs it.
    fn kind<W>(
        &self,
        known: &OnceLock<Kind<OfInputs<W>>>,
        work: impl FnOnce(&Embedder) -> nearsay::Result<W>,
    ) -> nearsay::Result<Kind<OfInputs<W>>>
    where
        OfInputs<W>: TextWork,
    {
        if let Some(kind) = known.get() {
            return Ok(kind.clone());
        }
        let work = work(&self.embedder)?;
        Ok(known.get_or_init(|| Kind::new(OfInputs::new(work, &self.embedder))).clone())
    }
}
