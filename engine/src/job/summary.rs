//! What a job did.

use crate::embed::Counts;

/// What a job did.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct JobSummary {
    /// Counted for shards that were made before this run.
    pub before: Counts,
    /// Counted in this run.
    pub now: Counts,
    /// Of a folder: its shards.
    pub shards: Option<Shards>,
    /// Rows of the whole input.
    pub input_rows: u64,
    /// Sequences of the input that were not UTF-8 and were replaced.
    pub replaced: u64,
}

impl JobSummary {
    /// Counted before this run and in it.
    pub fn counts(&self) -> Counts {
        self.before + self.now
    }
}

/// The shards of a job's folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shards {
    /// Those that were there already.
    pub before: u64,
    /// Those that this run made.
    pub now: u64,
}
