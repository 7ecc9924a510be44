//! A job: a corpus embedded into a folder of shards, which can be killed at any time and resumed without losing or changing a byte.
//!
//! ```text
//! FOLDER/part-00000.parquet    the rows that came of input rows 0 to 9,999
//! FOLDER/part-00001.parquet    ..
//! FOLDER/_manifest.jsonl        how the job was begun, and what each finished shard holds, each line with its own checksum
//! FOLDER/_manifest.copy.jsonl   the same, in case the first is damaged
//! FOLDER/.nearsay-lock         held by the process that writes; the system lets go of it when that process ends
//! FOLDER/.nearsay-*.part       a shard that is being written
//! ```
//!
//! Which rows a shard holds depends on the input alone: shard k is made of input rows `k * rows_per_shard` and on. A vector depends on its
//! text alone, so a shard has the same bytes whenever and wherever it is made, and a job that was killed ends with the same folder
//! as one that was not. A shard is written aside, synced, renamed, its folder synced, and then recorded; what is not recorded is made again.
//!
//! A job that is resumed compares how it was begun with how it is continued, the files with their recorded SHA-256, and the rows of
//! the input with a digest of those that each shard was made of. So the input is read again from its start, which costs little
//! beside encoding; nothing about its files' names or times is trusted.

mod digest;
mod folder;
mod line;
mod manifest;
mod plan;
mod record;
mod run;
mod verify;

pub use folder::{Existing, JobFolder};
pub use plan::{Part, ShardPlan};
pub use record::ShardRecord;
pub use run::{Job, JobProgress, JobSummary};
pub use verify::{FolderState, Verified, verify};

/// The version of a folder's layout and manifest.
pub const FORMAT_VERSION: u32 = 1;
