//! Whether other work disturbed a measurement.
//!
//! There are two signs: the CPU time that this process got, as a share of what its threads could have used
//! (`threads * wall`, with no more threads than cores), and how far the passes of a figure are apart. Workers
//! are busy from the first to the last micro-batch of a pass: on two cores they ran, or waited for a core,
//! 98 to 100 % of the time, so on an idle machine the share is nearly 1.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::Throughput;

/// A smaller share of the CPU than this means that others used it.
const LEAST_CPU_SHARE: f64 = 0.85;

/// Passes that are further apart than this, relative to their median, were disturbed.
const MOST_SPREAD: f64 = 0.25;

/// Passes whose spread says something.
const FEWEST_PASSES: usize = 5;

/// The load of the machine during a measurement.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Load {
    /// The smallest `cpu_share` of a figure of many passes.
    pub cpu_share: Option<f64>,
    /// The largest `spread` of such a figure.
    pub spread: Option<f64>,
    /// Such figures that were disturbed.
    pub disturbed: usize,
    /// Whether one was: the machine was busy with other work.
    pub busy: bool,
}

impl Load {
    /// The load during the passes of some figures.
    pub(super) fn of(figures: impl IntoIterator<Item = Passes>) -> Self {
        let figures: Vec<Passes> = figures.into_iter().collect();
        let disturbed = figures.iter().filter(|passes| passes.are_disturbed()).count();
        Self {
            cpu_share: figures.iter().filter_map(|passes| passes.cpu_share).reduce(f64::min),
            spread: figures.iter().filter_map(|passes| passes.spread).reduce(f64::max),
            disturbed,
            busy: disturbed > 0,
        }
    }
}

/// The passes of a figure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passes {
    /// Their number.
    pub(super) rounds: usize,
    /// The CPU time of the process as a share of that of its threads; `None` on GPUs.
    pub(super) cpu_share: Option<f64>,
    /// How far they are apart, relative to their median.
    pub(super) spread: Option<f64>,
}

impl Passes {
    /// Whether other work on the machine disturbed them.
    pub(super) fn are_disturbed(self) -> bool {
        self.cpu_share.is_some_and(|share| share < LEAST_CPU_SHARE)
            || self.rounds >= FEWEST_PASSES && self.spread.is_some_and(|spread| spread > MOST_SPREAD)
    }
}

impl Throughput {
    pub(super) fn passes(&self) -> Passes {
        Passes { rounds: self.rounds, cpu_share: self.cpu_share, spread: self.spread }
    }

    /// Whether other work on the machine disturbed it.
    pub fn is_disturbed(&self) -> bool {
        self.passes().are_disturbed()
    }
}

/// Measures the CPU time of this process, of all of its threads.
pub(super) struct CpuClock {
    wall: Instant,
    cpu: Duration,
}

impl CpuClock {
    pub(super) fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_time() }
    }

    /// The CPU time since the start as a share of what `threads` threads could have used on `cores` cores.
    pub(super) fn share(&self, threads: usize, cores: usize) -> f64 {
        share(cpu_time().saturating_sub(self.cpu), self.wall.elapsed(), threads.min(cores))
    }
}

fn share(cpu: Duration, wall: Duration, threads: usize) -> f64 {
    let possible = threads.max(1) as f64 * wall.as_secs_f64();
    if possible > 0.0 { cpu.as_secs_f64() / possible } else { 1.0 }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(cpu_share: Option<f64>, spread: Option<f64>, rounds: usize) -> Passes {
        Throughput { cpu_share, spread, rounds, ..Throughput::default() }.passes()
    }

    #[test]
    fn other_work_shows_in_the_share_or_in_the_spread() {
        for (cpu_share, spread, rounds, busy) in [
            (Some(0.99), Some(0.02), 40, false),
            (Some(0.6), Some(0.02), 40, true),
            (Some(0.99), Some(0.5), 40, true),
            // Of few passes one may be slow by chance.
            (Some(0.99), Some(0.5), 3, false),
            (Some(0.99), None, 1, false),
            // On a GPU.
            (None, Some(0.5), 40, true),
            (None, Some(0.01), 40, false),
        ] {
            let load = Load::of([figure(Some(1.0), Some(0.0), 9), figure(cpu_share, spread, rounds)]);
            assert_eq!((load.busy, load.disturbed), (busy, usize::from(busy)), "{load:?}");
        }
        let load = Load::of([figure(Some(0.9), Some(0.1), 9), figure(Some(0.5), None, 1)]);
        assert_eq!((load.cpu_share, load.spread), (Some(0.5), Some(0.1)));
        assert!(!Load::of([]).busy);
    }

    #[test]
    fn a_share_is_of_the_threads_that_have_a_core() {
        let second = Duration::from_secs(1);
        assert_eq!(share(second, second, 2), 0.5);
        assert_eq!(share(second, Duration::ZERO, 2), 1.0);
    }

    #[test]
    fn work_takes_cpu_time_and_sleep_does_not() {
        let before = cpu_time();
        while cpu_time() - before < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        assert!(cpu_time() > before);
    }
}
