//! Requests on their way, from texts to outputs, without threads: every method is called under one lock, with the time.
//!
//! ```text
//! submit -> line for tokenization -> slices -> all tokens -> admission -> line for encoding -> batches -> outputs
//! ```
//!
//! What must be done without the lock (calling a request's functions) is returned as [`Effect`]s.

mod admission;
mod admit;
mod cache;
mod entry;
mod flights;
mod speed;
mod status;
mod turns;

use std::collections::HashMap;
use std::time::{Duration, Instant};

pub(super) use entry::{Effect, EncodeBatch, Outcome, Ready, Slice, SlicePart, Work};
pub(super) use flights::TextKey;
pub(super) use turns::BatchRules;

use super::SchedulerOptions;
use super::request::{Submission, Submitted};
use super::statistics::SchedulerCounts;
use crate::{Error, Result};
use admission::Admission;
use cache::OutputCache;
use entry::{Entry, InEncoding, InTokenization, Phase, Slices};
use flights::{Flights, UnitId};
use speed::Speed;
use turns::Turns;

/// A request, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RequestId(u64);

/// A thread's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Tokenization and encoding, in turns if there is work of both.
    Both,
    Encode,
    Tokenize,
}

/// Requests without an outcome.
pub(super) struct Queue {
    admission: Admission,
    requests: HashMap<RequestId, Entry>,
    next_request: u64,
    /// Requests with texts to tokenize, by their places.
    tokenizing: Turns<Slices, usize>,
    /// Requests with texts to encode.
    encoding: Turns<super::kind::AnyKind, UnitId>,
    flights: Flights,
    cache: OutputCache,
    speed: Speed,
    counts: SchedulerCounts,
    /// Tokens of permits.
    granted: u64,
    /// Whether threads for both encode next if they can.
    encodes_next: bool,
    /// Threads that call requests' functions.
    delivering: usize,
    /// When each slice and batch at work was taken, by its number, and the tokens of the batches.
    at_work: HashMap<u64, (Instant, Option<u64>)>,
    next_work: u64,
    last_sweep: Option<Instant>,
    is_closed: bool,
}

impl Queue {
    pub(super) fn new(options: &SchedulerOptions) -> Self {
        Self {
            admission: Admission::new(options),
            requests: HashMap::new(),
            next_request: 0,
            tokenizing: Turns::default(),
            encoding: Turns::default(),
            flights: Flights::default(),
            cache: OutputCache::new(options.cache_bytes),
            speed: Speed::new(options.threads.encoding(), options.tokens_per_second),
            counts: SchedulerCounts::default(),
            granted: 0,
            encodes_next: false,
            delivering: 0,
            at_work: HashMap::new(),
            next_work: 0,
            last_sweep: None,
            is_closed: false,
        }
    }

