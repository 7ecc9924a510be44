//! Notices and progress of a running job.

use crate::Setting;
use crate::embed::Counts;
use crate::error::{Phrase, phrase};

/// Receives notices and progress of a running job; `()` ignores them.
pub trait Observer: Sync {
    /// Something that the user should know.
    fn notice(&self, _notice: &Notice) {}

    /// Called with the progress after every micro-batch, from any thread.
    fn progress(&self, _progress: &JobProgress) {}
}

impl Observer for () {}

/// Something that the user should know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The job is resumed.
    Resuming {
        /// Shards that will not be made again.
        shards: u64,
    },
    /// A file of the job's folder was damaged.
    Damage {
        /// A sentence that names the damage and the action taken.
        what: String,
    },
    /// The ranges for bytes come from few texts.
    FewToCalibrate {
        /// How many.
        texts: u64,
    },
}

impl Notice {
    /// Whether something may be wrong.
    pub fn is_warning(&self) -> bool {
        !matches!(self, Self::Resuming { .. })
    }

    /// The notice as a sentence.
    pub fn message(&self) -> Phrase {
        let plural =
            |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        match self {
            Self::Resuming { shards } => {
                format!("resuming: {} there", plural(*shards, "shard is", "shards are")).into()
            }
            Self::Damage { what } => what.as_str().into(),
            Self::FewToCalibrate { texts } => phrase![
                "the ranges of bytes come from only ",
                plural(*texts, "text", "texts"),
                "; give more with ",
                (Setting::Calibration, "FILE")
            ],
        }
    }
}

/// Progress of a job.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct JobProgress {
    /// Counts of shards that were made before this run.
    pub before: Counts,
    /// Counts of this run.
    pub now: Counts,
    /// Bytes of the input read so far, as stored (compressed).
    pub bytes_read: u64,
    /// All bytes of the input; `None` if one is standard input or a pipe.
    pub bytes_total: Option<u64>,
}
