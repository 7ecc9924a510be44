//! How many tokens are encoded per second, measured.

use std::time::Duration;

/// Time after which what was measured counts half.
const HALF_LIFE_SECONDS: f64 = 10.0;

/// Tokens and the time that workers needed for them, the older ones weighing less.
///
/// Only batches after which others waited count: then all workers are at work, and batches are full. A single text on
/// an idle machine, with all threads to itself, says little about either.
#[derive(Debug)]
pub(super) struct Speed {
    workers: f64,
    tokens: f64,
    /// Of one worker.
    seconds: f64,
    /// The speed that was stated before anything was measured.
    stated: Option<f64>,
}

impl Speed {
    /// `workers` encode at the same time. `stated` counts until something was measured.
    pub(super) fn new(workers: usize, stated: Option<f64>) -> Self {
        Self { workers: workers as f64, tokens: 0.0, seconds: 0.0, stated }
    }

    /// A worker needed `time` for `tokens`; with 0 for other work, while tokens waited.
    pub(super) fn add(&mut self, tokens: u64, time: Duration) {
        let seconds = time.as_secs_f64();
        let kept = (-seconds / (self.workers * HALF_LIFE_SECONDS)).exp2();
        self.tokens = self.tokens * kept + tokens as f64;
        self.seconds = self.seconds * kept + seconds;
    }

    /// Tokens per second of all workers, above 0; `None` until something was measured or stated.
    pub(super) fn tokens_per_second(&self) -> Option<f64> {
        let measured = self.workers * self.tokens / self.seconds;
        Some(measured).filter(|speed| speed.is_finite() && *speed > 0.0).or(self.stated)
    }

    /// The time that one worker needs for `tokens`; `None` as above.
    pub(super) fn time_of_worker(&self, tokens: u64) -> Option<Duration> {
        let seconds = self.workers * tokens as f64 / self.tokens_per_second()?;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_is_of_all_workers_and_follows_changes() {
        let mut speed = Speed::new(4, None);
        assert_eq!(speed.tokens_per_second(), None);
        speed.add(0, Duration::from_secs(1));
        assert_eq!(speed.tokens_per_second(), None);
        let mut speed = Speed::new(4, None);
        for _ in 0..10_000 {
            speed.add(256, Duration::from_millis(20));
        }
        assert!((speed.tokens_per_second().unwrap() - 4.0 * 12_800.0).abs() < 1.0);
        // Half as fast for one half-life of four workers: halfway there. Steps of the discrete sum are far below 1 %.
        for _ in 0..1000 {
            speed.add(256, Duration::from_millis(40));
        }
        let between = 4.0 * 9600.0;
        assert!((speed.tokens_per_second().unwrap() / between - 1.0).abs() < 0.01, "{speed:?}");
    }

    #[test]
    fn a_stated_speed_counts_until_one_is_measured() {
        let mut speed = Speed::new(1, Some(500.0));
        assert_eq!(speed.tokens_per_second(), Some(500.0));
        speed.add(100, Duration::from_secs(1));
        assert_eq!(speed.tokens_per_second(), Some(100.0));
        assert_eq!(speed.time_of_worker(50), Some(Duration::from_millis(500)));
        assert_eq!(Speed::new(4, Some(500.0)).time_of_worker(500), Some(Duration::from_secs(4)));
        assert_eq!(Speed::new(4, None).time_of_worker(500), None);
    }
}
