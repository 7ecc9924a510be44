//! Requests by hand.

use super::*;
use crate::Cancel;
use crate::session::scheduler::Class;

fn quiet() -> Simulation {
    Simulation::new(|options| options)
}

fn outputs(answer: &Answer<u64>) -> Vec<u64> {
    answer.outputs.iter().map(|output| **output).collect()
}

#[test]
fn outputs_are_in_the_texts_order_with_sizes_and_times() {
    let mut simulation = quiet();
    let texts = ["aaaa", "", "bbbbbbbbbbbbbbbbbbbbbbbb", "cc"];
    let answer = simulation.run(simulation.request(&texts)).unwrap();
    assert_eq!(outputs(&answer), texts.map(|text| output_of(&tokens(text))));
    assert_eq!(answer.texts.iter().map(|text| text.tokens).collect::<Vec<_>>(), [4, 0, 24, 2]);
    assert_eq!(answer.tokens(), 30);
    assert!(answer.texts[1].is_empty && !answer.texts[0].is_empty);
    assert_eq!(answer.times.encode, Duration::from_micros(30 * TOKEN_MICROSECONDS));
    assert_eq!((answer.times.queue, answer.times.tokenize), (Duration::ZERO, Duration::ZERO));
    assert!(simulation.run(Request::texts(&simulation.kind, [""; 0])).unwrap().outputs.is_empty());
    let already = Request::tokens(&simulation.kind, vec![tokens("aaaa"), tokens("x")]);
    assert_eq!(outputs(&simulation.run(already).unwrap())[0], output_of(&tokens("aaaa")));
    let statistics = simulation.statistics();
    assert_eq!((statistics.queued_tokens, statistics.queued_texts, statistics.requests), (0, 0, 0));
    assert_eq!((statistics.counts.texts, statistics.longest_at_work), (6, None));
    // Of a text alone, no speed is measured.
    let mut simulation = quiet();
    simulation.run(simulation.request(&["alone"])).unwrap();
    assert_eq!(simulation.statistics().tokens_per_second, None);
}

#[test]
fn equal_texts_on_their_way_are_encoded_once() {
    let mut simulation = quiet();
    let first = simulation.submit(simulation.request(&["same", "other", "same"]));
    let requests: Vec<_> = (0..1000).map(|_| simulation.submit(simulation.request(&["same"]))).collect();
    simulation.finish_all();
    let same = output_of(&tokens("same"));
    assert_eq!(outputs(&first.take().unwrap().unwrap()), [same, output_of(&tokens("other")), same]);
    for request in requests {
        assert_eq!(outputs(&request.take().unwrap().unwrap()), [same]);
    }
    let mut encoded = simulation.encoded();
    encoded.sort();
    assert_eq!(encoded, ["other", "same"]);
    assert_eq!(simulation.statistics().counts.coalesced, 1001);
    // Not any more on their way, and not kept.
    simulation.run(simulation.request(&["same"])).unwrap();
    assert_eq!(simulation.encoded().len(), 3);
}

#[test]
fn other_kinds_do_not_share_outputs_or_batches() {
    let mut simulation = quiet();
    let other = simulation.kind(16, false);
    let outcomes = [
        simulation.submit(simulation.request(&["same"])),
        simulation.submit(Request::texts(&other, ["same"])),
    ];
    simulation.finish_all();
    assert!(outcomes.iter().all(|outcome| outcome.take().unwrap().is_ok()));
    assert_eq!(simulation.encoded(), *other.work().encoded.lock().unwrap());
    assert_eq!(simulation.statistics().counts.batches, 2);
}

#[test]
fn a_requester_that_leaves_does_not_take_a_shared_text_with_it() {
    let mut simulation = quiet();
    let cancel = Cancel::new();
    let leaves = simulation.request(&["same", "own"]).control(Control::default().with_cancel(&cancel));
    let (leaves, stays) = (simulation.submit(leaves), simulation.submit(simulation.request(&["same"])));
    // Both are tokenized, and wait.
    assert!(simulation.step());
    assert_eq!(simulation.statistics().queued_tokens, 7);
    cancel.cancel();
    simulation.finish_all();
    assert!(matches!(leaves.error(), Error::Cancelled));
    assert!(stays.take().unwrap().is_ok());
    assert_eq!(simulation.encoded(), ["same"]);
    assert_eq!(simulation.statistics().counts.dropped_cancelled, 1);
}

