//! Jobs: files embedded into a file, or into a folder of shards that can be killed at any time and resumed
//! without losing or changing a byte.
//!
//! [`Corpus`] is what is to be done, opened; [`CorpusOptions`] are its choices. What a folder holds is
//! described in [`vectors::folder`](crate::vectors::folder).
//!
//! Which rows a shard holds depends on the input alone: shard k holds what came of input rows
//! `k * rows_per_shard` and on. A vector depends on its text alone, so a shard has the same bytes whenever
//! and wherever it is made, and a job that was killed ends with the same folder as one that was not. A shard
//! is written aside, synced, renamed, its folder synced, and then recorded; what is not recorded is made
//! again.
//!
//! A job that is resumed compares the settings that it was started with, its files with their recorded
//! SHA-256, and the rows of the input with a digest of those that each shard came from. So the input is read
//! again from its start, which costs little compared with encoding; nothing about its files' names or times
//! is trusted.

mod calibration;
mod corpus;
mod digest;
mod estimate;
mod lock;
mod observer;
mod plan;
mod same_file;
mod settings;
mod shards;
mod summary;
mod verify;

pub use corpus::{Corpus, CorpusFiles, CorpusOptions, ROWS_PER_SHARD};
pub use estimate::Estimate;
pub use lock::{Existing, JobFolder};
pub use observer::{JobProgress, Notice, Observer};
pub use plan::{Part, ShardPlan};
pub use same_file::refuse_stdout_into_input;
pub use summary::{JobSummary, Shards};
pub use verify::{FolderState, Verified, verify};
