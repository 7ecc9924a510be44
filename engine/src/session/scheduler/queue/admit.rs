//! Requests are let in, or refused.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::reply::TextSize;
use super::entry::{InEncoding, InTokenization, Phase};
use super::flights::{Found, TextKey};
use super::{Effect, Queue, RequestId};
use crate::{Error, Result};

/// Time between two looks for requests that were given up, if the queue is full.
const BETWEEN_SWEEPS: Duration = Duration::from_millis(100);

impl Queue {
    /// Refuses a request before it is tokenized, if it would be refused afterwards, as far as its number of texts tells:
    /// each has a token. Texts whose outputs are kept add nothing to those that wait; until they are tokenized, it is not
    /// known which these are.
    pub(super) fn turn_away(&mut self, texts: u64, now: Instant, effects: &mut Vec<Effect>) -> Result<()> {
        if self.is_closed {
            return Err(Error::Closed);
        }
        let added = |queue: &Self| if queue.cache.bytes() == 0 { texts } else { 0 };
        match self.let_in(texts, added, now, effects) {
            // Its tokens are a better reason.
            Err(Error::RequestTooLarge { .. }) => Ok(()),
            result => result,
        }
    }

    /// Refuses a request of `all` tokens, which adds as many to those that wait as `added` counts.
    pub(super) fn let_in(
        &mut self,
        all: u64,
        added: impl Fn(&Self) -> u64,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Result<()> {
        let check = |queue: &Self| {
            let speed = queue.speed.tokens_per_second();
            queue.admission.check(all, added(queue), queue.queued_tokens(), speed)
        };
        let first = check(self);
        let is_full = matches!(first, Err(Error::QueueFull { .. } | Error::WaitTooLong { .. }));
        let is_due = self.last_sweep.is_none_or(|last| now.saturating_duration_since(last) >= BETWEEN_SWEEPS);
        if !is_full || !is_due {
            return first;
        }
        self.last_sweep = Some(now);
        self.sweep(now, effects);
        check(self)
    }

    /// Drops the requests that were given up or are too late.
    fn sweep(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let mut standing = InTokenization { requests: &self.requests, now, dead: Vec::new() };
        self.tokenizing.sweep(&mut standing);
        let mut dead = standing.dead;
        let mut standing =
            InEncoding { requests: &mut self.requests, flights: &mut self.flights, now, dead: Vec::new() };
        self.encoding.sweep(&mut standing);
        dead.append(&mut standing.dead);
        dead.into_iter().for_each(|(request, error)| self.fail(request, error, effects));
    }

    /// The check of a request's tokens has ended: it is let in or refused. `texts` are its keys and sizes, in order.
    pub(in super::super) fn admit(
        &mut self,
        request: RequestId,
        texts: Result<(Vec<Arc<TextKey>>, Vec<TextSize>)>,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) {
        if !self.requests.contains_key(&request) {
            return;
        }
        let admitted = texts.and_then(|(keys, sizes)| {
            let all = keys.iter().map(|key| key.tokens()).sum();
            self.let_in(all, |queue| queue.added(&keys), now, effects)?;
            Ok((keys, sizes))
        });
        match admitted {
            Ok((keys, sizes)) => self.line_up(request, &keys, sizes, now, effects),
            Err(error) => self.fail(request, error, effects),
        }
    }

    /// The tokens of texts that are neither on their way nor kept.
    fn added(&self, keys: &[Arc<TextKey>]) -> u64 {
        let is_new = |key: &&Arc<TextKey>| !self.flights.is_on_its_way(key) && !self.cache.contains(key);
        let new: HashSet<&Arc<TextKey>> = keys.iter().filter(is_new).collect();
        new.into_iter().map(|key| key.tokens()).sum()
    }

    fn line_up(
        &mut self,
        request: RequestId,
        keys: &[Arc<TextKey>],
        sizes: Vec<TextSize>,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.requests.get_mut(&request) else { return };
        entry.reply.expect(sizes);
        let (mut units, mut items, mut missing) = (Vec::new(), Vec::new(), 0);
        let first_effect = effects.len();
        for (place, key) in keys.iter().enumerate() {
            if let Some(output) = self.cache.get(key) {
                self.counts.cached += 1;
                effects.push(Effect::Deliver { reply: entry.reply.clone(), places: vec![place], output });
                continue;
            }
            missing += 1;
            let (unit, found) = self.flights.want(key, request, place);
            self.counts.coalesced += u64::from(found != Found::New);
            if found == Found::Again {
                continue;
            }
            units.push(unit);
            match self.flights.get(unit).is_some_and(|unit| unit.is_waiting) {
                true => items.push((key.tokens(), unit)),
                false => entry.begin(now),
            }
        }
        if missing > 0 {
            entry.phase = Phase::Encoding { units, missing };
            self.encoding.add(request, entry.class, &entry.kind, items);
            return;
        }
        entry.finish(now);
        if effects.len() == first_effect {
            effects.push(Effect::DeliverNothing(entry.reply.clone()));
        }
        self.requests.remove(&request);
    }
}
