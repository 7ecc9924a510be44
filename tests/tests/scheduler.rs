//! The scheduler with its threads and a real encoder: the bits of its answers, its limits, and its end.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

use nearsay::embed::{TextVectors, TokenVectors};
use nearsay::rerank::{PairScoring, TextOrPair};
use nearsay::session::scheduler::{
    Answer, Class, Kind, Request, Scheduler, SchedulerOptions, SchedulerThreads, TextWork,
};
use nearsay::tokens::TokenizedText;
use nearsay::{
    Cancel, Control, CrossEncoderOptions, DeviceChoice, EmbedOptions, Embedder, Error, Result, Session,
    SessionOptions,
};
use nearsay_tests::fixture;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(120);

fn session(model: &str) -> Session {
    let options = SessionOptions::default().device(DeviceChoice::Cpu).threads(2);
    Session::with(fixture(model).to_str().unwrap(), &options).unwrap()
}

fn embedder() -> Embedder {
    session("families/bert").embedder(&EmbedOptions::default()).unwrap()
}

fn start(session: &Session, change: impl FnOnce(SchedulerOptions) -> SchedulerOptions) -> Scheduler {
    let options = SchedulerOptions::default().threads(SchedulerThreads::of(session));
    Scheduler::start(&change(options)).unwrap()
}

/// Text `number`: different words and lengths.
fn text(number: usize) -> String {
    let words = ["river", "flood", "the", "bank", "night", "a", "of", "water"];
    let length = 1 + number * 7 % 23;
    (0..length).map(|index| words[(number * 31 + index * index) % 8]).collect::<Vec<_>>().join(" ")
        + &format!(" {number}")
}

fn bits(vector: &[f32]) -> Vec<u32> {
    vector.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn answers_have_the_bits_of_the_embedder_under_any_load() {
    let embedder = embedder();
    let texts: Vec<String> = (0..600).map(text).collect();
    let vectors = embedder.embed(&texts).unwrap();
    let expected: HashMap<&str, Vec<u32>> =
        texts.iter().map(String::as_str).zip(vectors.rows().map(bits)).collect();
    let batches = Arc::new(AtomicUsize::new(0));
    let of_scheduler = batches.clone();
    let scheduler = start(embedder.session(), |options| {
        let options = options.max_queued_tokens(1 << 40).max_wait(LONG);
        options.on_batch(move |report| {
            assert!(report.texts > 0 && (report.tokens <= 256 || report.texts == 1), "{report:?}");
            of_scheduler.fetch_add(1, Ordering::Relaxed);
        })
    });
    let kind = Kind::new(TextVectors::new(&embedder).unwrap());
    let check = |texts: &[String], answer: Answer<Vec<f32>>| {
        assert_eq!(answer.outputs.len(), texts.len());
        for (text, vector) in texts.iter().zip(&answer.outputs) {
            assert_eq!(bits(vector), expected[text.as_str()], "{text}");
        }
    };
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let bulk = scope.spawn(|| {
            let mut requests = 0;
            while !is_done.load(Ordering::Relaxed) {
                let request = Request::texts(&kind, texts.iter().map(String::as_str)).class(Class::Bulk);
                check(&texts, scheduler.run(request).unwrap());
                requests += 1;
            }
            requests
        });
        let clients: Vec<_> = (0..64)
            .map(|client: usize| {
                let (scheduler, kind, texts, check) = (&scheduler, &kind, &texts, &check);
                scope.spawn(move || {
                    for round in 0..20 {
                        let count = [1, 1, 7, 2][(client + round) % 4];
                        let first = (client * 97 + round * 31) % (texts.len() - count);
                        let some = &texts[first..first + count];
                        let request = Request::texts(kind, some.iter().map(String::as_str));
                        let request = request.class(Class::ALL[client % 3]);
                        check(some, scheduler.run(request).unwrap());
                    }
                })
            })
            .collect();
        let results: Vec<_> = clients.into_iter().map(|client| client.join()).collect();
        is_done.store(true, Ordering::Relaxed);
        assert!(bulk.join().unwrap() > 0 && results.iter().all(|result| result.is_ok()));
    });
    assert!(scheduler.drain(LONG));
    let statistics = scheduler.statistics();
    assert_eq!((statistics.queued_tokens, statistics.requests, statistics.longest_at_work), (0, 0, None));
    assert_eq!(statistics.counts.batches, batches.load(Ordering::Relaxed) as u64);
    assert!(statistics.counts.texts > statistics.counts.batches, "{statistics:?}");
    assert!(statistics.tokens_per_second.unwrap() > 0.0);
}

