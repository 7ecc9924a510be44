//! Options of an index.

use std::num::NonZero;

use super::{Codes, StoredType};
use crate::embed::{ChunkOptions, OnLong};
use crate::job::{Existing, ROWS_PER_SHARD};
use crate::search::Metric;
use crate::text::TextOptions;

/// Options of an index that is built from texts, in addition to its embedder's.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct IndexOptions {
    /// How records are read, and which of their fields are kept. The texts are kept anyway.
    pub reading: TextOptions,
    /// How to treat texts that are longer than the embedder's longest; they become chunks, unless set otherwise.
    pub on_long: OnLong,
    /// Kept columns, or `id`, to keep as JSON text.
    pub json_columns: Vec<String>,
    /// How rows are compared with queries. For the cosine, rows are brought to length 1.
    pub metric: Metric,
    /// The number type of the stored vectors.
    pub vectors: StoredType,
    /// The codes that are stored with them.
    pub codes: Codes,
    /// Whether their signs are stored, for approximate search.
    pub bits: bool,
    /// Of the random rotation that rows get before they become codes, if less is lost then.
    pub seed: u64,
    /// Texts per volume at most while an index is built.
    pub texts_per_volume: NonZero<u64>,
    /// How to treat an existing index.
    pub existing: Existing,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self {
            reading: TextOptions::default(),
            on_long: OnLong::Chunk(ChunkOptions::default()),
            json_columns: Vec::new(),
            metric: Metric::default(),
            vectors: StoredType::default(),
            codes: Codes::default(),
            bits: false,
            seed: 0,
            texts_per_volume: ROWS_PER_SHARD,
            existing: Existing::default(),
        }
    }
}

impl IndexOptions {
    /// Sets how records are read.
    #[must_use]
    pub fn reading(self, reading: TextOptions) -> Self {
        Self { reading, ..self }
    }

    /// Sets how long texts are treated.
    #[must_use]
    pub fn on_long(self, on_long: OnLong) -> Self {
        Self { on_long, ..self }
    }

    /// Sets how rows are compared.
    #[must_use]
    pub fn metric(self, metric: Metric) -> Self {
        Self { metric, ..self }
    }

    /// Sets the number type of the stored vectors.
    #[must_use]
    pub fn vectors(self, vectors: StoredType) -> Self {
        Self { vectors, ..self }
    }

    /// Sets the codes that are stored with the vectors.
    #[must_use]
    pub fn codes(self, codes: Codes) -> Self {
        Self { codes, ..self }
    }

    /// Stores the vectors' signs, too.
    #[must_use]
    pub fn bits(self) -> Self {
        Self { bits: true, ..self }
    }

    /// Sets the texts per volume; 0 means the default.
    #[must_use]
    pub fn texts_per_volume(self, texts: u64) -> Self {
        Self { texts_per_volume: NonZero::new(texts).unwrap_or(ROWS_PER_SHARD), ..self }
    }

    /// Sets how an existing index is treated.
    #[must_use]
    pub fn existing(self, existing: Existing) -> Self {
        Self { existing, ..self }
    }
}

/// Which texts an update removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Prune {
    /// None.
    #[default]
    Nothing,
    /// Those that the inputs which are read no longer have; refused if an input has none at all, or more than half of
    /// the index would go.
    Gone,
    /// The same, however many there are.
    All,
}

/// Options of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UpdateOptions {
    /// Which texts are removed.
    pub prune: Prune,
    /// Whether texts are only counted, and nothing is changed.
    pub dry_run: bool,
}

impl UpdateOptions {
    /// Sets which texts are removed.
    #[must_use]
    pub fn prune(self, prune: Prune) -> Self {
        Self { prune, ..self }
    }

    /// Only counts.
    #[must_use]
    pub fn dry_run(self) -> Self {
        Self { dry_run: true, ..self }
    }
}
