//! How many tokens go through an encoder at once, and what to do if a device runs out of memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use nearsay_kernels::device::DeviceFailure;

use crate::Result;

/// Calls without a memory shortage after which a larger micro-batch is tried again.
const CALLS_UNTIL_MORE: usize = 16;

/// The size of micro-batches: the wanted one, or less after a device ran out of memory.
#[derive(Debug)]
pub(super) struct BatchBudget {
    /// Tokens of a micro-batch, as configured.
    wanted: usize,
    /// Tokens of a micro-batch now.
    batch_tokens: AtomicUsize,
    /// The smallest size that was reported.
    least_reported: AtomicUsize,
    /// Calls since memory ran out.
    calls: AtomicUsize,
    /// Locked for reading by every micro-batch on a device, and for writing by a text that is tried alone.
    devices: RwLock<()>,
}

impl BatchBudget {
    pub(super) fn new(wanted: usize) -> Self {
        Self {
            wanted,
            batch_tokens: AtomicUsize::new(wanted),
            least_reported: AtomicUsize::new(wanted),
            calls: AtomicUsize::new(0),
            devices: RwLock::default(),
        }
    }

    /// Tokens of the micro-batches of the next call. Missing memory may be free again: others use a device,
    /// too.
    pub(super) fn batch_tokens(&self) -> usize {
        let tokens = self.batch_tokens.load(Ordering::Relaxed);
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        if tokens == self.wanted || calls < CALLS_UNTIL_MORE {
            return tokens;
        }
        let more = (2 * tokens).min(self.wanted);
        self.calls.store(0, Ordering::Relaxed);
        self.batch_tokens.store(more, Ordering::Relaxed);
        more
    }

    /// The same without counting as a call.
    pub(super) fn current(&self) -> usize {
        self.batch_tokens.load(Ordering::Relaxed)
    }

    /// `device` had no memory for a micro-batch: from now on it has at most `tokens`.
    pub(super) fn shrink(&self, device: &str, tokens: usize) {
        self.calls.store(0, Ordering::Relaxed);
        self.batch_tokens.fetch_min(tokens, Ordering::Relaxed);
        if self.least_reported.fetch_min(tokens, Ordering::Relaxed) > tokens {
            tracing::warn!("{device} has no memory for more: going on with {tokens} tokens at a time");
        }
    }

    /// Runs `work` alongside others on the devices.
    pub(super) fn beside_others<R>(&self, work: impl FnOnce() -> R) -> R {
        let _others = self.devices.read().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    /// Runs `work` when nobody else is on the devices.
    pub(super) fn alone<R>(&self, work: impl FnOnce() -> R) -> R {
        let _alone = self.devices.write().unwrap_or_else(PoisonError::into_inner);
        work()
    }
}

/// One result per item from `attempt`, which gets all items, or if a device runs out of memory half of them,
/// and so on. `halving` is called before items are cut in half.
///
/// # Errors
/// The error of `attempt`, including out of memory with a single item.
pub(crate) fn in_halves<T, R>(
    items: &[T],
    attempt: &impl Fn(&[T]) -> Result<Vec<R>>,
    halving: &impl Fn(&[T]),
) -> Result<Vec<R>> {
    match attempt(items) {
        Err(error) if items.len() > 1 && error.device_failure() == Some(DeviceFailure::OutOfMemory) => {
            halving(items);
            let (left, right) = items.split_at(items.len() / 2);
            let mut results = in_halves(left, attempt, halving)?;
            results.extend(in_halves(right, attempt, halving)?);
            Ok(results)
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_halves_batches_and_is_forgotten_in_the_end() {
        let budget = BatchBudget::new(1000);
        assert_eq!(budget.batch_tokens(), 1000);
        budget.shrink("cuda:0", 250);
        // A smaller value from another lane that had started with more: the smaller one counts.
        budget.shrink("cuda:0", 500);
        let sizes: Vec<usize> = (0..40).map(|_| budget.batch_tokens()).collect();
        let small = CALLS_UNTIL_MORE;
        assert_eq!(sizes[..small], vec![250; small]);
        assert_eq!(sizes[small..2 * small + 1], vec![500; small + 1]);
        assert_eq!(sizes[39], 1000);
        assert_eq!(budget.least_reported.load(Ordering::Relaxed), 250);
    }

    #[test]
    fn other_failures_are_not_tried_in_halves() {
        let attempt = |items: &[i32]| match items.contains(&3) {
            true => Err(crate::Error::Bug("three".to_owned())),
            false => Ok(items.to_vec()),
        };
        assert_eq!(in_halves(&[1, 2], &attempt, &|_| unreachable!()).unwrap(), [1, 2]);
        assert!(in_halves(&[1, 3], &attempt, &|_| unreachable!()).is_err());
    }
}
