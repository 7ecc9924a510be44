//! A million random events.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::*;
use crate::Cancel;
use crate::session::scheduler::Class;

/// A generator of random numbers (SplitMix64): fast, and the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// A request without an outcome, and what must come of it.
struct Open {
    texts: Vec<String>,
    outcome: Arc<Outcome>,
    cancel: Cancel,
    deadline: Instant,
}

/// The requests of a run, and who still wants each text.
struct Run {
    simulation: Simulation,
    kinds: Vec<Kind<Toy>>,
    random: Random,
    open: Vec<Open>,
    finished: u64,
    answered: u64,
    refused: u64,
    dropped: u64,
}

const QUEUED: u64 = 4000;

impl Run {
    fn new(seed: u64) -> Self {
        let simulation = Simulation::new(|options| {
            let limits = options.max_tokens_per_request(2000).max_queued_tokens(QUEUED);
            limits.max_wait(Duration::from_millis(30)).cache_bytes(1 << 16)
        });
        let kinds = vec![simulation.kind(16, false), simulation.kind(16, false), simulation.kind(64, true)];
        let random = Random(seed);
        Self { simulation, kinds, random, open: vec![], finished: 0, answered: 0, refused: 0, dropped: 0 }
    }

    fn text(&mut self) -> String {
        // Short ones often occur again.
        let (length, letters) = (1 + self.random.below(12), 2 + self.random.below(3));
        (0..length).map(|_| (b'a' + self.random.below(letters) as u8) as char).collect()
    }

    fn submit(&mut self) {
        let count = if self.random.below(20) == 0 { self.random.below(60) } else { self.random.below(4) };
        let mut texts: Vec<String> = (0..count).map(|_| self.text()).collect();
        if self.random.below(50) == 0 {
            texts.push("x".repeat(self.random.below(100)));
        }
        let kind = &self.kinds[self.random.below(3)];
        let cancel = Cancel::new();
        let time = Duration::from_micros(1 + self.random.next() % 60_000);
        let deadline = self.simulation.clock.now() + time;
        let control = self.simulation.deadline(time).with_cancel(&cancel);
        let request = match self.random.below(3) {
            0 => Request::tokens(kind, texts.iter().map(|text| tokens(text)).collect()),
            _ => Request::texts(kind, texts.iter().map(String::as_str)),
        };
        let request = request.class(Class::ALL[self.random.below(3)]).control(control);
        let outcome = self.simulation.submit(request);
        self.open.push(Open { texts, outcome, cancel, deadline });
    }

    fn take(&mut self) {
        let role = [Role::Both, Role::Encode, Role::Tokenize][self.random.below(3)];
        if !self.simulation.take(role) {
            return;
        }
        let Some(Work::Encode(batch)) = self.simulation.at_work().last() else { return };
        let tokens: u64 = batch.units.iter().map(|(_, key)| key.tokens()).sum();
        assert_eq!(tokens, batch.tokens);
        let budget = if batch.kind.id() == self.kinds[2].erased().id() { 64 } else { 16 };
        assert!(tokens <= budget || batch.units.len() == 1, "{tokens} tokens in a batch of {budget}");
        // Every eighth time: it looks at all texts that wait.
        if self.random.below(8) > 0 {
            return;
        }
        let now = self.simulation.clock.now();
        let alive = self.open.iter().filter(|open| !open.cancel.is_cancelled() && now < open.deadline);
        let wanted: HashSet<&str> = alive.flat_map(|open| open.texts.iter().map(String::as_str)).collect();
        for (_, key) in &batch.units {
            let text = text_of(key.text());
            assert!(wanted.contains(text.as_str()), "nobody wants {text:?} any more");
        }
    }

    fn finish(&mut self) {
        if !self.simulation.at_work().is_empty() {
            let index = self.random.below(self.simulation.at_work().len());
            self.simulation.finish(index);
        }
    }

