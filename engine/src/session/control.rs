//! Ways to stop a call early: tokens that anyone may set, and a deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use nearsay_models::Stop;

use crate::{Error, Result};

/// A token that cancels the calls it was passed to, from any thread. Clones are the same token.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A token that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels the calls. They return [`Error::Cancelled`] after their current micro-batch, some milliseconds
    /// on a CPU.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The same token for the loading of weights.
    pub(super) fn as_stop(&self) -> Stop {
        Stop::new(self.0.clone())
    }

    /// Whether it is set.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A token that is set by a flag, such as a signal handler's.
impl From<Arc<AtomicBool>> for Cancel {
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}

/// The ways a call may be stopped. Checked between two pieces of work; the default never stops a call.
#[derive(Debug, Clone, Default)]
pub struct Control {
    tokens: Vec<Cancel>,
    deadline: Option<Instant>,
}

impl Control {
    /// The same, but `token` may also stop the call.
    #[must_use]
    pub fn with_cancel(&self, token: &Cancel) -> Self {
        let mut control = self.clone();
        control.tokens.push(token.clone());
        control
    }

    /// The same, but the call must finish by `deadline`, unless an earlier one is set.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        let earlier = self.deadline.map_or(deadline, |earlier| earlier.min(deadline));
        Self { deadline: Some(earlier), ..self.clone() }
    }

    /// Whether the call may go on.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::DeadlineExceeded`].
    pub fn check(&self) -> Result<()> {
        self.check_by(Instant::now)
    }

    /// The same at the time `now`.
    pub(super) fn check_at(&self, now: Instant) -> Result<()> {
        self.check_by(|| now)
    }

    fn check_by(&self, now: impl FnOnce() -> Instant) -> Result<()> {
        if self.tokens.iter().any(Cancel::is_cancelled) {
            return Err(Error::Cancelled);
        }
        match self.deadline {
            Some(deadline) if now() >= deadline => Err(Error::DeadlineExceeded),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn any_token_stops_a_call() {
        let (first, second) = (Cancel::new(), Cancel::new());
        let control = Control::default().with_cancel(&first).with_cancel(&second);
        assert!(control.check().is_ok());
        second.clone().cancel();
        assert!(matches!(control.check(), Err(Error::Cancelled)));
        assert!(!first.is_cancelled());
    }

    #[test]
    fn the_earliest_deadline_counts() {
        let now = Instant::now();
        let later = Control::default().with_deadline(now + Duration::from_secs(3600));
        assert!(later.check().is_ok());
        assert!(matches!(later.with_deadline(now).check(), Err(Error::DeadlineExceeded)));
    }
}
