//! Several threads inside one operation: for a single text on an idle machine.
//!
//! Work as a rule is shared by micro-batches, one a thread, and an operation keeps to its thread. An operation that is called on a
//! thread of a rayon pool may use the pool's other threads as well; it divides rows or columns, never a sum, so that the bits are
//! the same either way.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs `body` on a thread of `pool`; the kernels in it may use all of the pool's threads, which meanwhile look for work without
/// falling asleep. An encoder's layer divides its work five times; waking a thread for each takes longer than many a piece does
/// (measured on two cores: 12 tokens 2.1 ms with threads that sleep, 1.6 ms with threads that do not).
pub fn run_as_team<R: Send>(pool: &rayon::ThreadPool, body: impl FnOnce() -> R + Send) -> R {
    let done = AtomicBool::new(false);
    pool.scope(|scope| {
        let own = rayon::current_thread_index();
        let done = &done;
        // Each thread runs its own copy and never another's, so `body` does not wait for one.
        scope.spawn_broadcast(move |_, thread| {
            while Some(thread.index()) != own && !done.load(Ordering::Acquire) {
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    std::hint::spin_loop();
                }
            }
        });
        let _done = SetWhenDropped(done);
        body()
    })
}

/// Sets its flag when the body ends, even by a panic: the others would look for work for ever.
struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Threads that an operation on this thread may use.
pub(crate) fn threads() -> usize {
    if rayon::current_thread_index().is_some() { rayon::current_num_threads() } else { 1 }
}

/// `count` things in at most `parts` ranges of nearly equal length, none of them empty.
pub(crate) fn divide(count: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = parts.clamp(1, count.max(1));
    (0..parts).map(move |part| count * part / parts..count * (part + 1) / parts)
}

/// Runs `work` on every item: the last one on this thread, the others on whichever of the pool's is free.
pub(crate) fn for_each<T: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) + Sync) {
    let mut items: Vec<T> = items.into_iter().collect();
    let Some(last) = items.pop() else { return };
    if items.is_empty() {
        return work(last);
    }
    let work = &work;
    rayon::in_place_scope(|scope| {
        for item in items {
            scope.spawn(move |_| work(item));
        }
        work(last);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn ranges_cover_everything_once() {
        for count in [0, 1, 2, 7, 100] {
            for parts in [0, 1, 2, 3, 16] {
                let ranges: Vec<_> = divide(count, parts).collect();
                assert!(ranges.len() <= parts.max(1) && !ranges.is_empty());
                assert_eq!(
                    ranges.iter().cloned().flatten().collect::<Vec<_>>(),
                    (0..count).collect::<Vec<_>>()
                );
                assert!(count == 0 || ranges.iter().all(|range| !range.is_empty()));
            }
        }
    }

    #[test]
    fn only_a_pool_gives_its_threads_and_every_item_is_worked_on() {
        assert_eq!(threads(), 1);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let sum = AtomicUsize::new(0);
        let result = run_as_team(&pool, || {
            assert_eq!(threads(), 3);
            for_each(1..=10, |i| {
                sum.fetch_add(i, Ordering::Relaxed);
            });
            "done"
        });
        assert_eq!(result, "done");
        for_each([0; 0], |_: i32| unreachable!());
        assert_eq!(sum.into_inner(), 55);
    }

    #[test]
    fn a_panic_ends_the_team() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let body = || {
            run_as_team(&pool, || {
                if threads() == 3 {
                    panic!("expected by this test")
                }
            })
        };
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err());
        assert_eq!(run_as_team(&pool, || 7), 7);
    }
}