#[test]
fn a_requester_may_leave_while_its_text_is_encoded() {
    let mut simulation = quiet();
    let cancel = Cancel::new();
    let request = simulation.request(&["first", "another batch"]);
    let leaves = simulation.submit(request.control(Control::default().with_cancel(&cancel)));
    assert!(simulation.step() && simulation.take(Role::Both));
    let joins = simulation.submit(simulation.request(&["another batch"]));
    assert!(simulation.take(Role::Tokenize));
    simulation.finish(1);
    cancel.cancel();
    simulation.finish_all();
    assert!(matches!(leaves.error(), Error::Cancelled));
    let answer = joins.take().unwrap().unwrap();
    assert_eq!(outputs(&answer), [output_of(&tokens("another batch"))]);
    assert_eq!(answer.times.encode, Duration::from_micros(13 * TOKEN_MICROSECONDS));
    assert_eq!(simulation.statistics().counts.texts, 1);
}

#[test]
fn a_request_that_is_too_late_or_cancelled_is_never_encoded() {
    let mut simulation = quiet();
    let late = simulation.request(&["late"]).control(simulation.deadline(Duration::from_millis(5)));
    let late = simulation.submit(late);
    let early = simulation.request(&["early"]).control(simulation.deadline(Duration::from_millis(6)));
    let early = simulation.submit(early);
    assert!(simulation.step());
    simulation.clock.advance(Duration::from_millis(5));
    simulation.finish_all();
    assert!(matches!(late.error(), Error::DeadlineExceeded));
    assert!(early.take().unwrap().is_ok());
    // Before tokenization, and between tokenization and admission.
    let gone = simulation.request(&["gone"]).control(simulation.deadline(Duration::ZERO));
    assert!(matches!(simulation.run(gone), Err(Error::DeadlineExceeded)));
    let clock = simulation.clock.clone();
    let checked = simulation.request(&["checked"]).control(simulation.deadline(Duration::from_millis(1)));
    let checked = checked.check(move |_| {
        clock.advance(Duration::from_millis(2));
        Ok(())
    });
    assert!(matches!(simulation.run(checked), Err(Error::DeadlineExceeded)));
    assert_eq!(simulation.encoded(), ["early"]);
    assert_eq!(simulation.statistics().counts.dropped_deadline, 3);
}

#[test]
fn a_text_that_fails_ends_its_own_request_only() {
    let mut simulation = quiet();
    let good = simulation.submit(simulation.request(&["good"]));
    let bad = simulation.submit(simulation.request(&["fine", "", "bad!"]));
    let also_bad = simulation.submit(simulation.request(&["bad!"]));
    let untokenized = simulation.submit(simulation.request(&["#"]));
    simulation.finish_all();
    assert_eq!(simulation.statistics().counts.batches, 1);
    assert!(good.take().unwrap().is_ok());
    let error = bad.error();
    assert!(matches!(error, Error::OfText { index: 2, .. }));
    assert_eq!(error.to_string(), "text 2: the vector is not finite");
    assert_eq!(error.kind(), crate::ErrorKind::Internal);
    assert_eq!(also_bad.error().to_string(), "text 0: the vector is not finite");
    assert_eq!(untokenized.error().to_string(), "internal error: a text that cannot be tokenized");
    assert_eq!(simulation.statistics().counts.failed, 3);
}

#[test]
fn a_batch_that_fails_is_tried_text_by_text() {
    let mut simulation = quiet();
    let outcomes = ["star*", "good", "bad!"].map(|text| simulation.submit(simulation.request(&[text])));
    simulation.finish_all();
    let are_ok = outcomes.map(|outcome| outcome.take().unwrap().is_ok());
    assert_eq!(are_ok, [true, true, false]);
}

#[test]
fn a_panic_becomes_an_error_of_its_text() {
    let mut simulation = quiet();
    let panics = simulation.submit(simulation.request(&["panic?"]));
    let with_it = simulation.submit(simulation.request(&["with it"]));
    simulation.finish_all();
    let message = "text 0: internal error: encoding panicked: expected by this test";
    assert_eq!(panics.error().to_string(), message);
    assert!(with_it.take().unwrap().is_ok(), "a text of the same batch is encoded alone");
    // A callback, or a check, that panics.
    let request = simulation.request(&["x"]).on_output(|_, _| panic!("expected by this test"));
    let lost = simulation.submit(request);
    simulation.finish_all();
    assert_eq!(
        lost.error().to_string(),
        "internal error: the callback of a request panicked: expected by this test"
    );
    let request = simulation.request(&["x"]).check(|_| panic!("expected by this test"));
    assert!(simulation.run(request).is_err());
    assert!(simulation.run(simulation.request(&["x"])).is_ok());
}

