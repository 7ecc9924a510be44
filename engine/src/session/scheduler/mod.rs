//! One queue for the texts of many requests: what a server needs between its connections and the encoder.
//!
//! A [`Scheduler`] has long-lived threads. A free one takes at once what waits, up to the budget of a batch: there is no
//! timer. A single text on an idle machine is shared by all of the session's workers, as in any call. A text gets the
//! same bits whatever else is on the way, so the queue may do whatever is best for latency.
//!
//! - **Fair by tokens.** Requests of a class take turns, of one budget each; lower classes get at least one turn in eight
//!   (`queue/turns.rs` has the bounds).
//! - **Once.** Equal texts of the same [`Kind`] that are on their way are encoded once, and kept for later requests if
//!   there is a cache.
//! - **Tokenization** is work like any other, 64 KiB of text at a time.
//! - **Limits.** A request is let in or refused when it is tokenized and before any of it is encoded: by the tokens that
//!   wait, and by the time that these take at the measured speed (`queue/admission.rs`).
//! - **Dropped.** A request that was cancelled, or whose deadline has passed, is dropped at its next turn.
//! - **Apart.** A text that fails ends its own request only. A panic becomes an error.
//!
//! ```
//! use nearsay::embed::TextVectors;
//! use nearsay::session::scheduler::{Class, Kind, Request, Scheduler, SchedulerOptions, SchedulerThreads};
//! use nearsay::{EmbedOptions, Session};
//!
//! # fn main() -> nearsay::Result<()> {
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/sentence-transformers/dense-prompts");
//! let session = Session::open(folder)?;
//! let vectors = Kind::new(TextVectors::new(&session.embedder(&EmbedOptions::default())?)?);
//! let scheduler = Scheduler::start(&SchedulerOptions::default().threads(SchedulerThreads::of(&session)))?;
//! let request = Request::texts(&vectors, ["A river ran over its banks."]).class(Class::Interactive);
//! let answer = scheduler.run(request)?;
//! assert_eq!(answer.outputs.len(), 1);
//! # Ok(())
//! # }
//! ```

mod class;
mod clock;
mod dispatch;
mod kind;
mod options;
mod permit;
mod queue;
mod reply;
mod request;
mod statistics;

use std::fmt;
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

pub use class::Class;
pub use clock::{Clock, MonotonicClock};
pub use kind::{Kind, TextWork};
pub use options::{BatchReport, OnBatch, SchedulerOptions, SchedulerThreads};
pub use permit::Permit;
pub use reply::{RequestTimes, TextSize};
pub use request::{Answer, Request};
pub use statistics::{SchedulerCounts, SchedulerStatistics, WorkInProgress};

use crate::{Error, Result};
use dispatch::Shared;
use queue::Role;

/// Threads that encode the texts of many requests. All methods may be called from many threads at once.
///
/// Dropping it ends its requests with [`Error::Cancelled`] at once, and waits for the batches at work. [`Scheduler::drain`]
/// waits for the requests.
pub struct Scheduler {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Scheduler {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Error::NoMemory`] if the system cannot start one thread for each kind of work. With fewer threads than asked for
    /// it goes on, and says so.
    pub fn start(options: &SchedulerOptions) -> Result<Self> {
        let mut scheduler = Self { shared: Arc::new(Shared::new(options)), threads: Vec::new() };
        match options.threads {
            SchedulerThreads::Both(threads) => scheduler.add_threads(Role::Both, threads.get())?,
            SchedulerThreads::Apart { encode, tokenize } => {
                scheduler.add_threads(Role::Encode, encode.get())?;
                scheduler.add_threads(Role::Tokenize, tokenize.get())?;
            }
        }
        Ok(scheduler)
    }

    fn add_threads(&mut self, role: Role, count: usize) -> Result<()> {
        for number in 0..count {
            let shared = self.shared.clone();
            let builder = Builder::new().name(format!("nearsay-queue-{}", self.threads.len()));
            match builder.spawn(move || shared.run(role)) {
                Ok(thread) => self.threads.push(thread),
                Err(error) if number == 0 => {
                    return Err(Error::NoMemory { what: format!("a scheduler's thread ({error})") });
                }
                Err(error) => {
                    tracing::warn!(
                        "only {number} of {count} threads of a scheduler could be started: {error}"
                    );
                    break;
                }
            }
        }
        Ok(())
    }

    /// Submits a request. `on_done` is called once with its outcome: from a thread of the scheduler, or before this returns
    /// if the request is refused at once. It must not block, as it keeps a thread from its work.
    ///
    /// The outcome is an error if a text fails ([`Error::OfText`]), the request's check fails, it is too large
    /// ([`Error::RequestTooLarge`]), the queue is full ([`Error::QueueFull`], [`Error::WaitTooLong`], which have a time
    /// after which to try again), it was cancelled, its deadline has passed, or the scheduler is closed
    /// ([`Error::Closed`]).
    pub fn submit<W: TextWork>(
        &self,
        request: Request<W>,
        on_done: impl FnOnce(Result<Answer<W::Output>>) + Send + 'static,
    ) {
        let submission = request.erased(on_done);
        let ready = self.shared.with(|queue, now, effects| queue.submit(submission, now, effects));
        if let Some(ready) = ready {
            self.shared.admit(ready);
        }
    }

    /// Submits a request and waits for its outcome. Not for functions that the scheduler calls: these would wait for
    /// their own thread.
    ///
    /// # Errors
    /// The outcome's, see [`Scheduler::submit`].
    pub fn run<W: TextWork>(&self, request: Request<W>) -> Result<Answer<W::Output>> {
        let (sender, outcome) = mpsc::sync_channel(1);
        self.submit(request, move |result| {
            // The receiver waits until this is called.
            let _ = sender.send(result);
        });
        outcome.recv().unwrap_or_else(|_| Err(Error::Bug("a request ended without an outcome".to_owned())))
    }

    /// Lets a call in that does its own work on `tokens` tokens, by the limits of requests. They count as waiting while the
    /// permit lives.
    ///
    /// # Errors
    /// As [`Scheduler::submit`].
    pub fn admit(&self, tokens: u64) -> Result<Permit> {
        self.shared.with(|queue, now, effects| queue.grant(tokens, now, effects))?;
        Ok(Permit::new(self.shared.clone(), tokens))
    }

    /// Its numbers now.
    pub fn statistics(&self) -> SchedulerStatistics {
        self.shared.with(|queue, now, _| queue.statistics(now))
    }

    /// What its threads are doing now.
    pub fn in_progress(&self) -> Vec<WorkInProgress> {
        self.shared.with(|queue, now, _| queue.in_progress(now))
    }

    /// Refuses further requests ([`Error::Closed`]), and waits up to `timeout` for those that were let in, and for permits.
    /// Whether all of them have ended; if not, dropping the scheduler ends them.
    pub fn drain(&self, timeout: Duration) -> bool {
        self.shared.with(|queue, _, _| queue.close());
        self.shared.wait_until_idle(timeout)
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.shared.stop();
        let this = std::thread::current().id();
        // A request's function may own the scheduler: its thread ends after it.
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != this) {
            // A thread catches the panics of its work; one of its own has been printed.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Scheduler").field("threads", &self.threads.len()).finish()
    }
}