#[test]
fn token_vectors_and_pairs_are_those_of_their_own_calls() {
    let embedder = embedder();
    let scheduler = start(embedder.session(), |options| options);
    let texts: Vec<String> = (0..40).map(text).collect();
    let expected = embedder.embed_tokens(&texts).unwrap();
    let kind = Kind::new(TokenVectors::new(&embedder).unwrap());
    let answer = scheduler.run(Request::texts(&kind, texts.iter().map(String::as_str))).unwrap();
    let dim = embedder.hidden_dim();
    for (index, vectors) in answer.outputs.iter().enumerate() {
        let rows = expected.text(index);
        assert_eq!(
            bits(vectors.values()),
            bits(&expected.vectors.values()[rows.start * dim..rows.end * dim])
        );
        assert_eq!(answer.texts[index].tokens, rows.len());
    }
    let cross_encoder =
        session("cross-encoders/bert").cross_encoder(&CrossEncoderOptions::default()).unwrap();
    let pairs: Vec<(Arc<str>, String)> =
        texts.iter().map(|text| (Arc::from("a river"), text.clone())).collect();
    let expected = cross_encoder.score(&pairs, |_| ()).unwrap();
    let kind = Kind::new(PairScoring::new(&cross_encoder));
    let pairs = pairs.into_iter().map(|(query, text)| Arc::new(TextOrPair::Pair(query, text)));
    let answer = scheduler.run(Request::texts(&kind, pairs)).unwrap();
    let scores: Vec<f32> = answer.outputs.iter().flat_map(|scores| scores.iter().copied()).collect();
    assert_eq!(bits(&scores), bits(&expected.scores));
}

/// Work that waits until the test lets it go on.
struct Gate {
    tokenizer: Embedder,
    entered: Mutex<mpsc::Sender<usize>>,
    is_open: Mutex<bool>,
    bell: Condvar,
}

impl Gate {
    /// The work, and the texts of each batch that waits in it.
    fn new() -> (Kind<Self>, mpsc::Receiver<usize>) {
        let (entered, batches) = mpsc::channel();
        let gate = Self {
            tokenizer: embedder(),
            entered: Mutex::new(entered),
            is_open: Mutex::default(),
            bell: Condvar::new(),
        };
        (Kind::new(gate), batches)
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.bell.notify_all();
    }
}

impl TextWork for Gate {
    type Text = String;
    type Output = usize;

    fn text_bytes(&self, text: &String) -> usize {
        text.len()
    }

    fn tokenize(&self, texts: &[&String]) -> Result<Vec<TokenizedText>> {
        self.tokenizer.tokenize(texts)
    }

    fn encode(&self, texts: &[&TokenizedText]) -> Result<Vec<Result<usize>>> {
        self.entered.lock().unwrap().send(texts.len()).unwrap();
        let is_open = self.is_open.lock().unwrap();
        drop(self.bell.wait_while(is_open, |is_open| !*is_open).unwrap());
        Ok(texts.iter().map(|text| Ok(text.ids.len())).collect())
    }

    fn output_bytes(&self, _: &usize) -> usize {
        size_of::<usize>()
    }

    fn batch_tokens(&self) -> usize {
        64
    }

    fn is_on_gpu(&self) -> bool {
        false
    }
}

/// One thread, which waits in a batch until its gate is opened.
fn one_thread() -> SchedulerOptions {
    SchedulerOptions::default().threads(SchedulerThreads::Both(NonZero::<usize>::MIN))
}

/// Submits a text; its outcome comes through the channel.
fn submit(scheduler: &Scheduler, request: Request<Gate>) -> mpsc::Receiver<Result<Answer<usize>>> {
    let (sender, outcome) = mpsc::channel();
    scheduler.submit(request, move |result| sender.send(result).unwrap());
    outcome
}

#[test]
fn cancelled_and_late_requests_are_never_encoded() {
    let scheduler = Scheduler::start(&one_thread()).unwrap();
    let (gate, batches) = Gate::new();
    let first = submit(&scheduler, Request::texts(&gate, ["first"]));
    assert_eq!(batches.recv_timeout(LONG).unwrap(), 1);
    let cancel = Cancel::new();
    let control = Control::default().with_cancel(&cancel);
    let cancelled = submit(&scheduler, Request::texts(&gate, ["cancelled"]).control(control));
    let control = Control::default().with_deadline(Instant::now());
    let late = submit(&scheduler, Request::texts(&gate, ["late"]).control(control));
    let stays = submit(&scheduler, Request::texts(&gate, ["stays"]));
    cancel.cancel();
    gate.work().open();
    assert!(first.recv_timeout(LONG).unwrap().is_ok());
    assert!(matches!(cancelled.recv_timeout(LONG).unwrap(), Err(Error::Cancelled)));
    assert!(matches!(late.recv_timeout(LONG).unwrap(), Err(Error::DeadlineExceeded)));
    assert!(stays.recv_timeout(LONG).unwrap().is_ok());
    assert_eq!(batches.try_iter().sum::<usize>(), 1);
}