#[test]
fn a_check_sees_all_tokens_and_refuses_before_anything_is_encoded() {
    let mut simulation = quiet();
    let long = "a".repeat(70_000);
    let request = simulation.request(&[&long, "b"]).check(move |texts| {
        assert_eq!(texts.iter().map(|text| text.ids.len()).collect::<Vec<_>>(), [70_000, 1]);
        Err(Error::Bug("refused".to_owned()))
    });
    assert_eq!(simulation.run(request).unwrap_err().to_string(), "internal error: refused");
    assert!(simulation.encoded().is_empty());
}

#[test]
fn outputs_are_reported_as_they_come_and_before_the_end() {
    let mut simulation = quiet();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let of_request = seen.clone();
    let request = simulation.request(&["aaaaaaaaaaaaa", "bb", "bb", "ccccccccccccccc"]);
    let request = request.on_output(move |place, output| of_request.lock().unwrap().push((place, *output)));
    let outcome = simulation.submit(request);
    assert!(simulation.step() && simulation.step());
    assert!(outcome.take().is_none() && seen.lock().unwrap().len() == 1);
    simulation.finish_all();
    assert!(outcome.take().is_some());
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_unstable();
    assert_eq!(seen.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(seen[1].1, output_of(&tokens("bb")));
}

#[test]
fn a_megabyte_does_not_block_a_sentence() {
    let mut simulation = Simulation::new(|options| options.max_tokens_per_request(2 << 20));
    let kind = simulation.kind(1 << 20, false);
    let page = "a".repeat(1 << 15);
    let large = simulation.submit(Request::texts(&kind, vec![page.as_str(); 32]).class(Class::Bulk));
    assert!(simulation.take(Role::Both));
    let sentence = simulation.submit(simulation.request(&["a sentence"]));
    // One slice is at work; the sentence is tokenized next and encoded then.
    assert!(simulation.step() && simulation.step());
    assert!(sentence.take().is_some() && large.take().is_none());
    let Work::Tokenize(slice) = &simulation.at_work()[0] else { panic!("a slice") };
    assert_eq!(slice.parts[0].places.len(), 2);
    simulation.finish_all();
    assert!(large.take().unwrap().is_ok());
    assert_eq!(kind.work().encoded.lock().unwrap().len(), 1);
}

#[test]
fn requests_beyond_the_limits_are_refused_before_they_are_encoded() {
    let mut simulation =
        Simulation::new(|options| options.max_tokens_per_request(100).max_queued_tokens(120));
    let text = |letter: &str, length: usize| letter.repeat(length);
    let too_large = simulation.submit(simulation.request(&[&text("a", 60), &text("b", 41)]));
    let first = simulation.submit(simulation.request(&[&text("c", 100)]));
    let full = simulation.submit(simulation.request(&[&text("d", 21)]));
    let fits = simulation.submit(simulation.request(&[&text("e", 20)]));
    let same = simulation.submit(simulation.request(&[&text("c", 100)]));
    simulation.finish_all();
    assert_eq!(too_large.error().to_string(), "the request has 101 tokens; a request may have at most 100");
    let error = full.error();
    assert!(
        matches!(error, Error::QueueFull { tokens: 21, waiting: 100, limit: 120, retry_after: 1 }),
        "{error}"
    );
    assert!([first, fits, same].iter().all(|outcome| outcome.take().unwrap().is_ok()));
    assert_eq!(simulation.encoded().len(), 2);
    let counts = simulation.statistics().counts;
    assert_eq!((counts.refused_too_large, counts.refused_queue_full, counts.refused_wait), (1, 1, 0));
}

#[test]
fn the_measured_speed_limits_the_wait() {
    let mut simulation = Simulation::new(|options| options.max_wait(Duration::from_secs(1)));
    // 16 tokens at a time, 10 microseconds per token: 100,000 tokens per second.
    let texts: Vec<String> = (0..40_000).map(|number| format!("{number:05}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let bulk = simulation.submit(simulation.request(&texts));
    while !(1..=150_000).contains(&simulation.statistics().queued_tokens) {
        assert!(simulation.step());
    }
    let speed = simulation.statistics().tokens_per_second.unwrap();
    assert!((speed / 100_000.0 - 1.0).abs() < 1e-9, "{speed}");
    assert_eq!(simulation.statistics().max_queued_tokens, 600_000);
    let refused = simulation.submit(simulation.request(&["one more"])).error();
    assert!(matches!(refused, Error::WaitTooLong { seconds: 2, limit: 1, retry_after: 1 }), "{refused}");
    simulation.finish_all();
    assert!(bulk.take().unwrap().is_ok());
    assert!(simulation.run(simulation.request(&["one more"])).is_ok());
}

#[test]
fn requests_that_were_given_up_make_room_when_the_queue_is_full() {
    let mut simulation = Simulation::new(|options| options.max_queued_tokens(20));
    let cancel = Cancel::new();
    let gone = simulation.request(&["aaaaaaaaaaaaaaaaaaaa"]).control(Control::default().with_cancel(&cancel));
    let gone = simulation.submit(gone);
    assert!(simulation.step());
    assert!(matches!(simulation.submit(simulation.request(&["b"])).error(), Error::QueueFull { .. }));
    cancel.cancel();
    simulation.clock.advance(Duration::from_millis(100));
    assert!(simulation.run(simulation.request(&["b"])).is_ok());
    assert!(matches!(gone.error(), Error::Cancelled));
}

#[test]
fn permits_count_as_waiting() {
    let mut simulation = Simulation::new(|options| options.max_queued_tokens(20));
    let grant = |simulation: &Simulation, tokens| {
        simulation.shared.with(|queue, now, effects| queue.grant(tokens, now, effects))
    };
    assert!(matches!(grant(&simulation, 21), Err(Error::RequestTooLarge { .. })));
    grant(&simulation, 15).unwrap();
    assert!(matches!(grant(&simulation, 6), Err(Error::QueueFull { .. })));
    assert!(matches!(simulation.run(simulation.request(&["123456"])), Err(Error::QueueFull { .. })));
    assert!(simulation.run(simulation.request(&["12345"])).is_ok());
    simulation.shared.with(|queue, _, _| queue.release(15));
    assert_eq!(simulation.statistics().queued_tokens, 0);
    assert!(simulation.run(simulation.request(&["123456"])).is_ok());
}

#[test]
fn kept_outputs_answer_later_requests() {
    let mut simulation = Simulation::new(|options| options.cache_bytes(1 << 20));
    simulation.run(simulation.request(&["one", "two"])).unwrap();
    let answer = simulation.run(simulation.request(&["two", "three", "one", "two"])).unwrap();
    assert_eq!(outputs(&answer)[0], output_of(&tokens("two")));
    assert_eq!(outputs(&answer)[2], output_of(&tokens("one")));
    let answer = simulation.run(simulation.request(&["one", "three"])).unwrap();
    assert_eq!(outputs(&answer), ["one", "three"].map(|text| output_of(&tokens(text))));
    assert_eq!(simulation.encoded().len(), 3);
    assert_eq!(simulation.statistics().counts.cached, 5);
    assert!(simulation.statistics().cache_bytes > 3 * 8);
}

#[test]
fn a_full_queue_answers_from_the_cache() {
    for (bytes, is_kept) in [(1 << 20, true), (0, false)] {
        let mut simulation = Simulation::new(|options| options.cache_bytes(bytes).max_queued_tokens(20));
        simulation.run(simulation.request(&["kept"])).unwrap();
        let waiting = simulation.submit(simulation.request(&["aaaaaaaaaaaaaaaaaaa"]));
        assert!(simulation.step());
        let same = simulation.submit(simulation.request(&["kept", "kept"]));
        let other = simulation.submit(simulation.request(&["another"]));
        // They are tokenized and checked while the first waits.
        while simulation.take(Role::Tokenize) {
            simulation.finish(0);
        }
        simulation.finish_all();
        assert_eq!(same.take().unwrap().is_ok(), is_kept, "{bytes}");
        assert!(matches!(other.error(), Error::QueueFull { .. }));
        assert!(waiting.take().unwrap().is_ok());
    }
}

#[test]
fn a_closed_queue_refuses_and_finishes() {
    let mut simulation = quiet();
    let before = simulation.submit(simulation.request(&["before"]));
    simulation.shared.with(|queue, _, _| queue.close());
    assert!(matches!(simulation.submit(simulation.request(&["after"])).error(), Error::Closed));
    let already = Request::tokens(&simulation.kind, vec![tokens("after")]);
    assert!(matches!(simulation.submit(already).error(), Error::Closed));
    assert!(!simulation.shared.with(|queue, _, _| queue.is_empty()));
    simulation.finish_all();
    assert!(before.take().unwrap().is_ok());
    assert!(simulation.shared.with(|queue, _, _| queue.is_empty()));
}

#[test]
fn work_that_takes_long_shows() {
    let mut simulation = quiet();
    simulation.submit(simulation.request(&["slow"]));
    assert!(simulation.step() && simulation.take(Role::Both));
    simulation.clock.advance(Duration::from_secs(70));
    assert_eq!(simulation.statistics().longest_at_work, Some(Duration::from_secs(70)));
    let work = simulation.shared.with(|queue, now, _| queue.in_progress(now));
    let [batch] = work[..] else { panic!("{work:?}") };
    assert_eq!((batch.tokens, batch.time, batch.predicted), (Some(4), Duration::from_secs(70), None));
    simulation.finish(0);
    assert!(simulation.shared.with(|queue, now, _| queue.in_progress(now)).is_empty());
}
