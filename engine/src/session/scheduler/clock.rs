//! The time by which requests wait.

use std::fmt::Debug;
use std::time::Instant;

/// A clock that never goes back. Tests bring their own.
pub trait Clock: Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Instant;
}

/// The system's monotonic clock, which does not follow the time of day.
#[derive(Debug, Clone, Copy, Default)]
pub struct MonotonicClock;

impl Clock for MonotonicClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that stands still until a test moves it.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct SimulatedClock {
    start: Instant,
    microseconds: std::sync::atomic::AtomicU64,
}

#[cfg(test)]
impl SimulatedClock {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), microseconds: 0.into() }
    }

    pub(super) fn advance(&self, time: std::time::Duration) {
        let microseconds = u64::try_from(time.as_micros()).unwrap();
        self.microseconds.fetch_add(microseconds, std::sync::atomic::Ordering::Relaxed);
    }
}

#[cfg(test)]
impl Clock for SimulatedClock {
    fn now(&self) -> Instant {
        let microseconds = self.microseconds.load(std::sync::atomic::Ordering::Relaxed);
        self.start + std::time::Duration::from_micros(microseconds)
    }
}
