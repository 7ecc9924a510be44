//! Something opened, by process.

use std::mem;
use std::process;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// Something with threads, such as a model. A process that was forked from the one that opened it has none of these
/// threads: there it is opened anew, on first use.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    current: ArcSwap<OfProcess<T>>,
}

#[derive(Debug)]
struct OfProcess<T> {
    process: u32,
    value: T,
}

impl<T> PerProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { current: ArcSwap::from_pointee(OfProcess { process: process::id(), value }) }
    }

    /// The value of this process; `after_fork` makes it from the parent's.
    ///
    /// # Errors
    /// Those of `after_fork`.
    pub(crate) fn with<R>(
        &self,
        after_fork: impl Fn(&T) -> nearsay::Result<T>,
        work: impl FnOnce(&T) -> R,
    ) -> nearsay::Result<R> {
        let current = self.current.load_full();
        if current.process == process::id() {
            return Ok(work(&current.value));
        }
        let renewed = Arc::new(OfProcess { process: process::id(), value: after_fork(&current.value)? });
        let found = self.current.compare_and_swap(&current, renewed.clone());
        if !Arc::ptr_eq(&found, &current) {
            // Another thread was faster.
            return Ok(work(&found.value));
        }
        // The parent's is leaked: to drop it would wait for threads that do not exist.
        mem::forget(current);
        Ok(work(&renewed.value))
    }
}
