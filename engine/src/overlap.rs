//! Work on a device beside work on the CPU: one job is under way while the caller prepares the next.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::Result;

/// At most one job under way, if jobs leave the CPU free; else each is done when it is begun.
pub(crate) struct Overlap<'scope, 'env, T> {
    scope: &'scope Scope<'scope, 'env>,
    is_beside: bool,
    under_way: Option<ScopedJoinHandle<'scope, Result<T>>>,
}

impl<'scope, 'env, T: Send + 'scope> Overlap<'scope, 'env, T> {
    /// `is_beside`: whether jobs leave the CPU free.
    pub(crate) fn new(scope: &'scope Scope<'scope, 'env>, is_beside: bool) -> Self {
        Self { scope, is_beside, under_way: None }
    }

    /// The result of the job that is under way, if one is.
    ///
    /// # Errors
    /// What the job failed with.
    pub(crate) fn wait(&mut self) -> Result<Option<T>> {
        let joined = self.under_way.take().map(ScopedJoinHandle::join);
        joined.map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).transpose()
    }

    /// Begins `job` after the one before has been waited for; its result, if it is done already.
    ///
    /// # Errors
    /// What a job that is done failed with.
    pub(crate) fn begin(&mut self, job: impl FnOnce() -> Result<T> + Send + 'scope) -> Result<Option<T>> {
        debug_assert!(self.under_way.is_none(), "one job at a time");
        if !self.is_beside {
            return job().map(Some);
        }
        // A thread that cannot be had leaves the job to us.
        let waiting = Arc::new(Mutex::new(Some(job)));
        let taken = waiting.clone();
        let take = |job: &Mutex<Option<_>>| job.lock().unwrap_or_else(PoisonError::into_inner).take();
        let run = move || take(&taken).map_or_else(|| unreachable!("a job is begun once"), |job| job());
        match Builder::new().spawn_scoped(self.scope, run) {
            Ok(handle) => {
                self.under_way = Some(handle);
                Ok(None)
            }
            Err(error) => {
                tracing::warn!("the system gives no thread to work beside the device ({error})");
                self.is_beside = false;
                take(&waiting).map(|job| job()).transpose()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn a_job_beside_the_caller_is_waited_for() {
        std::thread::scope(|scope| {
            let mut overlap = Overlap::new(scope, true);
            assert_eq!(overlap.wait().unwrap(), None);
            let (sender, receiver) = std::sync::mpsc::channel::<u32>();
            assert_eq!(overlap.begin(move || Ok(receiver.recv().unwrap())).unwrap(), None);
            // Only a job that runs meanwhile can hear of this.
            sender.send(7).unwrap();
            assert_eq!(overlap.wait().unwrap(), Some(7));
            assert_eq!(overlap.begin(|| Err(Error::Bug("a".to_owned()))).unwrap(), None);
            assert!(overlap.wait().is_err());
        });
    }

    #[test]
    fn without_a_device_a_job_is_done_at_once() {
        std::thread::scope(|scope| {
            let mut overlap = Overlap::new(scope, false);
            assert_eq!(overlap.begin(|| Ok(7)).unwrap(), Some(7));
            assert_eq!(overlap.wait().unwrap(), None);
        });
    }
}