    /// Checks the outcomes that are there.
    fn collect(&mut self) {
        let mut open = Vec::new();
        for request in self.open.drain(..) {
            let Some(outcome) = request.outcome.take() else {
                open.push(request);
                continue;
            };
            self.finished += 1;
            assert_eq!(request.outcome.times.load(Ordering::Relaxed), 1);
            match outcome {
                Ok(answer) => {
                    self.answered += 1;
                    let outputs = answer.outputs.iter().map(|output| **output);
                    assert!(outputs.eq(request.texts.iter().map(|text| output_of(&tokens(text)))));
                }
                Err(Error::Cancelled) => {
                    self.dropped += 1;
                    assert!(request.cancel.is_cancelled());
                }
                Err(Error::DeadlineExceeded) => {
                    self.dropped += 1;
                    assert!(self.simulation.clock.now() >= request.deadline);
                }
                Err(Error::QueueFull { .. } | Error::WaitTooLong { .. }) => self.refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        self.open = open;
        let statistics = self.simulation.statistics();
        assert!(statistics.queued_tokens <= QUEUED && statistics.cache_bytes <= 1 << 16);
        assert_eq!(statistics.requests, self.open.len() as u64);
        let counts = statistics.counts;
        assert_eq!(counts.dropped_cancelled + counts.dropped_deadline, self.dropped);
        assert_eq!(counts.refused_queue_full + counts.refused_wait, self.refused);
    }

    fn event(&mut self) {
        match self.random.below(100) {
            0..30 => self.submit(),
            30..60 => self.take(),
            60..92 => self.finish(),
            92..96 if !self.open.is_empty() => {
                let index = self.random.below(self.open.len());
                self.open[index].cancel.cancel();
            }
            _ => {
                let time = Duration::from_micros(self.random.next() % 200);
                self.simulation.clock.advance(time);
            }
        }
    }
}

/// Nothing is lost or answered twice, every output is its text's, batches keep their budgets, the queue its bounds, and
/// no text is encoded that nobody wants any more.
#[test]
fn a_million_random_events() {
    let mut run = Run::new(20);
    for event in 0..1_000_000 {
        run.event();
        if event % 64 == 0 {
            run.collect();
        }
    }
    run.simulation.finish_all();
    run.collect();
    assert!(run.open.is_empty(), "{} requests have no outcome", run.open.len());
    let statistics = run.simulation.statistics();
    let left = (statistics.queued_tokens, statistics.queued_texts, statistics.requests);
    assert_eq!((left, statistics.longest_at_work), ((0, 0, 0), None));
    assert!(run.simulation.shared.with(|queue, _, _| queue.flights.is_empty() && queue.is_empty()));
    // Each outcome occurs, and often.
    let outcomes = [run.answered, run.refused, run.dropped];
    assert!(outcomes.iter().all(|count| *count > 1000), "{outcomes:?} of {}", run.finished);
    let counts = statistics.counts;
    assert!(counts.coalesced > 1000 && counts.cached > 1000, "{counts:?}");
}

/// Every text of requests that stay is encoded once, taken from the cache, or shared: nothing is encoded twice at once.
#[test]
fn every_text_is_encoded_kept_or_shared() {
    let mut random = Random(7);
    let mut simulation = Simulation::new(|options| options.max_queued_tokens(1 << 40).cache_bytes(2000));
    let mut all = 0;
    for _ in 0..20_000 {
        let texts: Vec<String> =
            (0..random.below(6)).map(|_| "ab".repeat(1 + random.below(9))).map(|it| it + "c").collect();
        all += texts.len() as u64;
        simulation.submit(Request::texts(&simulation.kind, texts));
        match random.below(3) {
            0 => drop(simulation.step()),
            1 => drop(simulation.take(Role::Both)),
            _ if simulation.at_work().is_empty() => {}
            _ => simulation.finish(0),
        }
        let mut at_once = HashMap::<u64, usize>::new();
        for work in simulation.at_work() {
            let Work::Encode(batch) = work else { continue };
            batch.units.iter().for_each(|(_, key)| *at_once.entry(output_of(key.text())).or_default() += 1);
        }
        assert!(at_once.values().all(|count| *count == 1));
    }
    simulation.finish_all();
    let counts = simulation.statistics().counts;
    assert_eq!(counts.texts + counts.cached + counts.coalesced, all);
    assert_eq!(counts.texts, simulation.encoded().len() as u64);
}
