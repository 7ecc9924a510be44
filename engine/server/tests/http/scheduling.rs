//! The queue that all requests share: classes, equal texts, and the cache of vectors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::answers::{bits, expected, texts};
use crate::client::Answer;
use crate::served::{Served, embedder};

/// Distinct texts of about 40 tokens.
fn bulk(number: usize) -> Vec<String> {
    (0..2048).map(|text| format!("{number} {text} {}", "the old mill by the river ".repeat(6))).collect()
}

#[test]
fn equal_texts_of_many_clients_are_encoded_once() {
    let served = Served::with(|config| config.vector_cache = 1 << 20);
    let text = "the old mill by the river".to_owned();
    let expected = expected(&embedder(), std::slice::from_ref(&text));
    let (clients, copies) = (32, 50);
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let body = json!({"input": vec![text.as_str(); copies]});
                let answer = served.client().post("/v1/embeddings", &body).with(200).json();
                for row in answer["data"].as_array().unwrap() {
                    assert_eq!(bits(&row["embedding"]), expected[0]);
                }
            });
        }
    });
    let shared = ["nearsay_coalesced_texts_total", "nearsay_cached_texts_total"];
    let [coalesced, cached] = shared.map(|name| served.metric(name));
    // Those of the first request, at least, shared the vector while it was on its way.
    assert!(coalesced >= (copies - 1) as f64, "{coalesced}");
    assert_eq!(coalesced + cached, (clients * copies - 1) as f64);
    assert_eq!(served.metric("nearsay_batch_tokens_count"), 1.0);
    assert_eq!(served.metric("nearsay_texts_total"), (clients * copies) as f64);
}

#[test]
fn the_cache_answers_without_encoding() {
    let body = json!({"input": ["river", "the old mill"]});
    for (bytes, batches) in [(1 << 20, 0.0), (0, 1.0)] {
        let served = Served::with(|config| config.vector_cache = bytes);
        let ask = || served.client().post("/v1/embeddings", &body).with(200).json();
        let first = ask();
        let before = served.metric("nearsay_batch_tokens_count");
        assert_eq!(ask(), first);
        assert_eq!((served.metric("nearsay_batch_tokens_count") - before).min(1.0), batches);
        // Other settings have other vectors.
        let other = json!({"input": ["river", "the old mill"], "normalize": true, "dimensions": 8});
        let other = served.client().post("/v1/embeddings", &other).with(200).json();
        assert_eq!(other["data"][0]["embedding"].as_array().unwrap().len(), 8);
    }
}

#[test]
fn a_bulk_client_does_not_starve_a_single_text() {
    let served = Served::new();
    let overtakes = |round: usize| {
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let body = json!({"inputs": bulk(round)}).to_string();
                let headers = [("x-nearsay-priority", "bulk")];
                served.client().request("POST", "/embed", &headers, body.as_bytes()).with(200);
                is_done.store(true, Ordering::SeqCst);
            });
            let start = Instant::now();
            while served.metric("nearsay_queued_tokens") == 0.0 && !is_done.load(Ordering::SeqCst) {
                assert!(start.elapsed() < Duration::from_secs(60), "nothing waits");
            }
            let headers = [("x-nearsay-priority", "interactive")];
            served.client().request("POST", "/embed", &headers, b"{\"inputs\": \"river\"}").with(200);
            !is_done.load(Ordering::SeqCst)
        })
    };
    // One round may be too late on a busy machine, not all of them.
    assert!((0..10).any(overtakes), "a single text waited for the bulk client's every time");
}

