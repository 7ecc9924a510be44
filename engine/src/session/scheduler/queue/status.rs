//! The queue's content, permits and shutdown.

use std::time::Instant;

use super::super::statistics::{SchedulerStatistics, WorkInProgress};
use super::{Effect, Queue, RequestId};
use crate::{Error, Result};

impl Queue {
    /// A thread calls requests' functions, until [`Queue::end_delivery`].
    pub(in super::super) fn begin_delivery(&mut self) {
        self.delivering += 1;
    }

    pub(in super::super) fn end_delivery(&mut self) {
        self.delivering -= 1;
    }

    /// Refuses further requests.
    pub(in super::super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Ends all requests.
    pub(in super::super) fn clear(&mut self, effects: &mut Vec<Effect>) {
        let requests: Vec<RequestId> = self.requests.keys().copied().collect();
        requests.into_iter().for_each(|request| self.fail(request, Error::Cancelled, effects));
    }

    /// Whether nothing is on its way.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.at_work.is_empty() && self.delivering == 0 && self.granted == 0
    }

    /// Counts `tokens` that are encoded elsewhere as waiting.
    ///
    /// # Errors
    /// As [`Admission::check`](super::admission::Admission::check); [`Error::Closed`].
    pub(in super::super) fn grant(
        &mut self,
        tokens: u64,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Result<()> {
        let closed = if self.is_closed { Err(Error::Closed) } else { Ok(()) };
        closed
            .and_then(|()| self.let_in(tokens, |_| tokens, now, effects))
            .inspect_err(|error| self.counts.count_failure(error))?;
        self.granted += tokens;
        Ok(())
    }

    /// Granted tokens no longer wait.
    pub(in super::super) fn release(&mut self, tokens: u64) {
        self.granted -= tokens;
    }

    /// Tokens that wait.
    pub(super) fn queued_tokens(&self) -> u64 {
        self.flights.waiting_tokens() + self.granted
    }

    /// What the threads are doing.
    pub(in super::super) fn in_progress(&self, now: Instant) -> Vec<WorkInProgress> {
        let work = |(&number, &(start, tokens)): (&u64, &(Instant, Option<u64>))| WorkInProgress {
            number,
            tokens,
            time: now.saturating_duration_since(start),
            predicted: tokens.and_then(|tokens| self.speed.time_of_worker(tokens)),
        };
        self.at_work.iter().map(work).collect()
    }

    pub(in super::super) fn statistics(&self, now: Instant) -> SchedulerStatistics {
        let speed = self.speed.tokens_per_second();
        let at_work = self.at_work.values().map(|(start, _)| now.saturating_duration_since(*start));
        SchedulerStatistics {
            queued_tokens: self.queued_tokens(),
            queued_texts: self.flights.waiting_texts(),
            requests: self.requests.len() as u64,
            max_queued_tokens: self.admission.max_queued_tokens(speed),
            tokens_per_second: speed,
            longest_at_work: at_work.max(),
            cache_bytes: self.cache.bytes() as u64,
            counts: self.counts,
        }
    }
}
