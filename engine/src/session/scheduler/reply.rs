//! The way back: outputs are collected until a request has all of them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::kind::AnyOutput;
use crate::tokens::TokenizedText;
use crate::{Error, Result};

/// How long a request took. The three add up to the time from its submission to its last output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RequestTimes {
    /// Its texts were tokenized.
    pub tokenize: Duration,
    /// It waited for its first text to be encoded.
    pub queue: Duration,
    /// From the first text that was encoded to the last, with the turns of other requests between.
    pub encode: Duration,
}

/// A text of a request after it was tokenized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextSize {
    /// Its tokens, special tokens included.
    pub tokens: usize,
    /// Whether tokens were cut off at the longest length.
    pub is_truncated: bool,
    /// Whether it has only special tokens.
    pub is_empty: bool,
}

impl From<&TokenizedText> for TextSize {
    fn from(text: &TokenizedText) -> Self {
        Self { tokens: text.ids.len(), is_truncated: text.truncated, is_empty: text.is_empty }
    }
}

/// A request's outputs, and how they came about.
#[derive(Default)]
pub(super) struct AnyAnswer {
    pub(super) outputs: Vec<AnyOutput>,
    pub(super) texts: Vec<TextSize>,
    pub(super) times: RequestTimes,
}

/// Called with each output and its place.
pub(super) type OnOutput = Box<dyn Fn(usize, &AnyOutput) + Send + Sync>;

/// Called once, at the end.
pub(super) type OnDone = Box<dyn FnOnce(Result<AnyAnswer>) + Send>;

/// Where a request's outputs go.
pub(super) struct Reply {
    on_output: Option<OnOutput>,
    state: Mutex<State>,
}

struct State {
    outputs: Vec<Option<AnyOutput>>,
    missing: usize,
    texts: Vec<TextSize>,
    times: RequestTimes,
    /// None once it was called.
    on_done: Option<OnDone>,
}

impl Reply {
    pub(super) fn new(on_output: Option<OnOutput>, on_done: OnDone) -> Self {
        let state = State {
            outputs: Vec::new(),
            missing: 0,
            texts: Vec::new(),
            times: RequestTimes::default(),
            on_done: Some(on_done),
        };
        Self { on_output, state: Mutex::new(state) }
    }

    /// The request was let in with these texts.
    pub(super) fn expect(&self, texts: Vec<TextSize>) {
        let mut state = self.state();
        (state.missing, state.outputs) = (texts.len(), vec![None; texts.len()]);
        state.texts = texts;
    }

    /// The request's last output is on its way.
    pub(super) fn set_times(&self, times: RequestTimes) {
        self.state().times = times;
    }

    /// Delivers an output to its places in the request, and the answer if it was the last one. Called without a lock: it
    /// calls the request's functions.
    pub(super) fn deliver(&self, places: &[usize], output: &AnyOutput) {
        if self.state().on_done.is_none() {
            return;
        }
        if let Some(on_output) = &self.on_output {
            places.iter().for_each(|&place| on_output(place, output));
        }
        let mut state = self.state();
        for &place in places {
            state.outputs[place] = Some(output.clone());
            state.missing -= 1;
        }
        if state.missing == 0 {
            Self::finish(state);
        }
    }

    /// Delivers the answer of a request without texts.
    pub(super) fn deliver_nothing(&self) {
        Self::finish(self.state());
    }

    /// The request fails. Called without a lock, as [`Reply::deliver`].
    pub(super) fn fail(&self, error: Error) {
        let on_done = self.state().on_done.take();
        if let Some(on_done) = on_done {
            on_done(Err(error));
        }
    }

    fn finish(mut state: MutexGuard<'_, State>) {
        let outputs = std::mem::take(&mut state.outputs);
        let answer = AnyAnswer {
            outputs: outputs.into_iter().flatten().collect(),
            texts: std::mem::take(&mut state.texts),
            times: state.times,
        };
        let on_done = state.on_done.take();
        drop(state);
        if let Some(on_done) = on_done {
            on_done(Ok(answer));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that may panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
