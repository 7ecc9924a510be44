//! What a job tells while it runs.

use crate::Setting;
use crate::embed::Counts;
use crate::error::{Phrase, phrase};

/// What a job tells while it runs; `()` listens to nothing.
pub trait Observer: Sync {
    /// Something that the user should know.
    fn notice(&self, _notice: &Notice) {}

    /// How far the job is, after every micro-batch, from any thread.
    fn progress(&self, _progress: &JobProgress) {}
}

impl Observer for () {}

/// Something that the user should know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The job goes on; so many shards are there.
    Resuming {
        /// Shards that will not be made again.
        shards: u64,
    },
    /// A file of the job's folder was not as it was written, and what becomes of it.
    Damage {
        /// The sentence.
        what: String,
    },
    /// The ranges of bytes come from few texts.
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
                plural(*texts, "text is", "texts are"),
                " few to calibrate bytes on; name more with ",
                (Setting::Calibration, "FILE")
            ],
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct JobProgress {
    /// Counted for shards that were made before this run.
    pub before: Counts,
    /// Counted in this run.
    pub now: Counts,
    /// Bytes of the input that were read, compressed as they are.
    pub bytes_read: u64,
    /// All bytes of the input; `None` if one is standard input or a pipe.
    pub bytes_total: Option<u64>,
}