#[test]
fn dropping_the_scheduler_ends_what_waits_and_waits_for_the_batch_at_work() {
    let scheduler = Scheduler::start(&one_thread()).unwrap();
    let (gate, batches) = Gate::new();
    let at_work = submit(&scheduler, Request::texts(&gate, ["at work"]));
    batches.recv_timeout(LONG).unwrap();
    let waiting: Vec<_> =
        (0..100).map(|number| submit(&scheduler, Request::texts(&gate, [text(number)]))).collect();
    let dropping = std::thread::spawn(move || drop(scheduler));
    // They end although the batch is still at work.
    for outcome in waiting {
        assert!(matches!(outcome.recv_timeout(LONG).unwrap(), Err(Error::Cancelled)));
    }
    assert!(matches!(at_work.recv_timeout(LONG).unwrap(), Err(Error::Cancelled)));
    assert!(!dropping.is_finished());
    let start = Instant::now();
    gate.work().open();
    dropping.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(batches.try_iter().count(), 0);
}

#[test]
fn draining_waits_for_all_and_refuses_others() {
    let scheduler = Scheduler::start(&one_thread()).unwrap();
    let (gate, batches) = Gate::new();
    let outcomes: Vec<_> =
        (0..50).map(|number| submit(&scheduler, Request::texts(&gate, [text(number)]))).collect();
    batches.recv_timeout(LONG).unwrap();
    let permit = scheduler.admit(1).unwrap();
    assert!(!scheduler.drain(Duration::from_millis(20)));
    let refused = submit(&scheduler, Request::texts(&gate, ["late"])).recv_timeout(LONG).unwrap();
    assert!(matches!(refused, Err(Error::Closed)) && matches!(scheduler.admit(1), Err(Error::Closed)));
    gate.work().open();
    assert!(outcomes.iter().all(|outcome| outcome.recv_timeout(LONG).unwrap().is_ok()));
    assert!(!scheduler.drain(Duration::from_millis(20)));
    drop(permit);
    assert!(scheduler.drain(LONG));
}

#[test]
fn a_scheduler_may_be_dropped_by_a_function_that_it_calls() {
    let scheduler = Arc::new(Scheduler::start(&one_thread()).unwrap());
    let (gate, batches) = Gate::new();
    let (sender, dropped) = mpsc::channel();
    let of_request = scheduler.clone();
    scheduler.submit(Request::texts(&gate, ["last"]), move |result| {
        drop(of_request);
        sender.send(result.is_ok()).unwrap();
    });
    batches.recv_timeout(LONG).unwrap();
    drop(scheduler);
    gate.work().open();
    assert_eq!(dropped.recv_timeout(LONG), Ok(true));
}

#[test]
fn threads_that_only_encode_and_only_tokenize_work_together() {
    let two = NonZero::new(2).unwrap();
    let threads = SchedulerThreads::Apart { encode: two, tokenize: two };
    let scheduler = Scheduler::start(&SchedulerOptions::default().threads(threads)).unwrap();
    let embedder = embedder();
    let kind = Kind::new(TextVectors::new(&embedder).unwrap());
    let texts: Vec<String> = (0..200).map(text).collect();
    let expected = embedder.embed(&texts).unwrap();
    std::thread::scope(|scope| {
        for client in 0..8 {
            let (texts, kind, scheduler, expected) = (&texts, &kind, &scheduler, &expected);
            scope.spawn(move || {
                for (text, vector) in texts.iter().zip(expected.rows()).skip(client) {
                    let answer = scheduler.run(Request::texts(kind, [text.as_str()])).unwrap();
                    assert_eq!(bits(&answer.outputs[0]), bits(vector));
                }
            });
        }
    });
}

#[test]
fn the_same_text_from_many_clients_is_encoded_once() {
    let scheduler = Scheduler::start(&one_thread().max_queued_tokens(1000)).unwrap();
    let (gate, batches) = Gate::new();
    let clients = 200;
    let blocker = submit(&scheduler, Request::texts(&gate, ["blocks"]));
    batches.recv_timeout(LONG).unwrap();
    let outcomes: Vec<_> =
        (0..clients).map(|_| submit(&scheduler, Request::texts(&gate, ["same"]))).collect();
    gate.work().open();
    assert!(blocker.recv_timeout(LONG).unwrap().is_ok());
    assert!(outcomes.iter().all(|outcome| outcome.recv_timeout(LONG).unwrap().is_ok()));
    assert_eq!(batches.try_iter().sum::<usize>(), 1);
    assert_eq!(scheduler.statistics().counts.coalesced, clients - 1);
}
