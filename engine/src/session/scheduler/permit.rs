//! Work that is counted and limited by a scheduler, and done elsewhere.

use std::fmt;
use std::sync::Arc;

use super::dispatch::Shared;

/// Tokens of a call that does its own work, such as BERTScore's. They count as waiting until they are done, or the permit
/// is dropped.
pub struct Permit {
    shared: Arc<Shared>,
    tokens: u64,
}

impl Permit {
    pub(super) fn new(shared: Arc<Shared>, tokens: u64) -> Self {
        Self { shared, tokens }
    }

    /// Tokens that count as waiting.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// `tokens` of them no longer wait.
    pub fn done(&mut self, tokens: u64) {
        let done = tokens.min(self.tokens);
        self.tokens -= done;
        self.shared.with(|queue, _, _| queue.release(done));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.done(self.tokens);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Permit").field("tokens", &self.tokens).finish()
    }
}
