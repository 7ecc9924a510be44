//! The queue with its callbacks, without threads, in simulated time.

mod events;
mod examples;

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::clock::SimulatedClock;
use super::super::dispatch::Shared;
use super::super::{Answer, Clock, Kind, Request, SchedulerOptions, SchedulerThreads, TextWork};
use super::{Role, Work};
use crate::session::Control;
use crate::tokens::TokenizedText;
use crate::{Error, Result};

/// Microseconds that the toy encoder needs for a token.
const TOKEN_MICROSECONDS: u64 = 10;

/// A text has a token per byte; its output is a hash of the tokens. `!` in a text fails it, `?` panics.
pub(super) struct Toy {
    pub(super) clock: Arc<SimulatedClock>,
    pub(super) budget: usize,
    pub(super) is_on_gpu: bool,
    /// Every text that was encoded, in order.
    pub(super) encoded: Mutex<Vec<String>>,
}

pub(super) fn tokens(text: &str) -> TokenizedText {
    let ids = text.bytes().map(u32::from).collect();
    TokenizedText { ids, truncated: false, is_empty: text.is_empty(), second_part: None, keys: None }
}

fn text_of(tokens: &TokenizedText) -> String {
    tokens.ids.iter().map(|&id| id as u8 as char).collect()
}

pub(super) fn output_of(tokens: &TokenizedText) -> u64 {
    let mut hasher = DefaultHasher::new();
    tokens.ids.hash(&mut hasher);
    hasher.finish()
}

impl TextWork for Toy {
    type Text = String;
    type Output = u64;

    fn text_bytes(&self, text: &String) -> usize {
        text.len()
    }

    fn tokenize(&self, texts: &[&String]) -> Result<Vec<TokenizedText>> {
        match texts.iter().any(|text| text.contains('#')) {
            true => Err(Error::Bug("a text that cannot be tokenized".to_owned())),
            false => Ok(texts.iter().map(|text| tokens(text)).collect()),
        }
    }

    fn encode(&self, texts: &[&TokenizedText]) -> Result<Vec<Result<u64>>> {
        let outcome = |tokens: &&TokenizedText| {
            let text = text_of(tokens);
            assert!(!text.contains('?'), "expected by this test");
            self.clock.advance(Duration::from_micros(TOKEN_MICROSECONDS * tokens.ids.len() as u64));
            let fails = text.contains('!');
            self.encoded.lock().unwrap().push(text);
            if fails {
                Err(Error::NonFinite { what: "the vector".to_owned() })
            } else {
                Ok(output_of(tokens))
            }
        };
        let outcomes: Vec<Result<u64>> = texts.iter().map(outcome).collect();
        // A batch with this text fails as a whole, but each of its texts alone does not.
        let has_star = texts.iter().any(|tokens| tokens.ids.contains(&u32::from(b'*')));
        if texts.len() > 1 && has_star { Err(Error::Bug("a batch".to_owned())) } else { Ok(outcomes) }
    }

    fn output_bytes(&self, _: &u64) -> usize {
        8
    }

    fn batch_tokens(&self) -> usize {
        self.budget
    }

    fn is_on_gpu(&self) -> bool {
        self.is_on_gpu
    }
}

/// A queue whose work is done one piece after the other, when the test says so.
pub(super) struct Simulation {
    pub(super) shared: Shared,
    pub(super) clock: Arc<SimulatedClock>,
    pub(super) kind: Kind<Toy>,
    at_work: Vec<Work>,
}

/// The outcome of a request, and how often there was one.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) answer: Mutex<Option<Result<Answer<u64>>>>,
    pub(super) times: AtomicUsize,
}

impl Outcome {
    pub(super) fn take(&self) -> Option<Result<Answer<u64>>> {
        self.answer.lock().unwrap().take()
    }

    /// The error's message.
    pub(super) fn error(&self) -> Error {
        self.take().expect("an outcome").expect_err("an error")
    }
}

impl Simulation {
    pub(super) fn new(change: impl FnOnce(SchedulerOptions) -> SchedulerOptions) -> Self {
        let clock = Arc::new(SimulatedClock::new());
        let one = std::num::NonZero::<usize>::MIN;
        let options = SchedulerOptions::default().threads(SchedulerThreads::Both(one)).clock(clock.clone());
        let shared = Shared::new(&change(options));
        let kind =
            Kind::new(Toy { clock: clock.clone(), budget: 16, is_on_gpu: false, encoded: Mutex::default() });
        Self { shared, clock, kind, at_work: Vec::new() }
    }

    pub(super) fn kind(&self, budget: usize, is_on_gpu: bool) -> Kind<Toy> {
        Kind::new(Toy { clock: self.clock.clone(), budget, is_on_gpu, encoded: Mutex::default() })
    }

    pub(super) fn request(&self, texts: &[&str]) -> Request<Toy> {
        Request::texts(&self.kind, texts.iter().copied())
    }

    pub(super) fn submit(&self, request: Request<Toy>) -> Arc<Outcome> {
        let outcome = Arc::new(Outcome::default());
        let of_request = outcome.clone();
        let submission = request.erased(move |result| {
            of_request.times.fetch_add(1, Ordering::Relaxed);
            *of_request.answer.lock().unwrap() = Some(result);
        });
        let ready = self.shared.with(|queue, now, effects| queue.submit(submission, now, effects));
        if let Some(ready) = ready {
            self.shared.admit(ready);
        }
        outcome
    }

    /// Submits and does all the work.
    pub(super) fn run(&mut self, request: Request<Toy>) -> Result<Answer<u64>> {
        let outcome = self.submit(request);
        self.finish_all();
        outcome.take().expect("an outcome")
    }

    /// Takes work without doing it yet. Whether there was any.
    pub(super) fn take(&mut self, role: Role) -> bool {
        let work = self.shared.with(|queue, now, effects| queue.take(role, now, effects));
        let found = work.is_some();
        self.at_work.extend(work);
        found
    }

    pub(super) fn at_work(&self) -> &[Work] {
        &self.at_work
    }

    /// Does the work that was taken `index`-th.
    pub(super) fn finish(&mut self, index: usize) {
        let work = self.at_work.swap_remove(index);
        self.shared.work(work, Role::Both);
    }

    /// Takes and does the next piece of work. Whether there was any.
    pub(super) fn step(&mut self) -> bool {
        let found = self.take(Role::Both);
        if found {
            self.finish(self.at_work.len() - 1);
        }
        found
    }

    pub(super) fn finish_all(&mut self) {
        while !self.at_work.is_empty() {
            self.finish(0);
        }
        while self.step() {}
    }

    pub(super) fn encoded(&self) -> Vec<String> {
        self.kind.work().encoded.lock().unwrap().clone()
    }

    pub(super) fn statistics(&self) -> super::super::SchedulerStatistics {
        self.shared.with(|queue, now, _| queue.statistics(now))
    }

    pub(super) fn deadline(&self, time: Duration) -> Control {
        Control::default().with_deadline(self.clock.now() + time)
    }
}
