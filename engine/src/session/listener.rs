//! Someone who wants to know how far a call has come.

use std::fmt;
use std::sync::Arc;

/// A function that is called with the number of texts, pairs or references done.
type Report = dyn Fn(u64) + Send + Sync;

/// Someone who wants to know how far a call has come, or nobody.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<Report>>);

impl Listener {
    pub(crate) fn new(report: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(report)))
    }

    pub(crate) fn report(&self, done: u64) {
        if let Some(report) = &self.0 {
            report(done);
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Listener").field(&self.0.is_some()).finish()
    }
}
