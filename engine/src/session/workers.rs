//! Threads that live as long as a session and share the work of all its calls.

use std::num::NonZero;
use std::sync::{Arc, OnceLock};

use nearsay_kernels::Team;

use super::Control;
use crate::{Error, Result};

/// A session's threads for work on the CPU: a fixed number, however many callers there are. Clones share
/// them.
///
/// They are started with the first work and serve several callers in turn. On an idle machine they share a
/// single micro-batch.
#[derive(Debug, Clone)]
pub struct Workers {
    threads: NonZero<usize>,
    team: Arc<LazyTeam>,
}

impl Workers {
    /// `threads` of them, or one for each core that this process may use. Of more than 256, as many as there
    /// are cores.
    pub fn new(threads: Option<NonZero<usize>>) -> Self {
        let threads = bounded(threads.unwrap_or_else(cores));
        // More threads than cores would only take turns inside an operation.
        Self { threads, team: Arc::new(LazyTeam::new(threads, cores())) }
    }

    pub(super) fn number(&self) -> NonZero<usize> {
        self.threads
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads.get()
    }

    /// Does `work` on one of the threads. Memory that it frees there is reused by the thread's later work,
    /// which the caller's could not be (glibc has an arena per thread).
    ///
    /// # Errors
    /// Those of `work`.
    pub(crate) fn run<R: Send>(&self, work: impl Fn() -> Result<R> + Sync) -> Result<R> {
        let mut results = self.map(&Control::default(), &[()], |()| work())?;
        results.pop().ok_or(Error::Bug("a thread did no work".to_owned()))
    }

    /// Does `work` on every item; results are in the items' order. Any free thread takes the next item, first
    /// to last.
    ///
    /// # Errors
    /// The first failure in the items' order among those that happened; no further item is started after a
    /// failure.
    pub(crate) fn map<T: Sync, R: Send>(
        &self,
        control: &Control,
        items: &[T],
        work: impl Fn(&T) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        map(self.team.get(), control, items, |_, item| work(item))
    }

    /// The same for items of a few microseconds each. On an idle machine the caller does a single item
    /// itself.
    pub(crate) fn map_short<T: Sync, R: Send>(
        &self,
        control: &Control,
        items: &[T],
        work: impl Fn(&T) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        if let [item] = items
            && let Some(team) = self.team.get()
            && let Some(result) = team.standing_still(|| control.check().and_then(|()| work(item)))
        {
            return result.map(|result| vec![result]);
        }
        // Several at a time, because handing one to a thread also costs a microsecond; and few enough that
        // all threads finish together.
        let at_once = (items.len() / (8 * self.threads())).clamp(1, 32);
        let groups: Vec<&[T]> = items.chunks(at_once).collect();
        let results =
            self.map(control, &groups, |group| group.iter().map(&work).collect::<Result<Vec<_>>>())?;
        Ok(results.into_iter().flatten().collect())
    }

    /// The same for divisible work of kernels: if there are fewer items than cores, all are worked on at
    /// once, and each may use all threads.
    pub(crate) fn map_divisible<T: Sync, R: Send>(
        &self,
        control: &Control,
        items: &[T],
        work: impl Fn(&T) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let few = !items.is_empty() && items.len() < self.threads().min(cores().get());
        let run = |item: &T| control.check().and_then(|()| work(item));
        let shared = self.team.get().filter(|_| few).and_then(|team| team.share_each(items, run));
        match shared {
            Some(results) => results.into_iter().collect(),
            None => self.map(control, items, work),
        }
    }
}

/// Threads that wait for devices: several per device, so that a device need not wait for them. Each has a
/// number.
#[derive(Debug)]
pub(super) struct Lanes(LazyTeam);

impl Lanes {
    pub(super) fn new(count: NonZero<usize>) -> Self {
        Self(LazyTeam::new(count, NonZero::<usize>::MIN))
    }

    /// Like [`Workers::map`], but `work` is called with the number of its lane.
    pub(super) fn map<T: Sync, R: Send>(
        &self,
        control: &Control,
        items: &[T],
        work: impl Fn(usize, &T) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        map(self.0.get(), control, items, work)
    }
}

/// A team that is started when it is first needed.
#[derive(Debug)]
struct LazyTeam {
    threads: NonZero<usize>,
    sharers: NonZero<usize>,
    team: OnceLock<Option<Team>>,
}

impl LazyTeam {
    fn new(threads: NonZero<usize>, sharers: NonZero<usize>) -> Self {
        Self { threads, sharers, team: OnceLock::new() }
    }

    /// `None` if the system cannot start even one thread: then callers do all work themselves.
    fn get(&self) -> Option<&Team> {
        self.team.get_or_init(|| start(self.threads, self.sharers)).as_ref()
    }
}

