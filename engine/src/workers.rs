//! Work shared by threads, one a core, that meet only at the queue. Where there is less work than threads, several share a piece.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use nearsay_kernels::Team;
use rayon::prelude::*;

use crate::{Error, Result};

/// How many threads work, and what may stop them.
#[derive(Debug, Clone)]
pub struct Workers {
    threads: NonZero<usize>,
    interruption: Interruption,
    /// Threads that wait for pieces fewer than they are, begun when there are such; `None` where the system gives none.
    team: Arc<OnceLock<Option<Team>>>,
}

/// Set by a signal handler to the signal's number; asked for between two pieces of work.
#[derive(Debug, Clone, Default)]
pub struct Interruption(pub Arc<AtomicUsize>);

impl Interruption {
    /// # Errors
    /// If a signal has arrived.
    pub fn check(&self) -> Result<()> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Error::Interrupted { signal: signal as i32 }),
        }
    }
}

impl Workers {
    /// `threads` of them, or one a core that this process may use.
    pub fn new(threads: Option<NonZero<usize>>, interruption: Interruption) -> Self {
        Self { threads: threads.unwrap_or_else(cores), interruption, team: Arc::default() }
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads.get()
    }

    /// What may stop the work.
    pub fn interruption(&self) -> &Interruption {
        &self.interruption
    }

    /// `work` of every item, in the items' order. Items are taken from first to last by whichever thread is free.
    ///
    /// # Errors
    /// The first failure in the items' order among those that happened; no further item is begun after one.
    pub fn map<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        self.map_among(self.threads(), items, |_, item| work(item))
    }

    /// The same with `lanes` threads, however many cores there are: they wait for devices. `work` hears which of them it is on.
    ///
    /// # Errors
    /// As [`Workers::map`].
    pub fn map_among<T: Sync, R: Send>(
        &self,
        lanes: usize,
        items: &[T],
        work: impl Fn(usize, &T) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::with_capacity(items.len()));
        let run = &|lane| {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { break };
                let result = self.interruption.check().and_then(|()| work(lane, item));
                if result.is_err() {
                    next.store(items.len(), Ordering::Relaxed);
                }
                lock(&results).push((index, result));
            }
        };
        std::thread::scope(|scope| {
            for lane in 1..lanes.min(items.len()) {
                if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, move || run(lane)) {
                    tracing::warn!("the system gives {lane} of {lanes} threads ({error})");
                    break;
                }
            }
            run(0);
        });
        let mut results = lock(&results);
        results.sort_unstable_by_key(|(index, _)| *index);
        results.drain(..).map(|(_, result)| result).collect()
    }

    /// The same for work of kernels, which can be divided: items fewer than the cores run in a [`Team`], all of them at once, and
    /// each may use all of its threads.
    ///
    /// # Errors
    /// The first failure in the items' order.
    pub fn map_divisible<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let run = |item| self.interruption.check().and_then(|()| work(item));
        let few = !items.is_empty() && items.len() < self.team_threads();
        let team = if few { self.team() } else { None };
        let results = team.and_then(|team| team.share(|| items.par_iter().map(run).collect::<Vec<_>>()));
        match results {
            Some(results) => results.into_iter().collect(),
            None => self.map(items, work),
        }
    }

    /// More than there are cores would only take turns.
    fn team_threads(&self) -> usize {
        self.threads().min(cores().get())
    }

    fn team(&self) -> Option<&Team> {
        let threads = NonZero::new(self.team_threads()).unwrap_or(NonZero::<usize>::MIN);
        let begin = || match Team::new(threads, threads) {
            Ok(team) => Some(team),
            Err(error) => {
                tracing::warn!("the system gives no {} threads ({error})", self.team_threads());
                None
            }
        };
        self.team.get_or_init(begin).as_ref()
    }
}

/// Cores that this process may use.
fn cores() -> NonZero<usize> {
    std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

/// A worker that panicked has already ended the process's work; its half result is not in the list.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(threads: usize) -> Workers {
        Workers::new(NonZero::new(threads), Interruption::default())
    }

    #[test]
    fn results_keep_the_items_order() {
        let items: Vec<u64> = (0..1000).collect();
        for threads in [1, 2, 7, 2000] {
            let squares = workers(threads).map(&items, |&item| Ok(item * item)).unwrap();
            assert_eq!(squares, items.iter().map(|item| item * item).collect::<Vec<_>>());
        }
        assert!(workers(3).map(&[] as &[u8], |_| Ok(())).unwrap().is_empty());
    }

    #[test]
    fn fewer_items_than_cores_run_in_a_team() {
        let (workers, cores) = (workers(400), cores().get());
        let pool_of = |_: &usize| Ok(rayon::current_thread_index().map(|_| rayon::current_num_threads()));
        let items: Vec<usize> = (0..cores).collect();
        assert_eq!(workers.map_divisible(&items, pool_of).unwrap(), vec![None; cores]);
        let few = &items[1..];
        assert_eq!(workers.map_divisible(few, pool_of).unwrap(), vec![Some(cores); few.len()]);
        assert_eq!(workers.map(few, pool_of).unwrap(), vec![None; few.len()]);
        let error = workers.map_divisible(few, |&item| -> Result<()> { Err(Error::Bug(item.to_string())) });
        assert!(few.is_empty() || error.unwrap_err().to_string() == "a bug in nearsay: 1");
    }

    #[test]
    fn several_callers_of_one_team_all_finish() {
        let workers = workers(3);
        let call = |i: u64| assert_eq!(workers.map_divisible(&[i], |&i| Ok(i + 1)).unwrap(), [i + 1]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..200).for_each(call));
            }
        });
    }

    #[test]
    fn a_failure_stops_the_rest() {
        let begun = AtomicUsize::new(0);
        let items: Vec<usize> = (0..100_000).collect();
        let result = workers(2).map(&items, |&item| {
            begun.fetch_add(1, Ordering::Relaxed);
            if item == 5 { Err(Error::Bug("five".to_owned())) } else { Ok(()) }
        });
        assert_eq!(result.unwrap_err().to_string(), "a bug in nearsay: five");
        assert!(begun.load(Ordering::Relaxed) < items.len());
    }

    #[test]
    fn a_signal_stops_the_work() {
        let interruption = Interruption::default();
        interruption.0.store(15, Ordering::Relaxed);
        let error = Workers::new(None, interruption).map(&[1], |_| Ok(())).unwrap_err();
        assert_eq!(error.exit_code(), 143);
    }
}
