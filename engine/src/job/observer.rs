//! Notices and progress of a running job.

use std::time::Duration;

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
    /// All texts of this machine's part: counted, or estimated from the part of the input that was read;
    /// `None` if neither can be done.
    pub texts_total: Option<u64>,
    /// Whether all texts were counted.
    pub total_is_exact: bool,
    /// Texts per second in this run; `None` before it has done any.
    pub texts_per_second: Option<f64>,
    /// Tokens per second in this run.
    pub tokens_per_second: Option<f64>,
    /// The time left, by the texts and tokens done so far and this run's speed; `None` if not known yet.
    pub left: Option<Duration>,
}

impl JobProgress {
    /// The share of texts done, from 0 to 1.
    pub fn share(&self) -> Option<f64> {
        let done = self.before.texts + self.now.texts;
        self.texts_total.map(|total| done as f64 / total.max(done).max(1) as f64)
    }

    /// Sets speeds and the time left after this run's first `elapsed`, which is long enough for the latter
    /// from `warm_up` on. Texts to come are taken to have as many tokens as those so far.
    pub(super) fn time(&mut self, elapsed: Duration, warm_up: Duration) {
        let (seconds, done) = (elapsed.as_secs_f64(), self.before + self.now);
        if seconds <= 0.0 || self.now.texts == 0 {
            return;
        }
        let per_second = |count: u64| count as f64 / seconds;
        let (texts_per_second, tokens_per_second) = (per_second(self.now.texts), per_second(self.now.tokens));
        self.texts_per_second = Some(texts_per_second);
        self.tokens_per_second = Some(tokens_per_second);
        let Some(total) = self.texts_total.filter(|_| elapsed >= warm_up) else { return };
        let texts_left = total.saturating_sub(done.texts) as f64;
        let left = match self.now.tokens {
            0 => texts_left / texts_per_second,
            _ => texts_left * done.tokens as f64 / done.texts as f64 / tokens_per_second,
        };
        self.left = Duration::try_from_secs_f64(left).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(before: (u64, u64), now: (u64, u64), total: Option<u64>, seconds: u64) -> JobProgress {
        let mut progress = JobProgress { texts_total: total, ..JobProgress::default() };
        (progress.before.texts, progress.before.tokens) = before;
        (progress.now.texts, progress.now.tokens) = now;
        progress.time(Duration::from_secs(seconds), Duration::from_secs(2));
        progress
    }

    #[test]
    fn the_time_left_is_by_texts_and_tokens() {
        let second = Duration::from_secs;
        assert_eq!(progress((0, 0), (0, 0), Some(100), 10).left, None);
        assert_eq!(progress((0, 0), (50, 500), Some(100), 1).left, None, "too early");
        assert_eq!(progress((0, 0), (50, 500), None, 10).left, None);
        assert_eq!(progress((0, 0), (50, 500), Some(100), 10).left, Some(second(10)));
        // 50 texts are left, of 20 tokens each as those before, at 10 tokens per second.
        assert_eq!(progress((40, 900), (10, 100), Some(100), 10).left, Some(second(100)));
        assert_eq!(progress((0, 0), (120, 500), Some(100), 10).left, Some(second(0)));
        assert_eq!(progress((0, 0), (50, 0), Some(100), 10).left, Some(second(10)));
    }

    #[test]
    fn the_share_is_of_texts() {
        assert_eq!(progress((20, 0), (5, 0), Some(100), 1).share(), Some(0.25));
        assert_eq!(progress((0, 0), (5, 0), None, 1).share(), None);
        assert_eq!(progress((0, 0), (200, 0), Some(100), 1).share(), Some(1.0));
        assert_eq!(progress((0, 0), (0, 0), Some(0), 1).share(), Some(0.0));
    }
}
