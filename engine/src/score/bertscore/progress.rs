//! How far a call has come, from the micro-batches that were encoded.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::chunk::{TextState, TokenizedPairs};
use crate::session::Listener;

/// Progress of one call.
pub(super) struct RunProgress<'a> {
    listener: &'a Listener,
    /// Pairs in windows that have ended.
    pairs: AtomicU64,
}

impl<'a> RunProgress<'a> {
    pub(super) fn new(listener: &'a Listener) -> Self {
        Self { listener, pairs: AtomicU64::new(0) }
    }

    /// Progress in the next window, whose texts stop at so many layers.
    pub(super) fn window(&self, pairs: &TokenizedPairs, layers: usize) -> WindowProgress<'_> {
        let tokens = |state: &TextState| match state {
            TextState::Encoded(_) => 0,
            TextState::Tokenized(text) => text.ids.len(),
        };
        WindowProgress {
            run: self,
            pairs: pairs.lengths.len() as u64,
            tokens: layers * pairs.states.iter().map(tokens).sum::<usize>(),
            done: AtomicUsize::new(0),
        }
    }
}

/// Progress in one window: the share of its tokens that was encoded, at all layers, counted in pairs. Encoding is
/// nearly all of the work.
pub(super) struct WindowProgress<'a> {
    run: &'a RunProgress<'a>,
    pairs: u64,
    tokens: usize,
    done: AtomicUsize,
}

impl WindowProgress<'_> {
    /// Counts a micro-batch of so many tokens at a layer. A batch that ran out of memory may be counted again.
    pub(super) fn add(&self, tokens: usize) {
        let done = self.done.fetch_add(tokens, Ordering::Relaxed) + tokens;
        let share = (done as f64 / self.tokens.max(1) as f64).min(1.0);
        let pairs = (share * self.pairs as f64) as u64;
        self.run.listener.report(self.run.pairs.load(Ordering::Relaxed) + pairs);
    }

    /// Counts all its pairs.
    pub(super) fn end(&self) {
        let before = self.run.pairs.fetch_add(self.pairs, Ordering::Relaxed);
        self.run.listener.report(before + self.pairs);
    }
}
