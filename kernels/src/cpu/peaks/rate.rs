//! The work of several threads together, per second.
//!
//! Unlike the rest of this crate it starts its own threads. They start each run together, and the run's rate
//! is the work of all of them over the time from the first one's start to the last one's end: more threads
//! than cores reach no more than the cores do. The best of [`WINDOWS`] runs counts, since other work on the
//! machine only ever makes a run slower.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Runs, of which the best counts.
const WINDOWS: usize = 12;

/// The shortest run.
const WINDOW: Duration = Duration::from_millis(15);

/// The work of `threads` threads per second in the best window: each prepares an input, then `work` returns
/// how much it did in a step.
pub(super) fn rate<T>(
    threads: usize,
    prepare: impl Fn() -> T + Sync,
    work: impl Fn(&T, usize) -> usize + Sync,
) -> io::Result<f64> {
    let line = StartLine { threads, arrived: AtomicUsize::new(0), called_off: AtomicBool::new(false) };
    let run = || {
        let input = prepare();
        [(); WINDOWS].map(|()| line.wait().then(|| window(|step| work(&input, step))))
    };
    let shares = std::thread::scope(|scope| {
        let start = |_| std::thread::Builder::new().spawn_scoped(scope, run);
        let started = (0..threads).map(start).collect::<io::Result<Vec<_>>>();
        let started = started.inspect_err(|_| line.called_off.store(true, Ordering::Relaxed))?;
        let finished = started.into_iter().map(|thread| thread.join());
        Ok::<_, io::Error>(
            finished
                .map(|shares| shares.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Vec<_>>(),
        )
    })?;
    let together = |number| together(shares.iter().filter_map(|shares: &[_; WINDOWS]| shares[number]));
    Ok((0..WINDOWS).map(together).fold(0.0, f64::max))
}

/// Where threads wait for each other before every window.
struct StartLine {
    threads: usize,
    /// Threads that have come here, over all windows.
    arrived: AtomicUsize,
    /// Set if a thread could not be started.
    called_off: AtomicBool,
}

impl StartLine {
    /// Returns when all threads have come as often as this one, or false if they never will.
    fn wait(&self) -> bool {
        let arrived = self.arrived.fetch_add(1, Ordering::AcqRel);
        let full = (arrived / self.threads + 1) * self.threads;
        // A thread that sleeps would wake up too late.
        while self.arrived.load(Ordering::Acquire) < full {
            if self.called_off.load(Ordering::Relaxed) {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }
}

/// What one thread did in a window.
#[derive(Clone, Copy)]
struct Share {
    start: Instant,
    end: Instant,
    done: usize,
}

/// Repeats `work`, which is called with the number of the step, until the window is over.
fn window(work: impl Fn(usize) -> usize) -> Share {
    let (start, mut done, mut step) = (Instant::now(), 0, 0);
    while start.elapsed() < WINDOW {
        done += work(step);
        step += 1;
    }
    Share { start, end: Instant::now(), done }
}

/// The work per second of all threads, from the first one's start to the last one's end.
fn together(shares: impl Iterator<Item = Share>) -> f64 {
    let all = shares.reduce(|all, share| Share {
        start: all.start.min(share.start),
        end: all.end.max(share.end),
        done: all.done + share.done,
    });
    all.map_or(0.0, |all| all.done as f64 / (all.end - all.start).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_window_is_from_the_first_start_to_the_last_end() {
        let zero = Instant::now();
        let share = |start, end, done| {
            let at = |second| zero + Duration::from_secs(second);
            Share { start: at(start), end: at(end), done }
        };
        assert_eq!(together([share(1, 2, 30), share(0, 1, 10)].into_iter()), 20.0);
        assert_eq!(together([].into_iter()), 0.0);
    }

    /// Two threads share one core, here a lock. The second comes later than all windows of the first would
    /// take alone: rates of separate windows would add up to twice the core's.
    #[test]
    fn threads_that_share_a_core_reach_no_more_than_it() {
        let (core, started) = (Mutex::new(()), AtomicUsize::new(0));
        let late = 2 * WINDOW * WINDOWS as u32;
        let prepare = || std::thread::sleep(late * started.fetch_add(1, Ordering::Relaxed) as u32);
        let work = |(): &(), _| {
            let _core = core.lock().unwrap();
            std::thread::sleep(Duration::from_millis(1));
            1
        };
        let rate = rate(2, prepare, work).unwrap();
        assert!(rate > 0.0 && rate <= 1000.0, "{rate}");
    }

    #[test]
    fn a_step_is_called_with_its_number() {
        let sum = |step| step + 1;
        let share = window(sum);
        let steps = (1..).find(|steps| steps * (steps + 1) / 2 >= share.done).unwrap();
        assert_eq!(steps * (steps + 1) / 2, share.done);
        assert!(share.end - share.start >= WINDOW);
    }
}
