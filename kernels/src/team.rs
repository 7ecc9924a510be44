//! Several threads inside one operation: for a single text on an idle machine.
//!
//! Work as a rule is shared by micro-batches, one a thread, and an operation keeps to its thread. An operation that is called on a
//! thread of a [`Team`] uses the team's other threads as well; it divides rows, columns or heads, never a sum, so that the bits are
//! the same either way.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, TryLockError};

thread_local! {
    static BELONGS_TO_A_TEAM: Cell<bool> = const { Cell::new(false) };
}

/// Threads that share the work of single operations: a pool of rayon's.
#[derive(Debug)]
pub struct Team {
    pool: rayon::ThreadPool,
    /// Held while a body runs. Two at a time would wait for each other: a thread that waits for a part of one might take up the
    /// other's watch, which ends with the other.
    busy: Mutex<()>,
}

impl Team {
    /// Begins `threads` threads.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("team-{number}"))
            .start_handler(|_| BELONGS_TO_A_TEAM.set(true))
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Self { pool, busy: Mutex::new(()) })
    }

    /// Runs `body` on a thread of the team; operations in it use all of the team's threads, which meanwhile look for work without
    /// falling asleep. An encoder's layer divides its work five times; waking a thread for each takes longer than many a piece does
    /// (measured on two cores: 12 tokens 2.1 ms with threads that sleep, 1.6 ms with threads that do not).
    ///
    /// `None`, and `body` was not run, if the team is at work already: the machine is not idle.
    pub fn run_if_idle<R: Send>(&self, body: impl FnOnce() -> R + Send) -> Option<R> {
        let _busy = match self.busy.try_lock() {
            Ok(busy) => busy,
            // A body that panicked has left nothing undone.
            Err(TryLockError::Poisoned(busy)) => busy.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let done = AtomicBool::new(false);
        let result = self.pool.scope(|scope| {
            let own = rayon::current_thread_index();
            let done = &done;
            // Each thread runs its own copy and never another's, so `body` does not wait for one.
            scope.spawn_broadcast(move |_, thread| {
                if Some(thread.index()) != own {
                    watch(done);
                }
            });
            let _done = SetWhenDropped(done);
            body()
        });
        Some(result)
    }
}

/// Looks without work after which a thread lets others have its core. On a machine with fewer free cores than the team has threads, one
/// that spun on would keep the thread with the work waiting for a whole time slice (measured with 16 threads on two cores: 90 ms for
/// 12 tokens).
const PATIENCE: u32 = 64;

/// Works on whatever the team has to do until `done` is set.
fn watch(done: &AtomicBool) {
    let mut idle = 0;
    while !done.load(Ordering::Acquire) {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            idle = 0;
        } else if idle < PATIENCE {
            idle += 1;
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
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
    if BELONGS_TO_A_TEAM.get() { rayon::current_num_threads() } else { 1 }
}

/// `count` things in at most `parts` ranges of nearly equal length, none of them empty.
pub(crate) fn divide(count: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = parts.clamp(1, count.max(1));
    (0..parts).map(move |part| count * part / parts..count * (part + 1) / parts)
}

/// Runs `work` on every item: the last one on this thread, the others on whichever of the team's is free.
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
    fn only_a_team_gives_its_threads_and_every_item_is_worked_on() {
        assert_eq!(threads(), 1);
        assert_eq!(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap().install(threads), 1);
        let team = Team::new(3).unwrap();
        let sum = AtomicUsize::new(0);
        let result = team.run_if_idle(|| {
            assert_eq!(threads(), 3);
            for_each(1..=10, |i| {
                sum.fetch_add(i, Ordering::Relaxed);
            });
            "done"
        });
        assert_eq!(result, Some("done"));
        for_each([0; 0], |_: i32| unreachable!());
        assert_eq!(sum.into_inner(), 55);
    }

    #[test]
    fn a_team_at_work_takes_no_more() {
        let team = Team::new(2).unwrap();
        assert_eq!(team.run_if_idle(|| team.run_if_idle(|| 1)), Some(None));
        let count = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let work = |_| {
                            count.fetch_add(1, Ordering::Relaxed);
                        };
                        if team.run_if_idle(|| for_each(0..8, work)).is_none() {
                            for_each(0..8, work);
                        }
                    }
                });
            }
        });
        assert_eq!(count.into_inner(), 4 * 500 * 8);
    }

    #[test]
    fn more_threads_than_cores_take_turns() {
        let team = Team::new(8 * std::thread::available_parallelism().unwrap().get()).unwrap();
        let (start, sum) = (std::time::Instant::now(), AtomicUsize::new(0));
        let add = |_| {
            sum.fetch_add(1, Ordering::Relaxed);
        };
        let body = || (0..10).for_each(|_| for_each(0..8, add));
        for _ in 0..200 {
            team.run_if_idle(body).unwrap();
        }
        assert_eq!(sum.into_inner(), 200 * 10 * 8);
        // Measured: 0.3 s; half a minute and more where waiting threads keep their cores.
        assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    }

    #[test]
    fn a_panic_ends_the_work_and_not_the_team() {
        let team = Team::new(3).unwrap();
        let body = || {
            if threads() == 3 {
                panic!("expected by this test")
            }
        };
        let run = || team.run_if_idle(body);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
        assert_eq!(team.run_if_idle(|| 7), Some(7));
    }
}
