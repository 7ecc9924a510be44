//! Texts to vectors: [`Embedder`] embeds texts in memory, [`EmbedRun`] a stream of records into rows of an
//! output. A [`job`](crate::job) reads files and decides on columns and shards.

mod calls;
mod chunks;
mod counts;
mod embedded;
mod embedder;
mod encoding;
mod heads;
mod late_interaction;
mod limits;
mod long_texts;
mod opening;
mod options;
mod pieces;
mod prompted;
mod provenance;
mod run;
mod scheduled;

pub(crate) use chunks::sentences;
pub use chunks::{Chunk, ChunkEnds, ChunkOptions, plan_chunks};
pub use counts::Counts;
pub use embedded::{EmbedNotices, Embedded, EmbeddedTokens};
pub use embedder::Embedder;
pub use long_texts::OnLong;
pub use nearsay_models::SparseVector;
pub use options::{EmbedOptions, PoolingChoice};
pub use provenance::ModelCheck;
pub use run::{EmbedProgress, EmbedRun};
pub use scheduled::{
    EmbedderWork, OfText, OfTokens, OfVocabulary, SparseVectors, TextVectors, TokenVectors, VectorKind,
};

#[cfg(test)]
mod pair_tests;
