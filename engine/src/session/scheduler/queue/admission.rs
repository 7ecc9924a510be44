//! Which requests are let in.
//!
//! A request is asked about once it is tokenized, before anything of it is encoded: `waiting` are the tokens of texts
//! that no worker has taken, of other requests; `tokens` those that it adds.
//!
//! - It has at most `max_tokens_per_request` tokens, and adds at most as many as the queue holds: more could never be let in.
//! - If nothing waits, it is taken.
//! - `waiting + tokens` are at most as many as the queue holds, which bounds memory.
//! - `waiting / speed` is at most `max_wait`, which bounds the time until its first turn in a queue without classes.

use std::time::Duration;

use super::super::SchedulerOptions;
use crate::{Error, Result};

/// The fewest and the most seconds after which a refused client is asked to try again.
const RETRY_SECONDS: (f64, f64) = (1.0, 120.0);

/// The limits of requests.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    max_tokens_per_request: u64,
    max_queued_tokens: Option<u64>,
    max_wait: Duration,
}

impl Admission {
    pub(super) fn new(options: &SchedulerOptions) -> Self {
        Self {
            max_tokens_per_request: options.max_tokens_per_request,
            max_queued_tokens: options.max_queued_tokens,
            max_wait: options.max_wait,
        }
    }

    /// The most tokens that wait at `speed` tokens per second.
    pub(super) fn max_queued_tokens(&self, speed: Option<f64>) -> u64 {
        let of_speed = speed.map_or(0.0, |speed| 2.0 * self.max_wait.as_secs_f64() * speed);
        let of_requests = self.max_tokens_per_request.saturating_mul(2);
        self.max_queued_tokens.unwrap_or_else(|| of_requests.max(of_speed as u64))
    }

    /// Refuses a request that has `all` tokens and adds `tokens` to those that wait.
    ///
    /// # Errors
    /// [`Error::RequestTooLarge`] if it can never be let in; [`Error::QueueFull`] and [`Error::WaitTooLong`] if not now.
    pub(super) fn check(&self, all: u64, tokens: u64, waiting: u64, speed: Option<f64>) -> Result<()> {
        let most = self.max_queued_tokens(speed);
        if all > self.max_tokens_per_request {
            let limit = self.max_tokens_per_request;
            return Err(Error::RequestTooLarge { tokens: all, limit, holder: "a request" });
        }
        if tokens > most {
            return Err(Error::RequestTooLarge { tokens, limit: most, holder: "the queue" });
        }
        if waiting == 0 || tokens == 0 {
            return Ok(());
        }
        if waiting + tokens > most {
            let excess = (waiting + tokens - most) as f64;
            let retry_after = retry_after(speed.map_or(0.0, |speed| excess / speed));
            return Err(Error::QueueFull { tokens, waiting, limit: most, retry_after });
        }
        let wait = speed.map_or(0.0, |speed| waiting as f64 / speed);
        let limit = self.max_wait.as_secs_f64();
        if wait > limit {
            return Err(Error::WaitTooLong {
                seconds: wait.ceil() as u64,
                limit: self.max_wait.as_secs(),
                retry_after: retry_after(wait - limit),
            });
        }
        Ok(())
    }
}

/// Whole seconds after which a client is asked to try again.
fn retry_after(seconds: f64) -> u64 {
    seconds.ceil().clamp(RETRY_SECONDS.0, RETRY_SECONDS.1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(max_queued_tokens: Option<u64>) -> Admission {
        Admission { max_tokens_per_request: 1000, max_queued_tokens, max_wait: Duration::from_secs(30) }
    }

    #[test]
    fn the_queue_holds_twice_the_longest_wait_or_two_requests() {
        let most = |speed| admission(None).max_queued_tokens(speed);
        assert_eq!([most(None), most(Some(10.0)), most(Some(100.0))], [2000, 2000, 6000]);
        assert_eq!(admission(Some(7)).max_queued_tokens(Some(100.0)), 7);
    }

    /// The least and the greatest that is let in, for each limit.
    #[test]
    fn each_limit_counts_from_its_first_token() {
        let speed = Some(100.0);
        let check = |all, tokens, waiting| admission(Some(5000)).check(all, tokens, waiting, speed);
        assert!(check(1000, 1000, 0).is_ok());
        assert!(matches!(
            check(1001, 1, 0),
            Err(Error::RequestTooLarge { tokens: 1001, limit: 1000, holder: "a request" })
        ));
        assert!(matches!(
            admission(Some(500)).check(600, 501, 0, speed),
            Err(Error::RequestTooLarge { tokens: 501, limit: 500, holder: "the queue" })
        ));
        assert!(admission(Some(500)).check(600, 500, 0, speed).is_ok());
        // 30 s at 100 tokens per second.
        assert!(check(100, 100, 3000).is_ok());
        assert!(matches!(
            check(100, 100, 3001),
            Err(Error::WaitTooLong { seconds: 31, limit: 30, retry_after: 1 })
        ));
        assert!(check(100, 0, 3001).is_ok());
        let fast = |tokens, waiting| admission(Some(5000)).check(tokens, tokens, waiting, Some(200.0));
        assert!(fast(1000, 4000).is_ok());
        let error = fast(1000, 4600).unwrap_err();
        assert!(matches!(
            error,
            Error::QueueFull { tokens: 1000, waiting: 4600, limit: 5000, retry_after: 3 }
        ));
    }

    #[test]
    fn clients_are_asked_to_wait_between_1_and_120_seconds() {
        let wait = |waiting, speed| match admission(Some(1 << 40)).check(1, 1, waiting, speed).unwrap_err() {
            Error::WaitTooLong { retry_after, .. } => retry_after,
            other => panic!("{other}"),
        };
        assert_eq!(
            [wait(3050, Some(100.0)), wait(5100, Some(100.0)), wait(1 << 39, Some(1.0))],
            [1, 21, 120]
        );
        let unknown = admission(Some(10)).check(5, 5, 6, None).unwrap_err();
        assert!(matches!(unknown, Error::QueueFull { retry_after: 1, .. }), "{unknown}");
    }
}
