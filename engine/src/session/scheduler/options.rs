//! How a scheduler works.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use super::{Clock, MonotonicClock};
use crate::session::Session;

/// How a scheduler works. Set only the options that differ from the default:
///
/// ```
/// use std::time::Duration;
/// use nearsay::session::scheduler::SchedulerOptions;
///
/// let options = SchedulerOptions::default().max_wait(Duration::from_secs(5)).cache_bytes(64 << 20);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct SchedulerOptions {
    /// The threads.
    pub threads: SchedulerThreads,
    /// The most tokens of one request; by default 300,000.
    pub max_tokens_per_request: u64,
    /// The most tokens of texts that wait. `None`: twice what is encoded in `max_wait` at the measured speed, at least
    /// twice `max_tokens_per_request`.
    pub max_queued_tokens: Option<u64>,
    /// The longest time that a request may have to wait when it is let in; by default 30 s.
    pub max_wait: Duration,
    /// Size of the output cache in bytes; by default 0.
    pub cache_bytes: usize,
    /// Tokens per second, until the speed is measured; `None`: until then, waits are not predicted.
    pub tokens_per_second: Option<f64>,
    /// Called after every batch, from any thread.
    pub on_batch: Option<OnBatch>,
    /// The clock of deadlines and speeds.
    pub clock: Arc<dyn Clock>,
}

/// Called after every batch.
pub type OnBatch = Arc<dyn Fn(&BatchReport) + Send + Sync>;

/// A batch that was encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchReport {
    /// Its texts.
    pub texts: u64,
    /// Their tokens.
    pub tokens: u64,
    /// How long it took.
    pub time: Duration,
}

/// The threads that put batches together and wait for them. The work of CPU kernels itself is done by the threads of
/// [`Workers`](crate::Workers), of which sessions that share a scheduler share one set, and that of GPUs by lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulerThreads {
    /// Threads that tokenize and encode: for encoders on the CPU, one per worker.
    Both(NonZero<usize>),
    /// Threads that only encode, and threads that only tokenize: for encoders on GPUs, one per lane and one per worker.
    Apart {
        /// Threads that encode.
        encode: NonZero<usize>,
        /// Threads that tokenize.
        tokenize: NonZero<usize>,
    },
}

impl SchedulerThreads {
    /// As many as keep the session's devices busy.
    pub fn of(session: &Session) -> Self {
        let workers = session.workers().number();
        match session.devices().are_gpus() {
            false => Self::Both(workers),
            true => Self::Apart { encode: session.devices().lanes(), tokenize: workers },
        }
    }

    /// Threads that encode.
    pub(super) fn encoding(self) -> usize {
        match self {
            Self::Both(threads) => threads.get(),
            Self::Apart { encode, .. } => encode.get(),
        }
    }
}

impl Default for SchedulerOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        Self {
            threads: SchedulerThreads::Both(cores),
            max_tokens_per_request: 300_000,
            max_queued_tokens: None,
            max_wait: Duration::from_secs(30),
            cache_bytes: 0,
            tokens_per_second: None,
            on_batch: None,
            clock: Arc::new(MonotonicClock),
        }
    }
}

impl SchedulerOptions {
    /// With these threads.
    #[must_use]
    pub fn threads(self, threads: SchedulerThreads) -> Self {
        Self { threads, ..self }
    }

    /// With at most so many tokens per request.
    #[must_use]
    pub fn max_tokens_per_request(self, tokens: u64) -> Self {
        Self { max_tokens_per_request: tokens, ..self }
    }

    /// With at most so many tokens waiting.
    #[must_use]
    pub fn max_queued_tokens(self, tokens: u64) -> Self {
        Self { max_queued_tokens: Some(tokens), ..self }
    }

    /// With requests refused that would have to wait for longer.
    #[must_use]
    pub fn max_wait(self, time: Duration) -> Self {
        Self { max_wait: time, ..self }
    }

    /// With so many bytes of outputs kept.
    #[must_use]
    pub fn cache_bytes(self, bytes: usize) -> Self {
        Self { cache_bytes: bytes, ..self }
    }

    /// With this speed until it is measured.
    #[must_use]
    pub fn tokens_per_second(self, speed: f64) -> Self {
        Self { tokens_per_second: Some(speed), ..self }
    }

    /// With a report after every batch, from any thread.
    #[must_use]
    pub fn on_batch(self, report: impl Fn(&BatchReport) + Send + Sync + 'static) -> Self {
        Self { on_batch: Some(Arc::new(report)), ..self }
    }

    /// With another clock.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }
}

impl fmt::Debug for SchedulerOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SchedulerOptions")
            .field("threads", &self.threads)
            .field("max_tokens_per_request", &self.max_tokens_per_request)
            .field("max_queued_tokens", &self.max_queued_tokens)
            .field("max_wait", &self.max_wait)
            .field("cache_bytes", &self.cache_bytes)
            .field("tokens_per_second", &self.tokens_per_second)
            .field("on_batch", &self.on_batch.is_some())
            .field("clock", &self.clock)
            .finish()
    }
}