/// Threads that are started on a machine with fewer cores: each has buffers for a micro-batch of its own.
const MOST_THREADS: NonZero<usize> = NonZero::new(256).expect("not 0");

/// `threads`, or as many as can be of use.
fn bounded(threads: NonZero<usize>) -> NonZero<usize> {
    let most = cores().max(MOST_THREADS);
    if threads > most {
        tracing::warn!("{threads} threads are not faster than {most}: going on with {most}");
    }
    threads.min(most)
}

/// All threads if the system can start them, else half as many, a quarter, ..
fn start(threads: NonZero<usize>, sharers: NonZero<usize>) -> Option<Team> {
    let attempts = std::iter::successors(Some(threads), |count| NonZero::new(count.get() / 2));
    for count in attempts {
        match Team::new(count, sharers) {
            Ok(team) if count == threads => return Some(team),
            Ok(team) => {
                tracing::warn!("only {count} of {threads} threads could be started");
                return Some(team);
            }
            Err(error) => tracing::debug!("{count} threads cannot be started: {error}"),
        }
    }
    tracing::warn!("no thread could be started: the work is done on the caller's");
    None
}

fn map<T: Sync, R: Send>(
    team: Option<&Team>,
    control: &Control,
    items: &[T],
    work: impl Fn(usize, &T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let work = |thread, item: &T| control.check().and_then(|()| work(thread, item));
    let Some(team) = team else { return items.iter().map(|item| work(0, item)).collect() };
    let mut results = team.map(items, work, Result::is_ok);
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Cores that this process may use.
fn cores() -> NonZero<usize> {
    std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{Cancel, Error};

    fn workers(threads: usize) -> Workers {
        Workers::new(NonZero::new(threads))
    }

    fn free() -> Control {
        Control::default()
    }

    #[test]
    fn results_keep_the_items_order() {
        let items: Vec<u64> = (0..1000).collect();
        let expected: Vec<u64> = items.iter().map(|item| item * item).collect();
        assert_eq!(workers(100_000).threads(), cores().get().max(256));
        for threads in [1, 2, 7, 200] {
            let workers = workers(threads);
            assert_eq!(workers.map(&free(), &items, |&item| Ok(item * item)).unwrap(), expected);
            assert_eq!(workers.map_short(&free(), &items, |&item| Ok(item * item)).unwrap(), expected);
            assert_eq!(workers.map_divisible(&free(), &items, |&item| Ok(item * item)).unwrap(), expected);
        }
        assert!(workers(3).map(&free(), &[] as &[u8], |_| Ok(())).unwrap().is_empty());
    }

    #[test]
    fn a_single_short_item_is_done_by_the_caller() {
        let here = std::thread::current().id();
        let thread = |_: &()| Ok(std::thread::current().id());
        assert_eq!(workers(3).map_short(&free(), &[()], thread).unwrap(), [here]);
        assert_ne!(workers(3).map(&free(), &[()], thread).unwrap(), [here]);
    }

    #[test]
    fn several_callers_of_the_same_workers_all_finish() {
        let workers = workers(3);
        let call = |i: u64| {
            assert_eq!(workers.map_divisible(&free(), &[i], |&i| Ok(i + 1)).unwrap(), [i + 1]);
            assert_eq!(workers.map_short(&free(), &[i], |&i| Ok(i + 1)).unwrap(), [i + 1]);
            assert_eq!(workers.map(&free(), &[i, i], |&i| Ok(i + 1)).unwrap(), [i + 1; 2]);
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..200).for_each(call));
            }
        });
    }

    #[test]
    fn a_failure_stops_the_rest() {
        let started = AtomicUsize::new(0);
        let items: Vec<usize> = (0..100_000).collect();
        let result = workers(2).map(&free(), &items, |&item| {
            started.fetch_add(1, Ordering::Relaxed);
            if item == 5 { Err(Error::Bug("five".to_owned())) } else { Ok(()) }
        });
        assert_eq!(result.unwrap_err().to_string(), "internal error: five");
        assert!(started.load(Ordering::Relaxed) < 100);
    }

    #[test]
    fn a_cancelled_call_does_nothing() {
        let cancel = Cancel::new();
        cancel.cancel();
        let control = free().with_cancel(&cancel);
        let never = |_: &i32| -> Result<()> { unreachable!("it was cancelled before") };
        let workers = workers(2);
        for result in [
            workers.map(&control, &[1, 2], never),
            workers.map_short(&control, &[1], never),
            workers.map_divisible(&control, &[1], never),
        ] {
            assert!(matches!(result, Err(Error::Cancelled)));
        }
    }
}
