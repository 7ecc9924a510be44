//! The library as a server uses it: one session, many callers at once, each with its own options,
//! cancellation and deadline.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nearsay::tokens::TokenizedText;
use nearsay::{
    Cancel, Control, DeviceChoice, EmbedOptions, ErrorKind, ScoreOptions, Session, SessionOptions, Vectors,
};
use nearsay_tests::{fixture, minilm};

const THREADS: usize = 2;

fn open(model: &std::path::Path) -> Session {
    let options = SessionOptions::default().device(DeviceChoice::Cpu).threads(THREADS);
    Session::with(model.to_str().unwrap(), &options).unwrap()
}

fn dense_prompts() -> Session {
    open(&fixture("sentence-transformers/dense-prompts"))
}

fn bits(vectors: &Vectors) -> Vec<u32> {
    vectors.values().iter().map(|value| value.to_bits()).collect()
}

/// Enough work for seconds: texts of 200 words.
fn long_texts() -> Vec<String> {
    (0..2000).map(|row| format!("{row} {}", "a river ran over its banks ".repeat(33))).collect()
}

#[test]
fn queries_have_the_task_for_queries_of_their_corpus() {
    let session = open(&fixture("families/jina-v3"));
    let of_task = |task: &str| session.embedder(&EmbedOptions::default().task(task)).unwrap();
    for (corpus, queries) in [("retrieval.passage", "retrieval.query"), ("separation", "separation")] {
        let texts = of_task(corpus);
        let options = EmbedOptions::fitting(&texts.provenance(), &session).unwrap();
        assert_eq!(options.task.as_deref(), Some(queries));
        let fitting = session.embedder(&options).unwrap();
        assert_eq!(fitting.prompt_text(), of_task(queries).prompt_text());
        let [got, expected] = [&fitting, &of_task(queries)].map(|embedder| {
            let embedded = embedder.embed(&["a river"]).unwrap();
            embedded.rows().next().unwrap().to_vec()
        });
        assert_eq!(got, expected);
    }
    assert_eq!(of_task("retrieval.passage").prompt_text(), "The garden. ");
    let plain = session.embedder(&EmbedOptions::default()).unwrap();
    assert_eq!((plain.task(), plain.prompt_text()), (None, ""));
    let error = session.embedder(&EmbedOptions::default().task("clustering")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

#[test]
fn callers_at_once_get_the_bits_that_each_gets_alone() {
    let session = dense_prompts();
    let texts: Vec<String> =
        (0..40).map(|row| format!("river {row} {}", "the judge ".repeat(row % 9))).collect();
    let call = |session: &Session, caller: usize| -> Vec<u32> {
        let texts = &texts[caller..];
        match caller % 3 {
            0 => {
                let embedder = session.embedder(&EmbedOptions::default().prompt("query")).unwrap();
                bits(&embedder.embed(texts).unwrap())
            }
            1 => {
                let options = EmbedOptions::default().layer(1).max_length(6).normalize(false).dimensions(9);
                bits(&session.embedder(&options).unwrap().embed(texts).unwrap())
            }
            _ => {
                let scorer = session.scorer(&ScoreOptions::default().layer(2)).unwrap();
                let pairs: Vec<_> = texts.iter().zip(&texts[1..]).map(|(a, b)| (&**a, &**b)).collect();
                scorer.score(&pairs).unwrap().iter().map(|scores| scores.f1.to_bits()).collect()
            }
        }
    };
    let alone: Vec<Vec<u32>> = (0..12).map(|caller| call(&dense_prompts(), caller)).collect();
    std::thread::scope(|scope| {
        let (session, call) = (&session, &call);
        for (caller, alone) in alone.iter().enumerate() {
            scope.spawn(move || {
                for _ in 0..3 {
                    assert_eq!(call(session, caller), *alone, "caller {caller}");
                }
            });
        }
    });
}

#[test]
fn a_call_that_is_cancelled_ends_soon_and_the_session_goes_on() {
    let session = open(minilm());
    let embedder = session.embedder(&EmbedOptions::default()).unwrap();
    let expected = bits(&embedder.embed(&["A river."]).unwrap());
    let cancel = Cancel::new();
    let texts = long_texts();
    let (error, waited) = std::thread::scope(|scope| {
        let call = scope.spawn(|| embedder.with_cancel(&cancel).embed(&texts).unwrap_err());
        std::thread::sleep(Duration::from_millis(300));
        assert!(!call.is_finished(), "the call is too short to be cancelled");
        // Another call on the same workers is not affected.
        assert_eq!(bits(&embedder.embed(&["A river."]).unwrap()), expected);
        let start = Instant::now();
        cancel.cancel();
        (call.join().unwrap(), start.elapsed())
    });
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    assert_eq!(bits(&embedder.embed(&["A river."]).unwrap()), expected);
    assert_eq!(embedder.with_cancel(&cancel).embed(&["A river."]).unwrap_err().kind(), ErrorKind::Cancelled);
    let scorer = session.scorer(&ScoreOptions::default().layer(6)).unwrap();
    let error = scorer.with_cancel(&cancel).score(&[("a", "b")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(scorer.score(&[("a", "b")]).is_ok());
}

#[test]
fn a_call_ends_at_its_deadline() {
    let session = open(minilm());
    let embedder = session.embedder(&EmbedOptions::default()).unwrap();
    let start = Instant::now();
    let hurried = embedder.with_deadline(start + Duration::from_millis(200));
    let error = hurried.embed(&long_texts()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    let unhurried = embedder.with_deadline(Instant::now() + Duration::from_secs(600));
    assert_eq!(bits(&unhurried.embed(&["a"]).unwrap()), bits(&embedder.embed(&["a"]).unwrap()));
    let scorer = session.scorer(&ScoreOptions::default().layer(6)).unwrap();
    let error = scorer.with_deadline(Instant::now()).score(&[("a", "b")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
}

#[test]
fn several_layers_come_from_one_pass() {
    let session = dense_prompts();
    let embedder = session.embedder(&EmbedOptions::default()).unwrap();
    let texts = embedder.tokenize(&["the river", "a judge over the cloud"]).unwrap();
    let texts: Vec<&TokenizedText> = texts.iter().collect();
    let layers = |wanted: &[usize]| -> Vec<Vec<Vec<f32>>> {
        let encoder = session.encoder(2).unwrap();
        let each = |batch: nearsay::session::EncodedBatch<'_>| {
            let values = |layer: &usize| Ok(batch.states.layer(*layer)?.to_vec()?);
            let values = wanted.iter().map(values).collect::<nearsay::Result<Vec<_>>>()?;
            Ok(vec![values; batch.texts.len()])
        };
        encoder.encode(&Control::default(), &texts, wanted, each).unwrap()
    };
    let together = layers(&[0, 1, 2]);
    for layer in 0..3 {
        for (together, alone) in together.iter().zip(layers(&[layer])) {
            assert_eq!(together[layer], alone[0], "layer {layer}");
        }
    }
    assert_ne!(together[0][0], together[0][2]);
}

#[test]
fn a_pass_stops_at_layers_and_goes_on() {
    let session = dense_prompts();
    let embedder = session.embedder(&EmbedOptions::default()).unwrap();
    let texts = embedder.tokenize(&["the river", "a judge over the cloud", "a"]).unwrap();
    let texts: Vec<&TokenizedText> = texts.iter().collect();
    let encoder = session.encoder(2).unwrap();
    let values = |layer: usize| {
        move |batch: nearsay::session::EncodedBatch<'_>| {
            let values = batch.states.layer(layer)?.to_vec()?;
            Ok(vec![values; batch.texts.len()])
        }
    };
    let control = Control::default();
    let mut pass = encoder.start(&control, &texts);
    // The same layer twice is no step; a layer can be passed by.
    for (layer, is_last) in [(0, false), (0, false), (2, true)] {
        let stopped = pass.stop(&[layer], is_last, values(layer)).unwrap();
        assert_eq!(stopped, encoder.encode(&control, &texts, &[layer], values(layer)).unwrap(), "{layer}");
    }
    let mut pass = encoder.start(&control, &texts);
    pass.stop(&[1], false, values(1)).unwrap();
    assert!(pass.stop(&[0], true, values(0)).is_err());
}

#[test]
fn query_and_document_are_prompts_of_every_model() {
    let session = open(&fixture("families/bert"));
    let plain = session.embedder(&EmbedOptions::default()).unwrap();
    for name in ["query", "document"] {
        let prompted = plain.prompt(name).unwrap();
        assert_eq!(prompted.prompt_text(), "");
        assert_eq!(
            bits(&prompted.embed(&["the river"]).unwrap()),
            bits(&plain.embed(&["the river"]).unwrap())
        );
    }
    let error = plain.prompt("passage").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("`passage`"), "{error}");
    // The fixture has a prompt for queries, and one for documents that is null.
    let session = dense_prompts();
    assert!(!session.embedder(&EmbedOptions::default().prompt("query")).unwrap().prompt_text().is_empty());
    assert_eq!(session.embedder(&EmbedOptions::default().prompt("document")).unwrap().prompt_text(), "");
}

#[test]
fn notices_belong_to_the_call() {
    let session = dense_prompts();
    let embedder = session.embedder(&EmbedOptions::default().max_length(5)).unwrap();
    let long = "the river ran over its banks and over the mill";
    let embedded = embedder.embed(&["", long, "a", long]).unwrap();
    assert_eq!((embedded.notices.empty.count, embedded.notices.truncated.count), (1, 2));
    let embedded = embedder.embed(&["a"]).unwrap();
    assert_eq!((embedded.notices.empty.count, embedded.notices.truncated.count), (0, 0));
}

#[test]
fn progress_moves_with_every_micro_batch() {
    let options = SessionOptions::default().device(DeviceChoice::Cpu).threads(1).batch_tokens(64);
    let session = Session::with(fixture("families/bert").to_str().unwrap(), &options).unwrap();
    let reported = Arc::new(Mutex::new(Vec::new()));
    let list = reported.clone();
    let scorer = session.scorer(&ScoreOptions::default().layer(2)).unwrap();
    let scorer = scorer.with_progress(move |pairs| list.lock().unwrap().push(pairs));
    let pairs: Vec<_> =
        (0..200).map(|row| (format!("the river {row}"), format!("a cat {}", 7 * row))).collect();
    scorer.score(&pairs).unwrap();
    let first: Vec<u64> = std::mem::take(&mut reported.lock().unwrap());
    assert!(first.is_sorted() && first.len() > 10 && first[0] < 20, "{first:?}");
    assert_eq!(first.last(), Some(&200));
    // Texts that are known need no micro-batch.
    scorer.score(&pairs).unwrap();
    assert_eq!(*reported.lock().unwrap(), [200]);
}
