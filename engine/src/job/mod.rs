//! Jobs: files embedded into a file, or into a folder of shards that can be killed at any time and resumed
//! without losing or changing a byte.
//!
//! [`Corpus`] is an opened job; [`CorpusOptions`] has its options.
//! [`vectors::folder`](crate::vectors::folder) describes the contents of a folder.
//!
//! The rows of a shard depend only on the input: shard k has the rows of the `rows_per_shard` input rows from
//! `k * rows_per_shard` on. A vector depends only on its text, so a shard always has the same bytes, and a
//! killed and resumed job ends with the same folder as an undisturbed one. A shard is written to a temporary
//! file, synced, renamed, its folder synced, and then recorded. Unrecorded shards are made again.
//!
//! A resumed job compares its settings with the recorded ones, its files with their SHA-256, and the input
//! rows with each shard's digest. So it reads the input again from the start, which costs little compared
//! with encoding; it does not trust file names or times. It writes nothing before all of this is compared.
//! An input that can be read only once is compared while shards are made, each before it gets its name.
//!
//! Rows that are appended to the input of a finished job ([`Existing::Append`]) start a new shard, so
//! recorded shards never change. If the last shard was full, the shards are those of one run over the whole
//! input.

mod calibration;
mod corpus;
mod digest;
mod estimate;
mod layout;
mod lock;
mod make;
mod observer;
mod options;
mod plan;
mod reports;
mod same_file;
mod settings;
mod shards;
mod status;
mod status_file;
mod summary;
mod verify;
mod walk;

pub use corpus::{Corpus, CorpusFiles};
pub(crate) use digest::InputDigest;
pub use estimate::Estimate;
pub use lock::{Existing, JobFolder};
pub use observer::{JobProgress, Notice, Observer};
pub use options::{CorpusOptions, ROWS_PER_SHARD};
pub use plan::{Part, ShardPlan};
pub use same_file::{is_same_input, is_same_output, refuse_same_file, refuse_stdout_into_input};
pub use status::{FolderStatus, PartTotals};
pub use summary::{JobSummary, Shards};
pub use verify::{FolderState, Verified, verify};
