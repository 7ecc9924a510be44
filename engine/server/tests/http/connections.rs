//! Connections that are slow, broken, or many (rows 87, 92, 100, 103, 104, 108, 109).

use std::time::{Duration, Instant};

use nearsay_tests::signals::wait_until;
use serde_json::json;

use crate::client::Client;
use crate::served::{Served, embedder};

#[test]
fn row_87_slow_headers_end_and_do_not_stop_others() {
    let served = Served::with(|config| config.limits.headers = Duration::from_secs(2));
    let mut slow: Vec<Client> = (0..50).map(|_| served.client()).collect();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) {
        for client in &mut slow {
            client.try_send("G");
        }
        served.client().post("/embed", &json!({"inputs": "river"})).with(200);
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut silent = served.client();
    for client in slow.iter_mut().chain([&mut silent]) {
        assert!(client.is_closed());
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn row_87_the_second_request_of_a_connection_has_a_deadline_too() {
    let served = Served::with(|config| config.limits.headers = Duration::from_secs(1));
    let mut client = served.client();
    client.get("/health").with(200);
    std::thread::sleep(Duration::from_millis(1500));
    // Idle is not slow.
    client.get("/health").with(200);
    client.send("GET /health HTTP/1.1\r\n");
    assert!(client.is_closed());
}

#[test]
fn row_104_idle_connections_are_closed() {
    let served = Served::with(|config| config.limits.idle = Duration::from_millis(300));
    let mut client = served.client();
    client.get("/health").with(200);
    let start = Instant::now();
    assert!(client.is_closed());
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn row_104_connections_beyond_the_limit_wait() {
    let served = Served::with(|config| config.limits.connections = 2);
    let (mut first, mut second, mut third) = (served.client(), served.client(), served.client());
    first.get("/health").with(200);
    second.get("/health").with(200);
    third.send(third.message("GET", "/health", &[], b""));
    std::thread::sleep(Duration::from_millis(100));
    drop(first);
    third.answer().with(200);
    second.get("/health").with(200);
}

#[test]
fn row_108_a_client_that_does_not_read_is_disconnected() {
    let served = Served::with(|config| config.limits.write = Duration::from_millis(500));
    // An answer of 20 MB, which no buffer of the system takes.
    let texts: Vec<String> = (0..2000).map(|number| format!("{number} {}", "river ".repeat(40))).collect();
    let body = json!({ "inputs": texts }).to_string();
    let mut client = served.client();
    client.send(client.message("POST", "/embed_all", &[], body.as_bytes()));
    let start = Instant::now();
    // The one that asks is the other.
    while served.metric("nearsay_connections") < 2.0 {
        assert!(start.elapsed() < Duration::from_secs(20), "the connection is not there");
    }
    while served.metric("nearsay_connections") > 1.0 {
        assert!(start.elapsed() < Duration::from_secs(20), "the connection stays");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn row_109_pipelined_requests_are_answered_in_order() {
    let served = Served::new();
    let mut client = served.client();
    let bodies = ["river", "the old mill", "river"].map(|text| json!({ "inputs": text }).to_string());
    let messages: Vec<Vec<u8>> =
        bodies.iter().map(|body| client.message("POST", "/embed", &[], body.as_bytes())).collect();
    client.send(messages.concat());
    let answers: Vec<_> = (0..3).map(|_| client.answer().with(200).json()).collect();
    assert!(answers[0] == answers[2] && answers[0] != answers[1]);
}

#[test]
fn row_100_broken_messages_are_refused_or_the_connection_ends() {
    let served = Served::new();
    let long = format!("GET /health HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "a: b\r\n".repeat(1000));
    for message in [
        "POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        "POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n{}",
        "POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999999999999999\r\n\r\n{}",
        "POST /embed HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip, identity\r\n\r\n{}",
        "GET /health HTTP/9.9\r\nhost: localhost\r\n\r\n",
        "G\u{7f}T /health HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\r\n\r\n\0\0\0\0 nonsense\r\n\r\n",
        long.as_str(),
        many.as_str(),
    ] {
        let mut client = served.client();
        client.try_send(message);
        let status = client.status_or_end();
        let shown = message.lines().next().unwrap_or_default();
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{shown}: {status:?}");
    }
    served.client().get("/health").with(200);
}

#[test]
fn row_92_work_of_a_client_that_left_is_dropped() {
    let served = Served::new();
    let texts: Vec<String> = (0..2000).map(|number| format!("river {number} the old mill")).collect();
    let body = json!({ "inputs": texts }).to_string();
    for _ in 0..5 {
        let mut client = served.client();
        client.send(client.message("POST", "/embed", &[], body.as_bytes()));
    }
    served.wait_until_nothing_is_queued();
    let tokens: usize = embedder().tokenize(&texts).unwrap().iter().map(|text| text.ids.len()).sum();
    assert!(served.metric("nearsay_batch_tokens_sum") < 5.0 * tokens as f64);
    let count = "nearsay_requests_total{route=\"/embed\",status=\"499\"} ";
    wait_until("they are counted", || served.client().get("/metrics").with(200).text().contains(count));
    served.client().post("/embed", &json!({"inputs": "river"})).with(200);
}
