//! The threads of the CPU's kernels: each with its own piece of work, or all of them inside one operation.
//!
//! Usually a thread takes a micro-batch through all layers alone. A single text on an idle machine would
//! leave the other threads without work: then an operation divides its rows, columns or heads among them,
//! never a sum, so the bits are the same either way. The two never mix: pieces wait while an operation is
//! shared, and nothing is shared while there are pieces to work on. Otherwise a thread that waited for its
//! part of an operation could start a piece from another caller.

use std::any::Any;
use std::cell::RefCell;
use std::num::NonZero;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard, TryLockError, mpsc};

use rayon::prelude::*;

thread_local! {
    /// Threads that an operation on this thread may use: those of its team while they share its work. `None`
    /// on threads outside a team.
    static SHARING: RefCell<Option<Arc<AtomicUsize>>> = const { RefCell::new(None) };
}

/// Threads that wait for work as long as the team lives: a rayon pool.
#[derive(Debug)]
pub struct Team {
    pool: rayon::ThreadPool,
    /// Threads that share an operation.
    sharers: usize,
    /// [`SHARING`] of the team's threads.
    sharing: Arc<AtomicUsize>,
    /// Locked for reading while pieces are worked on, and for writing while an operation is shared.
    mode: RwLock<()>,
    /// Calls that wait to work on pieces. While there are any, no operation is shared: sharing ones would
    /// otherwise overtake them again and again.
    waiting: AtomicUsize,
}

/// Stack size of a thread. Without optimisation a product's kernels keep each register of their tile several
/// times in memory, and 2 MiB are not enough.
const STACK_BYTES: usize = 8 << 20;

