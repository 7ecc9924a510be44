//! Windows on their way: prepared, worked on and taken, in order.
//!
//! Work on a device runs while the caller prepares the next window and takes the previous one; work on the
//! CPU needs all cores anyway.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::Result;

/// Does `work` on everything that `prepared` yields and calls `take` with the results, in order. If
/// `is_beside`, `work` leaves the CPU free and runs on a separate thread while the next item is prepared.
///
/// # Errors
/// The first failure in the order of the items. Items finished before a failure of `prepared` are still
/// taken. After a failure of `take`, no further items are taken, so none is skipped.
pub(crate) fn pipeline<P: Send, R: Send>(
    is_beside: bool,
    prepared: impl Iterator<Item = Result<P>>,
    work: impl Fn(P) -> Result<R> + Sync,
    mut take: impl FnMut(R) -> Result<()>,
) -> Result<()> {
    let (work, is_broken) = (&work, Cell::new(false));
    let mut take = |result: Option<R>| {
        let taken = result.map_or(Ok(()), &mut take);
        is_broken.set(taken.is_err());
        taken
    };
    std::thread::scope(|scope| {
        let mut overlap = Overlap::new(scope, is_beside);
        let feed = || {
            for item in prepared {
                let item = item?;
                let finished = overlap.wait()?;
                let done = overlap.start(move || work(item));
                take(finished)?;
                take(done?)?;
            }
            Ok(())
        };
        let fed = feed();
        let last = overlap.wait();
        if is_broken.get() { fed } else { last.and_then(&mut take).and(fed) }
    })
}

/// At most one job under way, if jobs leave the CPU free; otherwise each is done when it is started.
struct Overlap<'scope, 'env, T> {
    scope: &'scope Scope<'scope, 'env>,
    is_beside: bool,
    under_way: Option<ScopedJoinHandle<'scope, Result<T>>>,
}

impl<'scope, 'env, T: Send + 'scope> Overlap<'scope, 'env, T> {
    /// `is_beside`: whether jobs leave the CPU free.
    fn new(scope: &'scope Scope<'scope, 'env>, is_beside: bool) -> Self {
        Self { scope, is_beside, under_way: None }
    }

    /// The result of the job under way, if there is one.
    ///
    /// # Errors
    /// The job's error.
    fn wait(&mut self) -> Result<Option<T>> {
        let joined = self.under_way.take().map(ScopedJoinHandle::join);
        joined.map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).transpose()
    }

    /// Starts `job` after the previous one has been waited for, and returns its result if it is already done.
    ///
    /// # Errors
    /// The error of a job that is done.
    fn start(&mut self, job: impl FnOnce() -> Result<T> + Send + 'scope) -> Result<Option<T>> {
        debug_assert!(self.under_way.is_none(), "one job at a time");
        if !self.is_beside {
            return job().map(Some);
        }
        // If no thread can be started, we do the job ourselves.
        let waiting = Arc::new(Mutex::new(Some(job)));
        let taken = waiting.clone();
        let take = |job: &Mutex<Option<_>>| job.lock().unwrap_or_else(PoisonError::into_inner).take();
        let run = move || take(&taken).map_or_else(|| unreachable!("a job is started once"), |job| job());
        match Builder::new().spawn_scoped(self.scope, run) {
            Ok(handle) => {
                self.under_way = Some(handle);
                Ok(None)
            }
            Err(error) => {
                tracing::warn!("no thread could be started to work next to the device ({error})");
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

    /// The arguments that `take` got, and the outcome: items 0 to 9, some of whose stages fail.
    fn run(
        is_beside: bool,
        prepare: fn(u32) -> Result<u32>,
        work: fn(u32) -> Result<u32>,
        take: fn(u32) -> Result<()>,
    ) -> (Vec<u32>, Option<String>) {
        let mut taken = Vec::new();
        let result = pipeline(is_beside, (0..10).map(prepare), work, |item| {
            taken.push(item);
            take(item)
        });
        (taken, result.err().map(|error| error.to_string()))
    }

    fn fails_at<const AT: u32>(item: u32) -> Result<u32> {
        if item == AT { Err(Error::Bug(format!("{item}"))) } else { Ok(item) }
    }

    #[test]
    fn items_are_taken_in_order_up_to_the_first_failure() {
        for is_beside in [false, true] {
            let whole = run(is_beside, Ok, Ok, |_| Ok(()));
            assert_eq!(whole, ((0..10).collect(), None));
            let failed = |at: u32| Some(format!("internal error: {at}"));
            assert_eq!(run(is_beside, fails_at::<3>, Ok, |_| Ok(())), (vec![0, 1, 2], failed(3)));
            assert_eq!(run(is_beside, Ok, fails_at::<3>, |_| Ok(())), (vec![0, 1, 2], failed(3)));
            let take = |item| fails_at::<3>(item).map(drop);
            assert_eq!(run(is_beside, Ok, Ok, take), (vec![0, 1, 2, 3], failed(3)));
            // Preparing 3 fails before the work of 2 is waited for, but the failure of 2 comes first.
            assert_eq!(run(is_beside, fails_at::<3>, fails_at::<2>, |_| Ok(())), (vec![0, 1], failed(2)));
        }
    }

    #[test]
    fn a_job_beside_the_caller_is_waited_for() {
        std::thread::scope(|scope| {
            let mut overlap = Overlap::new(scope, true);
            assert_eq!(overlap.wait().unwrap(), None);
            let (sender, receiver) = std::sync::mpsc::channel::<u32>();
            assert_eq!(overlap.start(move || Ok(receiver.recv().unwrap())).unwrap(), None);
            // Only a job that runs meanwhile can receive this.
            sender.send(7).unwrap();
            assert_eq!(overlap.wait().unwrap(), Some(7));
            assert_eq!(overlap.start(|| Err(Error::Bug("a".to_owned()))).unwrap(), None);
            assert!(overlap.wait().is_err());
        });
    }

    #[test]
    fn without_a_device_a_job_is_done_at_once() {
        std::thread::scope(|scope| {
            let mut overlap = Overlap::new(scope, false);
            assert_eq!(overlap.start(|| Ok(7)).unwrap(), Some(7));
            assert_eq!(overlap.wait().unwrap(), None);
        });
    }
}
