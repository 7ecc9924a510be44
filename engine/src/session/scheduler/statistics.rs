//! Numbers about a scheduler, for a server's metrics.

use std::time::Duration;

/// A scheduler at one moment. Counts never go down.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct SchedulerStatistics {
    /// Tokens of texts that wait, and of permits.
    pub queued_tokens: u64,
    /// Texts that wait to be encoded.
    pub queued_texts: u64,
    /// Requests that have no outcome yet.
    pub requests: u64,
    /// The most tokens that may wait.
    pub max_queued_tokens: u64,
    /// Measured tokens per second while texts waited; `None` until there are any.
    pub tokens_per_second: Option<f64>,
    /// The longest time that a thread has been at its work so far; `None` if none is.
    pub longest_at_work: Option<Duration>,
    /// Bytes of kept outputs.
    pub cache_bytes: u64,
    /// What happened since the scheduler was started.
    pub counts: SchedulerCounts,
}

/// What a thread is doing. A watchdog compares its time with the longest that it could take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkInProgress {
    /// Differs from that of all other work.
    pub number: u64,
    /// The tokens that are being encoded; `None` for tokenization.
    pub tokens: Option<u64>,
    /// How long it has taken so far.
    pub time: Duration,
    /// How long its tokens take at the measured speed; `None` until there is one.
    pub predicted: Option<Duration>,
}

/// What happened since a scheduler was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SchedulerCounts {
    /// Batches that were encoded.
    pub batches: u64,
    /// Texts in them.
    pub texts: u64,
    /// Tokens in them.
    pub tokens: u64,
    /// Texts that shared the output of an equal text on its way.
    pub coalesced: u64,
    /// Texts whose output had been kept.
    pub cached: u64,
    /// Requests that were refused because too many tokens waited.
    pub refused_queue_full: u64,
    /// Requests that were refused because they would have waited too long.
    pub refused_wait: u64,
    /// Requests that could never be let in.
    pub refused_too_large: u64,
    /// Requests that were dropped because they were cancelled.
    pub dropped_cancelled: u64,
    /// Requests that were dropped because their deadline had passed.
    pub dropped_deadline: u64,
    /// Requests that failed for other reasons.
    pub failed: u64,
}

impl SchedulerCounts {
    /// Counts a request that ended with an error.
    pub(super) fn count_failure(&mut self, error: &crate::Error) {
        use crate::Error;
        let count = match error {
            Error::QueueFull { .. } => &mut self.refused_queue_full,
            Error::WaitTooLong { .. } => &mut self.refused_wait,
            Error::RequestTooLarge { .. } => &mut self.refused_too_large,
            Error::Cancelled => &mut self.dropped_cancelled,
            Error::DeadlineExceeded => &mut self.dropped_deadline,
            _ => &mut self.failed,
        };
        *count += 1;
    }
}
