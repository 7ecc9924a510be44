//! Finds out that the encoder hangs.
//!
//! A batch hangs if it takes longer than [`Limits::hang`] and [`Limits::HANG_PER_TOKEN`] for each of its tokens, and
//! longer than [`Limits::SLOWEST`] times what the measured speed predicts. Only time in which the watchdog itself runs
//! counts, and in which no model is being loaded: a machine that was suspended, and a disk that is slow, are no faults of
//! the encoder.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nearsay::session::scheduler::WorkInProgress;

use crate::Error;
use crate::config::Limits;
use crate::shared::Shared;

/// Time between two looks, at most.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Models that are being loaded.
#[derive(Debug, Default)]
pub(crate) struct Loads(AtomicUsize);

/// A model that is being loaded.
#[derive(Debug)]
pub(crate) struct Loading<'a>(&'a Loads);

impl Loads {
    /// Counts a load until the guard is dropped.
    pub(crate) fn start(&self) -> Loading<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Loading(self)
    }

    fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Work that hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overdue {
    /// The tokens of the batch; `None` for tokenization.
    tokens: Option<u64>,
    time: Duration,
    limit: Duration,
}

impl From<Overdue> for Error {
    fn from(overdue: Overdue) -> Self {
        let Overdue { tokens, time, limit } = overdue;
        let what = match tokens {
            Some(tokens) => format!("a batch of {tokens} tokens"),
            None => "tokenization".to_owned(),
        };
        Self::Hung { what, seconds: time.as_secs_f64(), limit: limit.as_secs_f64() }
    }
}

/// Waits until the encoder hangs.
pub(crate) async fn hang(shared: &Shared) -> Overdue {
    let least = shared.config.limits.hang;
    let between = BETWEEN_LOOKS.min(least / 8);
    let mut watched = Watched::default();
    let mut last = Instant::now();
    loop {
        tokio::time::sleep(between).await;
        let now = Instant::now();
        let passed = if shared.loading.any() { Duration::ZERO } else { (now - last).min(2 * between) };
        last = now;
        if let Some(overdue) = watched.look(&shared.work.in_progress(), passed, least) {
            return overdue;
        }
    }
}

/// The time for which work was seen in progress, by its number.
#[derive(Debug, Default)]
struct Watched(HashMap<u64, Duration>);

impl Watched {
    /// Work that takes too long, if `passed` is the time since the last look.
    fn look(&mut self, work: &[WorkInProgress], passed: Duration, least: Duration) -> Option<Overdue> {
        let seen = |work: &WorkInProgress| {
            let before = self.0.get(&work.number);
            (work.number, before.map_or(Duration::ZERO, |before| *before + passed))
        };
        self.0 = work.iter().map(seen).collect();
        work.iter().find_map(|work| {
            let (time, limit) = (self.0.get(&work.number).copied()?, limit(work, least));
            (time > limit).then_some(Overdue { tokens: work.tokens, time, limit })
        })
    }
}

/// The longest time that work may take.
fn limit(work: &WorkInProgress, least: Duration) -> Duration {
    let tokens = u32::try_from(work.tokens.unwrap_or_default()).unwrap_or(u32::MAX);
    let of_tokens = least.saturating_add(Limits::HANG_PER_TOKEN.saturating_mul(tokens));
    let of_speed = work.predicted.unwrap_or_default().saturating_mul(Limits::SLOWEST);
    of_tokens.max(of_speed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Duration = Duration::from_secs(60);

    fn look(watched: &mut Watched, number: u64, passed: u64) -> Option<Overdue> {
        watched.look(&[work(number, Some(256), None)], Duration::from_secs(passed), LEAST)
    }

    fn work(number: u64, tokens: Option<u64>, predicted: Option<Duration>) -> WorkInProgress {
        WorkInProgress { number, tokens, time: Duration::from_secs(1000), predicted }
    }

    #[test]
    fn work_hangs_if_it_is_seen_for_longer_than_it_may_take() {
        let mut watched = Watched::default();
        // Long before the first look, while the machine may have been suspended.
        assert_eq!(look(&mut watched, 1, 1), None);
        assert_eq!(look(&mut watched, 1, 85), None);
        let overdue = look(&mut watched, 1, 1).unwrap();
        assert_eq!((overdue.time, overdue.limit), (Duration::from_secs(86), Duration::from_millis(85_600)));
        // Others are new.
        assert_eq!(look(&mut watched, 2, 100), None);
        assert_eq!(look(&mut watched, 3, 100), None);
        assert_eq!(look(&mut watched, 3, 0), None);
        let error = Error::from(overdue).to_string();
        assert_eq!(error, "the encoder hangs: a batch of 256 tokens has taken 86.0 s, and may take 85.6 s");
    }

    #[test]
    fn slow_machines_and_long_texts_have_more_time() {
        assert_eq!(limit(&work(1, None, None), LEAST), LEAST);
        assert_eq!(limit(&work(1, Some(8192), None), LEAST), Duration::from_millis(879_200));
        let slow = Some(Duration::from_secs(2));
        assert_eq!(limit(&work(1, Some(256), slow), LEAST), Duration::from_secs(200));
    }

    #[test]
    fn loads_are_counted_while_they_last() {
        let loads = Loads::default();
        let (first, second) = (loads.start(), loads.start());
        drop(first);
        assert!(loads.any());
        drop(second);
        assert!(!loads.any());
    }
}
