//! Whether a request may wait: by the tokens that wait already, and the time that these will take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;

use super::Failure;
use crate::config::Limits;
use crate::metrics::{Metrics, Rejection};

/// The share of a new measurement in the speed.
const NEW: f64 = 0.2;

/// The tokens that wait, and the speed.
#[derive(Debug)]
pub(crate) struct Admission {
    limits: Limits,
    waiting: AtomicU64,
    /// Tokens per second; 0 before the first measurement.
    speed: Mutex<f64>,
    queued_gauge: Gauge,
    speed_gauge: Gauge<f64, AtomicU64>,
    metrics: Metrics,
}

impl Admission {
    pub(super) fn new(limits: &Limits, metrics: &Metrics) -> Self {
        Self {
            limits: limits.clone(),
            waiting: AtomicU64::new(0),
            speed: Mutex::new(0.0),
            queued_gauge: metrics.queued_tokens.clone(),
            speed_gauge: metrics.tokens_per_second.clone(),
            metrics: metrics.clone(),
        }
    }

    fn speed(&self) -> f64 {
        *self.speed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most tokens that may wait.
    pub(super) fn most_queued(&self) -> u64 {
        let Limits { queued_tokens, wait, tokens_per_request, .. } = &self.limits;
        let by_speed = (2.0 * self.speed() * wait.as_secs_f64()) as u64;
        queued_tokens.unwrap_or(by_speed.max(2 * tokens_per_request))
    }

    /// Lets `tokens` wait until the guard is dropped. A request that finds nothing waiting is always admitted.
    pub(super) fn admit(self: &Arc<Self>, tokens: u64) -> Result<Waiting, Failure> {
        let (most, speed) = (self.most_queued(), self.speed());
        let before = self.waiting.fetch_add(tokens, Ordering::Relaxed);
        let waiting = Waiting { admission: self.clone(), tokens };
        self.show();
        let seconds = if speed > 0.0 { before as f64 / speed } else { 0.0 };
        let too_long = seconds > self.limits.wait.as_secs_f64();
        if before == 0 || (before + tokens <= most && !too_long) {
            return Ok(waiting);
        }
        drop(waiting);
        self.metrics.reject(Rejection::Busy);
        // When half of what waits is done, a request of any size has a chance.
        let retry_after = Duration::try_from_secs_f64(seconds / 2.0).unwrap_or(Duration::MAX);
        Err(Failure::Busy { retry_after, waiting: before, most })
    }

    fn show(&self) {
        self.queued_gauge.set(self.waiting.load(Ordering::Relaxed) as i64);
    }
}

/// Tokens that wait or are encoded.
pub(super) struct Waiting {
    admission: Arc<Admission>,
    tokens: u64,
}

impl Waiting {
    /// Its tokens were encoded in this time.
    pub(super) fn done(self, encode: Duration) {
        let measured = self.tokens as f64 / encode.as_secs_f64().max(1e-6);
        let mut speed = self.admission.speed.lock().unwrap_or_else(PoisonError::into_inner);
        // A few tokens are slower than many, so that they count less.
        let share = NEW * (self.tokens as f64 / 1024.0).min(1.0);
        *speed = if *speed == 0.0 { measured } else { (1.0 - share) * *speed + share * measured };
        self.admission.speed_gauge.set(*speed);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.admission.waiting.fetch_sub(self.tokens, Ordering::Relaxed);
        self.admission.show();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(queued_tokens: u64) -> Arc<Admission> {
        let limits = Limits { queued_tokens: Some(queued_tokens), ..Limits::default() };
        Arc::new(Admission::new(&limits, &Metrics::new()))
    }

    #[test]
    fn tokens_wait_up_to_the_limit_and_leave_room_when_they_are_done() {
        let admission = admission(100);
        let first = admission.admit(60).unwrap();
        let second = admission.admit(40).unwrap();
        assert!(matches!(admission.admit(1), Err(Failure::Busy { waiting: 100, most: 100, .. })));
        drop(first);
        assert!(admission.admit(60).is_ok());
        second.done(Duration::from_millis(4));
        assert!((admission.speed() - 10_000.0).abs() < 1.0);
        assert_eq!(admission.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_finds_nothing_waiting_is_admitted() {
        assert!(admission(100).admit(1000).is_ok());
    }

    #[test]
    fn a_long_wait_is_refused_with_the_time_until_there_is_room() {
        let admission = admission(u64::MAX / 2);
        admission.admit(1000).unwrap().done(Duration::from_secs(1));
        let _waiting = admission.admit(31_000).unwrap();
        let Err(Failure::Busy { retry_after, .. }) = admission.admit(1) else { panic!("admitted") };
        assert_eq!(retry_after.as_secs_f64().ceil(), 16.0);
    }
}
