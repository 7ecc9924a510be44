//! A call's work: on threads that may block, within limits, until it is done or nobody waits for it any more.

use std::time::Instant;

use nearsay::Cancel;
use tokio::sync::watch;

use super::engine::Engine;
use crate::errors::{INTERNAL, Reason, Refusal};
use crate::work::Failure;

/// Bytes of text per token, at most: estimates of a call's tokens are rather too high.
const BYTES_PER_TOKEN: usize = 3;

/// How far a call is: steps that are done, of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) done: u64,
    pub(super) total: u64,
}

/// A call that is being worked for. Dropping it stops the work between two micro-batches.
#[derive(Debug)]
pub(super) struct Task {
    cancel: Cancel,
    progress: watch::Sender<Progress>,
    pub(super) deadline: Option<Instant>,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Task {
    pub(super) fn new(engine: &Engine) -> Self {
        let deadline = engine.time_limit().map(crate::work::deadline_after);
        Self { cancel: Cancel::new(), progress: watch::Sender::new(Progress::default()), deadline }
    }

    /// The token that stops its calls of the engine.
    pub(super) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// How far it is.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// A function that reports how many of `total` steps are done.
    pub(super) fn report(&self, total: usize) -> impl Fn(u64) + Send + Sync + use<> {
        let (progress, total) = (self.progress.clone(), total as u64);
        progress.send_replace(Progress { done: 0, total });
        // Steps may be reported by several threads, the later ones first.
        move |done| {
            progress.send_if_modified(|progress| {
                let is_more = done > progress.done;
                progress.done = progress.done.max(done.min(total));
                is_more
            });
        }
    }

    /// Runs a call of the engine that works on texts of so many bytes, in its turn.
    ///
    /// # Errors
    /// Those of `call`; if the scheduler's limits do not allow it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        engine: &Engine,
        text: TextSize,
        call: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let permit = engine.admit(text.tokens).map_err(|failure| failure.refusal(text.argument))?;
        let turn = engine.turns.clone().acquire_owned().await;
        let cancel = self.cancel.clone();
        let called = tokio::task::spawn_blocking(move || {
            let _held = (permit, turn);
            if cancel.is_cancelled() {
                return Err(Refusal::new(Reason::Draining, "the call was cancelled"));
            }
            call()
        });
        called.await.unwrap_or_else(|_| Err(Refusal::new(Reason::Bug, INTERNAL)))
    }
}

/// About how many tokens the texts of a call have, and the argument that they are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextSize {
    argument: &'static str,
    tokens: u64,
}

impl TextSize {
    /// A call that encodes nothing.
    pub(super) const NONE: Self = Self { argument: "the call", tokens: 0 };

    pub(super) fn of<'a>(argument: &'static str, texts: impl IntoIterator<Item = &'a String>) -> Self {
        let tokens = texts.into_iter().map(|text| (text.len() / BYTES_PER_TOKEN + 2) as u64).sum();
        Self { argument, tokens }
    }
}

/// A refusal of a call of the engine on the texts of an argument.
pub(super) fn refused(argument: &str) -> impl Fn(nearsay::Error) -> Refusal + '_ {
    move |error| Failure::from(error).refusal(argument)
}
