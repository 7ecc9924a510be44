//! Results of a job.

use crate::embed::Counts;

/// Results of a job.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct JobSummary {
    /// Counts of shards that were made before this run.
    pub before: Counts,
    /// Counts of this run.
    pub now: Counts,
    /// Shards, if the output is a folder.
    pub shards: Option<Shards>,
    /// Rows of the whole input.
    pub input_rows: u64,
    /// Sequences in the input that were not UTF-8 and were replaced.
    pub replaced: u64,
    /// Rows of the input without text that were left out; not part of `input_rows`.
    pub skipped: u64,
}

impl JobSummary {
    /// Counts from before this run and from this run together.
    pub fn counts(&self) -> Counts {
        self.before + self.now
    }
}

/// The shards of a job's folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shards {
    /// Shards that were there already.
    pub before: u64,
    /// Shards that this run made.
    pub now: u64,
}