    /// A new request. Its texts wait for tokenization; if they are tokenized, they are returned for their check.
    pub(super) fn submit(
        &mut self,
        submission: Submission,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Option<Ready> {
        let id = RequestId(self.next_request);
        self.next_request += 1;
        let Submission { kind, texts, class, control, check, reply } = submission;
        let entry = |phase| Entry::new((kind.clone(), class, control, reply), now, phase);
        match texts {
            Submitted::Tokens(tokens) => {
                self.requests.insert(id, entry(Phase::Checking));
                if self.is_closed {
                    self.fail(id, Error::Closed, effects);
                    return None;
                }
                Some(Ready { request: id, kind, tokens, check })
            }
            Submitted::Texts { source, bytes } => {
                let missing = bytes.len();
                let phase = Phase::Tokenizing { source, tokens: vec![None; missing], missing, check };
                self.requests.insert(id, entry(phase));
                match self.turn_away(missing as u64, now, effects) {
                    Err(error) => self.fail(id, error, effects),
                    Ok(()) if bytes.is_empty() => return self.ready(id),
                    Ok(()) => {
                        let items = bytes.iter().map(|&bytes| bytes.max(1) as u64).zip(0..);
                        self.tokenizing.add(id, class, &Slices, items.collect());
                    }
                }
                None
            }
        }
    }

    /// Work for a thread; `None` if there is none now.
    pub(super) fn take(&mut self, role: Role, now: Instant, effects: &mut Vec<Effect>) -> Option<Work> {
        match role {
            Role::Encode => self.take_batch(now, effects),
            Role::Tokenize => self.take_slice(now, effects),
            Role::Both if self.encodes_next => {
                self.take_batch(now, effects).or_else(|| self.take_slice(now, effects))
            }
            Role::Both => self.take_slice(now, effects).or_else(|| self.take_batch(now, effects)),
        }
    }

    /// Whether there may be work for a thread.
    pub(super) fn has_work(&self, role: Role) -> bool {
        (role != Role::Encode && !self.tokenizing.is_empty())
            || (role != Role::Tokenize && !self.encoding.is_empty())
    }

    fn take_slice(&mut self, now: Instant, effects: &mut Vec<Effect>) -> Option<Work> {
        let mut standing = InTokenization { requests: &self.requests, now, dead: Vec::new() };
        let batch = self.tokenizing.take(&mut standing);
        standing.dead.into_iter().for_each(|(request, error)| self.fail(request, error, effects));
        let batch = batch?;
        self.encodes_next = true;
        let mut parts: Vec<SlicePart> = Vec::new();
        for (request, place) in batch.items {
            match parts.last_mut() {
                Some(part) if part.request == request => part.places.push(place),
                _ => {
                    let Some(source) = self.requests.get(&request).and_then(Entry::source) else { continue };
                    parts.push(SlicePart { request, source, places: vec![place] });
                }
            }
        }
        Some(Work::Tokenize(Slice { number: self.start(now, None), parts }))
    }

    fn take_batch(&mut self, now: Instant, effects: &mut Vec<Effect>) -> Option<Work> {
        let mut standing =
            InEncoding { requests: &mut self.requests, flights: &mut self.flights, now, dead: Vec::new() };
        let batch = self.encoding.take(&mut standing);
        standing.dead.into_iter().for_each(|(request, error)| self.fail(request, error, effects));
        let batch = batch?;
        self.encodes_next = false;
        let unit = |(_, id)| self.flights.get(id).map(|unit| (id, unit.key.clone()));
        let units = batch.items.into_iter().filter_map(unit).collect();
        let is_backlogged = self.flights.waiting_texts() > 0;
        let number = self.start(now, Some(batch.cost));
        Some(Work::Encode(EncodeBatch { number, kind: batch.kind, units, tokens: batch.cost, is_backlogged }))
    }

    fn start(&mut self, now: Instant, tokens: Option<u64>) -> u64 {
        self.next_work += 1;
        self.at_work.insert(self.next_work, (now, tokens));
        self.next_work
    }

    /// A slice is finished, after `time`.
    pub(super) fn end_slice(&mut self, number: u64, role: Role, time: Duration) {
        self.at_work.remove(&number);
        if role == Role::Both && self.flights.waiting_texts() > 0 {
            self.speed.add(0, time);
        }
    }

    /// A request's texts in these places were tokenized, in `time`. If they were its last ones, all are returned for their
    /// check.
    pub(super) fn tokenized(
        &mut self,
        part: &SlicePart,
        tokens: Result<Vec<crate::tokens::TokenizedText>>,
        time: Duration,
        effects: &mut Vec<Effect>,
    ) -> Option<Ready> {
        let entry = self.requests.get_mut(&part.request)?;
        entry.tokenize += time;
        let texts = match tokens {
            Ok(texts) => texts,
            Err(error) => {
                self.fail(part.request, error, effects);
                return None;
            }
        };
        entry.add_tokens(&part.places, texts).then_some(())?;
        self.ready(part.request)
    }

    /// All tokens of a request, for their check.
    fn ready(&mut self, request: RequestId) -> Option<Ready> {
        let entry = self.requests.get_mut(&request)?;
        match std::mem::replace(&mut entry.phase, Phase::Checking) {
            Phase::Tokenizing { tokens, check, .. } => {
                let tokens = tokens.into_iter().flatten().collect();
                Some(Ready { request, kind: entry.kind.clone(), tokens, check })
            }
            other => {
                entry.phase = other;
                None
            }
        }
    }

    /// A batch is finished, after `time`.
    pub(super) fn encoded(
        &mut self,
        batch: EncodeBatch,
        outcomes: Vec<Outcome>,
        (now, time): (Instant, Duration),
        effects: &mut Vec<Effect>,
    ) {
        self.at_work.remove(&batch.number);
        self.counts.batches += 1;
        self.counts.texts += batch.units.len() as u64;
        self.counts.tokens += batch.tokens;
        if batch.is_backlogged {
            self.speed.add(batch.tokens, time);
        }
        for ((unit, key), outcome) in batch.units.into_iter().zip(outcomes) {
            if let Ok(output) = &outcome {
                self.cache.insert(&key, output, batch.kind.output_bytes(output));
            }
            let wanters = self.flights.finish(unit).map(|unit| unit.wanters).unwrap_or_default();
            for wanter in wanters {
                match &outcome {
                    Ok(output) => {
                        let Some(entry) = self.requests.get_mut(&wanter.request) else { continue };
                        let is_last = entry.take_output(wanter.places.len());
                        if is_last {
                            entry.finish(now);
                        }
                        let (reply, output) = (entry.reply.clone(), output.clone());
                        effects.push(Effect::Deliver { reply, places: wanter.places, output });
                        if is_last {
                            self.requests.remove(&wanter.request);
                        }
                    }
                    Err(error) => {
                        let index = wanter.places.first().copied().unwrap_or_default();
                        let error = Error::OfText { index, error: error.clone() };
                        self.fail(wanter.request, error, effects);
                    }
                }
            }
        }
    }

    /// Ends a request with an error, unless it has an outcome.
    fn fail(&mut self, request: RequestId, error: Error, effects: &mut Vec<Effect>) {
        let Some(entry) = self.requests.remove(&request) else { return };
        if let Phase::Encoding { units, .. } = entry.phase {
            units.into_iter().for_each(|unit| self.flights.forget(unit, request));
        }
        self.counts.count_failure(&error);
        effects.push(Effect::Fail { reply: entry.reply, error });
    }
}

#[cfg(test)]
mod tests;
