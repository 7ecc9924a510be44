//! Embeddings, search and BERTScore with BERT-family models.
//!
//! A model is opened once and asked many ways: [`Embedder`] turns texts into vectors, which can be searched;
//! [`Scorer`] scores generated texts against references. Both are handles of a [`Session`], which holds the
//! weights and the threads.
//!
//! ```
//! use nearsay::{EmbedOptions, ScoreOptions, Session};
//!
//! # fn main() -> nearsay::Result<()> {
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/sentence-transformers/dense-prompts");
//! let session = Session::open(folder)?;
//! let embedder = session.embedder(&EmbedOptions::default())?;
//! let corpus = embedder.prompt("passage")?.embed(&["A river ran over its banks.", "The flood came at night."])?;
//! let query = embedder.prompt("query")?.embed(&["flooding"])?; // the same weights, another prompt
//! for hit in &corpus.search(&query, 1)?[0] {
//!     println!("{:.3}  row {}", hit.score, hit.row);
//! }
//! let scorer = session.scorer(&ScoreOptions::default().layer(2))?;
//! let scores = scorer.score(&[("The cat sat.", "A cat was sitting."), ("It rained.", "It was dry.")])?;
//! println!("F1 {:.4} and {:.4}  {}", scores[0].f1, scores[1].f1, scorer.signature());
//! # assert_eq!((corpus.len(), scores.len()), (2, 2));
//! # Ok(())
//! # }
//! ```
//!
//! Files are embedded into a Parquet file, or into a folder of shards that can be killed and resumed:
//!
//! ```
//! use nearsay::{EmbedOptions, Session};
//! use nearsay::job::CorpusOptions;
//!
//! # fn main() -> nearsay::Result<()> {
//! # let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures");
//! # let model = format!("{fixtures}/sentence-transformers/dense-prompts");
//! # let folder = tempfile::tempdir().unwrap();
//! # let (lines, corpus, output) = (folder.path().join("a.jsonl"), folder.path().join("corpus.parquet"), folder.path().join("vectors/"));
//! # std::fs::write(&lines, "{\"text\":\"The flood came at night.\"}\n{\"text\":\"The river\"}\n").unwrap();
//! let embedder = Session::open(&model)?.embedder(&EmbedOptions::default())?;
//! # let keep = nearsay::text::TextOptions::default().keep(["text"]);
//! # embedder.embed_files([&lines], &corpus, &CorpusOptions::default().reading(keep))?;
//! let summary = embedder.embed_files([&corpus], &output, &CorpusOptions::default().rows_per_shard(1))?;
//! assert_eq!(summary.counts().texts, 2);
//! assert_eq!(summary.shards.map(|shards| shards.now), Some(2));
//! # Ok(())
//! # }
//! ```
//!
//! All of it may be called from many threads at once, without more work in parallel than there are cores, and
//! the same text gets the same bits under any load:
//!
//! ```
//! use nearsay::{ScoreOptions, Session};
//!
//! # fn main() -> nearsay::Result<()> {
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/sentence-transformers/dense-prompts");
//! let scorer = Session::open(folder)?.scorer(&ScoreOptions::default().layer(2))?;
//! let pair = [("A river ran over its banks.", "The flood came at night.")];
//! let alone = scorer.score(&pair)?[0].f1.to_bits();
//! std::thread::scope(|scope| {
//!     for company in 0..4 {
//!         let scorer = &scorer;
//!         scope.spawn(move || {
//!             let mut pairs = vec![("Cats sleep.", "Dogs bark."); company];
//!             pairs.extend(pair);
//!             assert_eq!(scorer.score(&pairs).unwrap()[company].f1.to_bits(), alone);
//!         });
//!     }
//! });
//! # Ok(())
//! # }
//! ```
//!
//! # Rooms
//!
//! Each knows only those before it: [`error`](Error), [`text`], [`tokens`], [`session`], [`vectors`],
//! [`embed`], [`job`], [`rerank`], [`score`], [`search`], [`export`], [`evaluate`], [`bench`](mod@bench). docs/architecture.md follows a
//! text and a pair through them.
//!
//! # Types of other crates
//!
//! Types of candle appear in this crate's API only in errors that are passed on and in [`models`], which has
//! the parts of an encoder below a [`Session`]; `half::f16` in [`vectors`]; types of arrow in
//! [`vectors::schema`], [`vectors::rows`], [`vectors::write`] and the records of [`text`]; types of
//! tokenizers nowhere. [`Precision`] and [`Pooling`] come from nearsay-kernels, [`HubOptions`] and [`Model`]
//! from nearsay-models.

pub mod bench;
pub mod embed;
mod error;
pub mod evaluate;
pub mod export;
mod guard;
pub mod index;
pub mod job;
pub mod rerank;
pub mod score;
pub mod search;
pub mod session;
pub mod text;
pub mod tokens;
pub mod vectors;

pub use nearsay_kernels::{Pooling, Precision};
pub use nearsay_models::{HubOptions, Model, Recipe};

/// The parts of nearsay-kernels that signatures of this crate name.
pub mod kernels {
    pub use nearsay_kernels::device::Unavailable;
    pub use nearsay_kernels::{CuSeqlens, Form, InstructionSet};
}

/// The parts of nearsay-models that signatures of this crate name.
pub mod models {
    pub use nearsay_models::files::{Content, DownloadProgress, Environment, ProgressListener, Token};
    pub use nearsay_models::{Encoder, Error, HiddenStates, LayerStates, SHAPES, Shape, TokenizerSettings};
}

/// Metrics of generated text, comparisons of systems, and statistics, which need no model.
pub use nearsay_metrics as metrics;

pub use embed::{EmbedOptions, Embedder};
pub use error::{Error, ErrorKind, Phrase, Result, Setting};
pub use guard::silence_expected_panics;
pub use rerank::{CrossEncoder, CrossEncoderOptions};
pub use score::bertscore::{ScoreOptions, Scorer};
pub use session::{Cancel, Control, DeviceChoice, Devices, FEATURES, Gpu, Session, SessionOptions, Workers};
pub use vectors::Vectors;

/// Refuses settings in the environment that cannot be followed, such as an instruction set that the CPU
/// lacks.
///
/// # Errors
/// [`Error::Usage`] naming the variable.
pub fn check_environment() -> Result<()> {
    match nearsay_kernels::requested_instruction_set() {
        Ok(_) => Ok(()),
        Err(message) => Err(Error::usage_hint(message, "unset NEARSAY_ISA")),
    }
}
