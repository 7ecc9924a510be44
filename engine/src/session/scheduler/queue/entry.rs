//! A request in the queue, and the work that threads get from it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::Class;
use super::super::kind::{AnyKind, AnyOutput, Source};
use super::super::reply::{Reply, RequestTimes};
use super::super::request::Check;
use super::RequestId;
use super::flights::{Flights, TextKey, UnitId};
use super::turns::{BatchRules, Standing};
use crate::session::Control;
use crate::tokens::TokenizedText;
use crate::{Error, Result};

/// The most bytes of text that are tokenized at once, unless a single text has more: some 10 ms. Of a longer text the
/// tokenizer reads little more than what fits the model.
pub(super) const SLICE_BYTES: u64 = 64 << 10;

/// A request without an outcome.
pub(super) struct Entry {
    pub(super) kind: AnyKind,
    pub(super) class: Class,
    pub(super) control: Control,
    pub(super) reply: Arc<Reply>,
    submitted: Instant,
    pub(super) tokenize: Duration,
    /// When its first text was taken to be encoded.
    begun: Option<Instant>,
    pub(super) phase: Phase,
}

/// How far a request is.
pub(super) enum Phase {
    /// Some texts are not tokenized yet.
    Tokenizing {
        source: Arc<dyn Source>,
        tokens: Vec<Option<TokenizedText>>,
        missing: usize,
        check: Option<Check>,
    },
    /// A thread checks its tokens.
    Checking,
    /// Some texts have no output yet.
    Encoding { units: Vec<UnitId>, missing: usize },
}

impl Entry {
    pub(super) fn new(
        (kind, class, control, reply): (AnyKind, Class, Control, Arc<Reply>),
        submitted: Instant,
        phase: Phase,
    ) -> Self {
        Self { kind, class, control, reply, submitted, tokenize: Duration::ZERO, begun: None, phase }
    }

    /// Its texts, while they are tokenized.
    pub(super) fn source(&self) -> Option<Arc<dyn Source>> {
        match &self.phase {
            Phase::Tokenizing { source, .. } => Some(source.clone()),
            _ => None,
        }
    }

    /// Tokens of the texts in these places. Whether they were the last ones.
    pub(super) fn add_tokens(&mut self, places: &[usize], texts: Vec<TokenizedText>) -> bool {
        let Phase::Tokenizing { tokens, missing, .. } = &mut self.phase else { return false };
        for (&place, text) in places.iter().zip(texts) {
            tokens[place] = Some(text);
            *missing -= 1;
        }
        *missing == 0
    }

    /// A text of it is being encoded.
    pub(super) fn begin(&mut self, now: Instant) {
        self.begun.get_or_insert(now);
    }

    /// The output of a text in so many places is there. Whether it was the last one.
    pub(super) fn take_output(&mut self, places: usize) -> bool {
        let Phase::Encoding { missing, .. } = &mut self.phase else { return false };
        *missing -= places;
        *missing == 0
    }

    /// All outputs are on their way.
    pub(super) fn finish(&self, now: Instant) {
        let begun = self.begun.unwrap_or(now);
        let queue = begun.saturating_duration_since(self.submitted).saturating_sub(self.tokenize);
        let encode = now.saturating_duration_since(begun);
        self.reply.set_times(RequestTimes { tokenize: self.tokenize, queue, encode });
    }
}

/// Work to do after the lock is released.
pub(in super::super) enum Effect {
    Deliver { reply: Arc<Reply>, places: Vec<usize>, output: AnyOutput },
    DeliverNothing(Arc<Reply>),
    Fail { reply: Arc<Reply>, error: Error },
}

impl Effect {
    pub(in super::super) fn reply(&self) -> &Arc<Reply> {
        match self {
            Self::Deliver { reply, .. } | Self::DeliverNothing(reply) | Self::Fail { reply, .. } => reply,
        }
    }

