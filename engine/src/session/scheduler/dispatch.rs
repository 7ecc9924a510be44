//! The threads: each takes work from the queue, does it, and delivers what became of it.

use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::kind::AnyKind;
use super::options::OnBatch;
use super::queue::{Effect, EncodeBatch, Outcome, Queue, Ready, Role, Slice, TextKey, Work};
use super::reply::TextSize;
use super::{BatchReport, Clock, SchedulerOptions, SchedulerThreads};
use crate::tokens::TokenizedText;
use crate::{Error, ErrorKind, Result, guard};

/// The queue with its threads.
pub(super) struct Shared {
    queue: Mutex<Queue>,
    /// Rung when there is work for [`Role::Both`] or [`Role::Encode`].
    encoders: Condvar,
    /// Rung when there is work for [`Role::Tokenize`].
    tokenizers: Condvar,
    /// Rung when nothing may be on its way any more.
    idle: Condvar,
    are_apart: bool,
    is_stopped: AtomicBool,
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    on_batch: Option<OnBatch>,
}

impl Shared {
    pub(super) fn new(options: &SchedulerOptions) -> Self {
        Self {
            queue: Mutex::new(Queue::new(options)),
            encoders: Condvar::new(),
            tokenizers: Condvar::new(),
            idle: Condvar::new(),
            are_apart: matches!(options.threads, SchedulerThreads::Apart { .. }),
            is_stopped: AtomicBool::new(false),
            clock: options.clock.clone(),
            hasher: RandomState::new(),
            on_batch: options.on_batch.clone(),
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Calls `change` under the lock, wakes a thread if there is work, and runs the effects without the lock.
    pub(super) fn with<R>(&self, change: impl FnOnce(&mut Queue, Instant, &mut Vec<Effect>) -> R) -> R {
        let mut effects = Vec::new();
        let mut queue = self.lock();
        let result = change(&mut queue, self.now(), &mut effects);
        self.ring(&queue);
        self.deliver(queue, effects);
        result
    }

    /// Runs effects without the lock. A request is on its way until they have been run.
    fn deliver(&self, mut queue: MutexGuard<'_, Queue>, effects: Vec<Effect>) {
        if effects.is_empty() {
            return;
        }
        queue.begin_delivery();
        drop(queue);
        run_all(effects);
        let mut queue = self.lock();
        queue.end_delivery();
        self.ring_if_idle(&queue);
    }

    /// Checks the tokens of a request, and lets it in or refuses it.
    pub(super) fn admit(&self, ready: Ready) {
        let Ready { request, kind, tokens, check } = ready;
        let checked = match check {
            Some(check) => catch("the check of a request", || check(&tokens)).and_then(|result| result),
            None => Ok(()),
        };
        let texts = checked.map(|()| {
            let sizes = tokens.iter().map(TextSize::from).collect();
            (tokens.into_iter().map(|text| Arc::new(self.key(&kind, text))).collect(), sizes)
        });
        self.with(|queue, now, effects| queue.admit(request, texts, now, effects));
    }

    fn key(&self, kind: &AnyKind, text: TokenizedText) -> TextKey {
        let hash = self.hasher.hash_one(TextKey::hash_of(kind.id(), &text));
        TextKey::new(kind.id(), text, hash)
    }

    /// Waits until nothing is on its way, at most for `timeout`. Whether nothing is.
    pub(super) fn wait_until_idle(&self, timeout: Duration) -> bool {
        let busy = |queue: &mut Queue| !queue.is_empty();
        let waited = self.idle.wait_timeout_while(self.lock(), timeout, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Ends all requests and threads; those at work end when their work does.
    pub(super) fn stop(&self) {
        self.with(|queue, _, effects| {
            queue.close();
            self.is_stopped.store(true, Ordering::Relaxed);
            queue.clear(effects);
        });
        self.encoders.notify_all();
        self.tokenizers.notify_all();
    }

    /// The loop of a thread.
    pub(super) fn run(&self, role: Role) {
        while let Some(work) = self.next(role) {
            self.work(work, role);
        }
    }

    /// Does a piece of work, on a thread of this role.
    pub(super) fn work(&self, work: Work, role: Role) {
        match work {
            Work::Tokenize(slice) => self.tokenize(&slice, role),
            Work::Encode(batch) => self.encode(batch),
        }
    }

    /// Waits for work; `None` at the end.
    fn next(&self, role: Role) -> Option<Work> {
        let mut queue = self.lock();
        loop {
            if self.is_stopped.load(Ordering::Relaxed) {
                return None;
            }
            let mut effects = Vec::new();
            let work = queue.take(role, self.now(), &mut effects);
            if work.is_some() || !effects.is_empty() {
                // Each thread that finds work wakes the next.
                self.ring(&queue);
                self.deliver(queue, effects);
                if work.is_some() {
                    return work;
                }
                queue = self.lock();
                continue;
            }
            queue = self.bell(role).wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn tokenize(&self, slice: &Slice, role: Role) {
        let start = self.now();
        for part in &slice.parts {
            let (before, request) = (self.now(), part.request);
            let tokens =
                catch("tokenization", || part.source.tokenize(&part.places)).and_then(|tokens| tokens);
            let time = self.now().saturating_duration_since(before);
            tracing::trace!(?request, texts = part.places.len(), ?time, "tokenized");
            let ready = self.with(|queue, _, effects| queue.tokenized(part, tokens, time, effects));
            if let Some(ready) = ready {
                self.admit(ready);
            }
        }
        let time = self.now().saturating_duration_since(start);
        self.with(|queue, _, _| queue.end_slice(slice.number, role, time));
    }

    fn encode(&self, batch: EncodeBatch) {
        let start = self.now();
        let texts: Vec<&TokenizedText> = batch.units.iter().map(|(_, key)| key.text()).collect();
        let outcomes = encode(&batch.kind, &texts);
        let time = self.now().saturating_duration_since(start);
        if let Some(on_batch) = &self.on_batch {
            let report = BatchReport { texts: texts.len() as u64, tokens: batch.tokens, time };
            log(catch("the report of a batch", || on_batch(&report)));
        }
        self.with(|queue, now, effects| queue.encoded(batch, outcomes, (now, time), effects));
    }

    /// Wakes a thread of each role that has work.
    fn ring(&self, queue: &Queue) {
        let both = if self.are_apart { Role::Encode } else { Role::Both };
        if queue.has_work(both) {
            self.encoders.notify_one();
        }
        if self.are_apart && queue.has_work(Role::Tokenize) {
            self.tokenizers.notify_one();
        }
        self.ring_if_idle(queue);
    }

    fn ring_if_idle(&self, queue: &Queue) {
        if queue.is_empty() {
            self.idle.notify_all();
        }
    }

    fn bell(&self, role: Role) -> &Condvar {
        if role == Role::Tokenize { &self.tokenizers } else { &self.encoders }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No method of the queue leaves it half changed, and none calls what may panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outcome of each text. If the batch fails or panics, each text is tried alone: only those that fail by themselves do.
fn encode(kind: &AnyKind, texts: &[&TokenizedText]) -> Vec<Outcome> {
    match catch("encoding", || kind.encode(texts)).and_then(|outputs| outputs) {
        Ok(outputs) => outputs.into_iter().map(|output| output.map_err(Arc::new)).collect(),
        Err(error) if texts.len() > 1 && error.kind() != ErrorKind::Unavailable => {
            tracing::debug!("a batch failed: its {} texts are tried one by one", texts.len());
            texts.iter().flat_map(|text| encode(kind, &[text])).collect()
        }
        Err(error) => {
            let error = Arc::new(error);
            texts.iter().map(|_| Err(error.clone())).collect()
        }
    }
}

fn run_all(effects: Vec<Effect>) {
    for effect in effects {
        let reply = effect.reply().clone();
        if let Err(error) = catch("the callback of a request", || effect.run()) {
            tracing::error!("{error}");
            // Its end may not have been reported yet.
            log(catch("the callback of a request", || reply.fail(error)));
        }
    }
}

/// Runs `body`, and turns a panic in it into an error: the thread lives on.
fn catch<T>(what: &str, body: impl FnOnce() -> T) -> Result<T> {
    // What `body` left half done is dropped with it.
    catch_unwind(AssertUnwindSafe(body))
        .map_err(|panic| Error::Bug(format!("{what} panicked: {}", guard::message_of(&*panic))))
}

fn log(result: Result<()>) {
    if let Err(error) = result {
        tracing::error!("{error}");
    }
}