impl Team {
    /// Starts `threads` threads, up to `sharers` of which share an operation.
    ///
    /// # Errors
    /// If the system cannot start the threads.
    pub fn new(threads: NonZero<usize>, sharers: NonZero<usize>) -> std::io::Result<Self> {
        let sharing = Arc::new(AtomicUsize::new(1));
        let of_threads = sharing.clone();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .thread_name(|number| format!("nearsay-{number}"))
            .stack_size(STACK_BYTES)
            .start_handler(move |_| SHARING.set(Some(of_threads.clone())))
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Self {
            pool,
            sharers: sharers.min(threads).get(),
            sharing,
            mode: RwLock::new(()),
            waiting: AtomicUsize::new(0),
        })
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Calls `work` with every item, each time on one of the team's threads, whose number is the first
    /// argument. Concurrent calls take turns, item by item. Results are in order of completion, each with its
    /// item's index; once `goes_on` returns false for one, no further item is started.
    ///
    /// On a thread of this team, it processes all items on that thread.
    pub fn map<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(usize, &T) -> R + Sync,
        mut goes_on: impl FnMut(&R) -> bool,
    ) -> Vec<(usize, R)> {
        if let Some(thread) = self.pool.current_thread_index() {
            return map_here(items, |item| work(thread, item), goes_on);
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _pieces = self.mode.read().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        // Enough that no thread waits for this one to hand out the next item, and few enough that another
        // call's items start soon.
        let ahead = 2 * self.threads();
        let (sender, done) = mpsc::channel::<(usize, Result<R, Box<dyn Any + Send>>)>();
        let (work, mut results, mut panic) = (&work, Vec::with_capacity(items.len()), None);
        self.pool.in_place_scope(|scope| {
            let (mut next, mut running) = (0, 0);
            loop {
                while next < items.len() && running < ahead {
                    let (index, sender) = (next, sender.clone());
                    scope.spawn(move |_| {
                        let thread = rayon::current_thread_index().unwrap_or_default();
                        let result = catch_unwind(AssertUnwindSafe(|| work(thread, &items[index])));
                        // The receiver lives until every started item is done.
                        let _ = sender.send((index, result));
                    });
                    next += 1;
                    running += 1;
                }
                if running == 0 {
                    break;
                }
                let Ok((index, result)) = done.recv() else { break };
                running -= 1;
                match result {
                    Ok(result) => {
                        if !goes_on(&result) {
                            next = items.len();
                        }
                        results.push((index, result));
                    }
                    Err(payload) => {
                        next = items.len();
                        panic = panic.take().or(Some(payload));
                    }
                }
            }
        });
        panic.map_or(results, |payload| resume_unwind(payload))
    }

    /// Runs `body` on a thread of the team. Its operations also use the other threads, which meanwhile look
    /// for work without sleeping. An encoder's layer divides its work five times; waking a thread each time
    /// takes longer than many a piece does (measured on two cores: 12 tokens 2.1 ms with threads that sleep,
    /// 1.6 ms with threads that do not).
    ///
    /// `None`, without running `body`, if the team is busy or has only one sharer.
    pub fn share<R: Send>(&self, body: impl FnOnce() -> R + Send) -> Option<R> {
        if self.sharers == 1 {
            return None;
        }
        let _idle = self.idle()?;
        self.sharing.store(self.sharers, Ordering::Relaxed);
        let _apart = OnDrop(|| self.sharing.store(1, Ordering::Relaxed));
        let done = AtomicBool::new(false);
        let result = self.pool.scope(|scope| {
            let own = rayon::current_thread_index();
            let done = &done;
            // Each thread runs its own copy and never another's, so `body` does not wait for one.
            scope.spawn_broadcast(move |_, thread| {
                if Some(thread.index()) != own && thread.index() < self.sharers {
                    watch(done);
                }
            });
            // Even after a panic: otherwise the others would look for work forever.
            let _done = OnDrop(|| done.store(true, Ordering::Release));
            body()
        });
        Some(result)
    }

    /// [`Team::share`] with `work` for all items at once, each of which may use all threads. The results are
    /// in the items' order.
    pub fn share_each<T: Sync, R: Send>(&self, items: &[T], work: impl Fn(&T) -> R + Sync) -> Option<Vec<R>> {
        self.share(|| items.par_iter().map(&work).collect())
    }

    /// Runs `body` on the calling thread while the team is idle: for work that takes less time than waking a
    /// thread.
    ///
    /// `None`, without running `body`, if the team is busy.
    pub fn standing_still<R>(&self, body: impl FnOnce() -> R) -> Option<R> {
        let _idle = self.idle()?;
        Some(body())
    }

    /// Keeps the team idle as long as the result lives; `None` if it is busy.
    fn idle(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return None;
        }
        match self.mode.try_write() {
            Ok(idle) => Some(idle),
            // A body that panicked has left nothing unfinished.
            Err(TryLockError::Poisoned(idle)) => Some(idle.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

fn map_here<T, R>(
    items: &[T],
    work: impl Fn(&T) -> R,
    mut goes_on: impl FnMut(&R) -> bool,
) -> Vec<(usize, R)> {
    let mut results = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        results.push((index, work(item)));
        if results.last().is_some_and(|(_, result)| !goes_on(result)) {
            break;
        }
    }
    results
}

/// Looks without finding work after which a thread yields its core. If the team has more threads than the
/// machine has free cores, a spinning thread would make the thread with the work wait for a whole time slice
/// (measured with 16 threads on two cores: 90 ms for 12 tokens).
const PATIENCE: u32 = 64;

/// Runs the team's work until `done` is set.
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

/// Runs a function at the end of a block, on every way out.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Threads that an operation on this thread may use.
pub(crate) fn threads() -> usize {
    SHARING.with_borrow(|sharing| sharing.as_ref().map_or(1, |threads| threads.load(Ordering::Relaxed)))
}

/// Splits `count` things into at most `parts` ranges of nearly equal length, none of them empty.
pub(crate) fn divide(count: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = parts.clamp(1, count.max(1));
    (0..parts).map(move |part| count * part / parts..count * (part + 1) / parts)
}

/// Runs `work` on every item: the last one on this thread, the others on any free thread of the team.
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
mod tests;