#[test]
fn many_clients_beside_a_bulk_client_get_the_same_bits() {
    let (served, texts) = (Served::new(), texts());
    let expected = expected(&embedder(), &texts);
    let is_done = AtomicBool::new(false);
    let ask = |number: usize| {
        let mut client = served.client();
        for step in 0..5 {
            let (first, count) = ((number * 7 + step * 11) % texts.len(), 1 + (number + step) % 9);
            let range = first..(first + count).min(texts.len());
            let body = json!({"input": texts[range.clone()], "priority": (number % 3) as i64 - 1});
            let answer = client.post("/v1/embeddings", &body).with(200).json();
            for (row, expected) in answer["data"].as_array().unwrap().iter().zip(&expected[range]) {
                assert_eq!(bits(&row["embedding"]), *expected);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = served.client();
            let mut round = 100;
            while !is_done.load(Ordering::SeqCst) {
                client.post("/v1/embeddings", &json!({"input": bulk(round), "priority": 1})).with(200);
                round += 1;
            }
        });
        let clients: Vec<_> = (0..64)
            .map(|number| {
                scope.spawn({
                    let ask = &ask;
                    move || ask(number)
                })
            })
            .collect();
        let ended: Vec<_> = clients.into_iter().map(|client| client.join()).collect();
        is_done.store(true, Ordering::SeqCst);
        assert!(ended.iter().all(Result::is_ok));
    });
}

#[test]
fn classes_have_names_and_numbers() {
    let served = Served::new();
    let with = |value: &str, priority: serde_json::Value| -> Answer {
        let body = json!({"input": "river", "priority": priority}).to_string();
        let headers = [("x-nearsay-priority", value)];
        served.client().request("POST", "/v1/embeddings", &headers, body.as_bytes())
    };
    for value in ["interactive", "normal", "bulk"] {
        let answer = with(value, json!(-7)).with(200);
        assert_eq!(answer.header("x-nearsay-ignored"), None);
    }
    for value in ["urgent", "high", "Bulk", "0"] {
        let message = with(value, json!(0)).openai_error(400, None);
        let rule = "x-nearsay-priority must be \"interactive\", \"normal\" or \"bulk\", got ";
        assert_eq!(message, format!("{rule}\"{value}\""));
    }
    for priority in [json!("high"), json!(0.5), json!(1_u64 << 40)] {
        let message = with("normal", priority).openai_error(400, None);
        assert!(message.starts_with("priority must be a whole number from -2147483648"), "{message}");
    }
}

#[test]
fn a_full_queue_is_429_with_a_time_and_what_finds_it_empty_is_taken() {
    let served = Served::with(|config| {
        config.limits.queued_tokens = Some(81_000);
        config.takes_token_ids = true;
    });
    // 80,000 tokens, so that one request waits at a time. Ids need no time to be tokenized.
    let body = |number: usize| {
        let ids = |text: usize| [vec![5 + number; 36], vec![5 + text % 50, 5 + text / 50, 5, 6]].concat();
        json!({"inputs": (0..2000).map(ids).collect::<Vec<_>>()}).to_string()
    };
    let bodies: Vec<String> = (0..12).map(body).collect();
    let ask = |body: &String| served.client().post_text("/embed", body);
    let ask = &ask;
    let round = || -> Vec<Answer> {
        std::thread::scope(|scope| {
            let clients: Vec<_> = bodies.iter().map(|body| scope.spawn(move || ask(body))).collect();
            let answers = clients.into_iter().map(|client| client.join().unwrap());
            answers.filter(|answer| answer.status != 200).collect()
        })
    };
    let refused = (0..20).map(|_| round()).find(|refused| !refused.is_empty()).expect("one is refused");
    let count = refused.len();
    assert!(count < bodies.len(), "what found nothing waiting was refused");
    for answer in refused {
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=120).contains(&seconds));
        let message = answer.tei_error(429, "Overloaded");
        assert!(message.starts_with("at most 81000 tokens may wait on this server"), "{message}");
    }
    let line = format!("nearsay_rejected_total{{reason=\"queue_full\"}} {count}");
    assert!(served.client().get("/metrics").with(200).text().contains(&line));
    ask(&bodies[0]).with(200);
}

#[test]
fn a_deadline_that_passes_is_503_and_its_work_is_dropped() {
    let served = Served::new();
    let body = json!({"inputs": bulk(0)}).to_string();
    let headers = [("x-nearsay-timeout-ms", "1")];
    let answer = served.client().request("POST", "/embed", &headers, body.as_bytes());
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.tei_error(503, "Backend");
    served.wait_until_nothing_is_queued();
    // 2,048 texts of 40 tokens would have been encoded.
    assert!(served.metric("nearsay_batch_tokens_sum") < 81_920.0);
}