    /// Calls the request's functions.
    pub(in super::super) fn run(self) {
        match self {
            Self::Deliver { reply, places, output } => reply.deliver(&places, &output),
            Self::DeliverNothing(reply) => reply.deliver_nothing(),
            Self::Fail { reply, error } => reply.fail(error),
        }
    }
}

/// A request whose texts are all tokenized, before its check.
pub(in super::super) struct Ready {
    pub(in super::super) request: RequestId,
    pub(in super::super) kind: AnyKind,
    pub(in super::super) tokens: Vec<TokenizedText>,
    pub(in super::super) check: Option<Check>,
}

/// Work for a thread.
pub(in super::super) enum Work {
    Tokenize(Slice),
    Encode(EncodeBatch),
}

/// Texts that are tokenized together.
pub(in super::super) struct Slice {
    pub(in super::super) number: u64,
    pub(in super::super) parts: Vec<SlicePart>,
}

/// Those of one request.
pub(in super::super) struct SlicePart {
    pub(in super::super) request: RequestId,
    pub(in super::super) source: Arc<dyn Source>,
    pub(in super::super) places: Vec<usize>,
}

/// Texts that are encoded together.
pub(in super::super) struct EncodeBatch {
    pub(in super::super) number: u64,
    pub(in super::super) kind: AnyKind,
    pub(in super::super) units: Vec<(UnitId, Arc<TextKey>)>,
    pub(in super::super) tokens: u64,
    /// Whether other texts waited when it was taken.
    pub(super) is_backlogged: bool,
}

/// The outcome of a text.
pub(in super::super) type Outcome = Result<AnyOutput, Arc<Error>>;

/// The batches of tokenization. Requests of all kinds share them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slices;

impl BatchRules for Slices {
    fn id(&self) -> u64 {
        0
    }

    fn budget(&self) -> u64 {
        SLICE_BYTES
    }

    fn takes_parts(&self) -> bool {
        false
    }
}

/// Requests in line for tokenization.
pub(super) struct InTokenization<'a> {
    pub(super) requests: &'a HashMap<RequestId, Entry>,
    pub(super) now: Instant,
    /// Requests that were given up, or are too late.
    pub(super) dead: Vec<(RequestId, Error)>,
}

impl Standing<usize> for InTokenization<'_> {
    fn is_alive(&mut self, request: RequestId) -> bool {
        is_alive(self.requests, request, self.now, &mut self.dead)
    }

    fn is_waiting(&self, _: usize) -> bool {
        true
    }

    fn take(&mut self, _: usize) -> bool {
        true
    }
}

/// Requests in line to be encoded.
pub(super) struct InEncoding<'a> {
    pub(super) requests: &'a mut HashMap<RequestId, Entry>,
    pub(super) flights: &'a mut Flights,
    pub(super) now: Instant,
    /// Requests that were given up, or are too late.
    pub(super) dead: Vec<(RequestId, Error)>,
}

impl Standing<UnitId> for InEncoding<'_> {
    fn is_alive(&mut self, request: RequestId) -> bool {
        is_alive(self.requests, request, self.now, &mut self.dead)
    }

    fn is_waiting(&self, unit: UnitId) -> bool {
        self.flights.get(unit).is_some_and(|unit| unit.is_waiting)
    }

    fn take(&mut self, unit: UnitId) -> bool {
        let Some(unit) = self.flights.take(unit) else { return false };
        for wanter in &unit.wanters {
            if let Some(entry) = self.requests.get_mut(&wanter.request) {
                entry.begin(self.now);
            }
        }
        true
    }
}

fn is_alive(
    requests: &HashMap<RequestId, Entry>,
    request: RequestId,
    now: Instant,
    dead: &mut Vec<(RequestId, Error)>,
) -> bool {
    match requests.get(&request).map(|entry| entry.control.check_at(now)) {
        Some(Ok(())) => true,
        Some(Err(error)) => {
            dead.push((request, error));
            false
        }
        None => false,
    }
}
