//! Bodies that are too long, too slow, or something else (rows 88 to 90, 96, 97, 105, 107, 110).

use std::time::Duration;

use serde_json::json;

use crate::served::Served;

#[test]
fn row_96_other_types_are_415() {
    let served = Served::new();
    let body = json!({"input": "a"}).to_string();
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", ""]
    {
        let headers = [("content-type", content_type)];
        let answer = served.client().request("POST", "/v1/embeddings", &headers, body.as_bytes());
        assert!(answer.openai_error(415, None).starts_with("Content-Type must be application/json"));
    }
}

#[test]
fn row_97_compressed_bodies_are_415_and_stay_unread() {
    let served = Served::new();
    for encoding in ["gzip", "br", "zstd", "deflate"] {
        let headers = [("content-encoding", encoding), ("content-length", "1048576")];
        let answer = served.client().request("POST", "/embed", &headers, b"\x1f\x8b");
        let message = answer.tei_error(415, "Validation");
        assert!(message.contains("must not be compressed"), "{message}");
    }
}

#[test]
fn rows_89_and_110_bodies_over_the_limit_are_413_without_reading_them() {
    let served = Served::with(|config| config.limits.body_bytes = 1000);
    for extra in [&[][..], &[("expect", "100-continue")]] {
        let headers = [&[("content-length", "50000000")], extra].concat();
        let answer = served.client().request("POST", "/v1/embeddings", &headers, b"");
        assert_eq!(answer.header("connection"), Some("close"));
        let message = answer.openai_error(413, Some("request_too_large"));
        assert!(message.contains("at most 1000 bytes") && message.contains("50000000"), "{message}");
    }
    let mut client = served.client();
    let headers = [("content-length", ""), ("transfer-encoding", "chunked")];
    client.send(client.message("POST", "/embed", &headers, b""));
    let chunk = format!("200\r\n{}\r\n", " ".repeat(512));
    // The server closes before the endless body ends, and may do so while it is sent.
    for _ in 0..3 {
        client.try_send(&chunk);
    }
    let message = client.answer().tei_error(413, "Validation");
    assert!(message.contains("at most 1000 bytes") && message.ends_with("got more"), "{message}");
}

#[test]
fn a_body_in_chunks_is_read() {
    let served = Served::new();
    let mut client = served.client();
    let headers = [("content-length", ""), ("transfer-encoding", "chunked")];
    client.send(client.message("POST", "/embed", &headers, b""));
    client.send("b\r\n{\"inputs\": \r\n8\r\n\"river\"}\r\n0\r\n\r\n");
    client.answer().with(200);
}

#[test]
fn a_body_without_a_length_is_411() {
    let served = Served::new();
    let answer = served.client().request("POST", "/v1/embeddings", &[("content-length", "")], b"");
    answer.openai_error(411, None);
}

#[test]
fn row_88_a_slow_body_is_408() {
    let served = Served::with(|config| config.limits.body = Duration::from_millis(300));
    let mut client = served.client();
    client.send(client.message("POST", "/v1/embeddings", &[("content-length", "1000000")], b"{"));
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(100));
        client.send(" ");
    }
    let message = client.answer().openai_error(408, None);
    assert_eq!(message, "the body must arrive within 0.3 s, and did not");
}

#[test]
fn row_90_too_many_texts_and_ids_are_413_before_any_work() {
    let served = Served::new();
    let texts = format!("{{\"input\": [{}]}}", vec!["\"\""; 2049].join(","));
    let message = served.client().post_text("/v1/embeddings", &texts);
    let message = message.openai_error(413, Some("request_too_large"));
    assert_eq!(message, "input must have at most 2048 texts (the server's `max-inputs`), got 2049");
    for item in ["\"\"", "1"] {
        let body = format!("{{\"input\": [{}]}}", vec![item; 1_000_000].join(","));
        let message = served.client().post_text("/v1/embeddings", &body);
        let message = message.openai_error(413, Some("request_too_large"));
        assert!(message.contains("at most 301024 values"), "{message}");
    }
}

#[test]
fn row_105_what_can_never_be_admitted_is_413_with_both_numbers() {
    let served = Served::with(|config| config.limits.queued_tokens = Some(100));
    // Of 3, 4, .. 14 tokens.
    let texts: Vec<String> = (1..13).map(|count| "river ".repeat(count)).collect();
    let message = served.client().post("/v1/embeddings", &json!({ "input": texts }));
    let message = message.openai_error(413, Some("request_too_large"));
    let expected = "at most 100 tokens (the server's `max-queued-tokens`), got 102";
    assert!(message.contains(expected), "{message}");
    served.client().post("/v1/embeddings", &json!({"input": texts[1..]})).with(200);
    // Equal texts are encoded once.
    served.client().post("/v1/embeddings", &json!({"input": vec!["river"; 100]})).with(200);
}

#[test]
fn row_107_an_answer_that_would_be_too_long_is_413_before_encoding() {
    let served = Served::with(|config| config.limits.response_bytes = 10_000);
    let texts = vec!["the old mill by the river"; 10];
    for (path, name) in [("/embed_all", "inputs"), ("/embed", "inputs")] {
        let texts = if path == "/embed" { texts.repeat(10) } else { texts.clone() };
        let message = served.client().post(path, &json!({ name: texts })).tei_error(413, "Validation");
        assert!(message.contains("at most 10000 bytes (the server's `max-response-bytes`)"), "{message}");
    }
    let body = json!({"input": texts.repeat(10)});
    served.client().post("/v1/embeddings", &body).openai_error(413, Some("request_too_large"));
    served.client().post("/embed_all", &json!({"inputs": "river"})).with(200);
}

#[test]
fn bodies_wait_for_room_only_if_they_are_long() {
    let served = Served::with(|config| {
        config.limits.body_bytes = 128 << 10;
        config.limits.body_memory = Some(128 << 10);
        config.limits.body = Duration::from_millis(800);
    });
    let headers = [("content-length", "131072")];
    let part = [b"{\"inputs\": \"".as_slice(), &[b'a'; 70_000]].concat();
    // What is only announced takes no room.
    let mut announced: Vec<_> = (0..3).map(|_| served.client()).collect();
    for client in &mut announced {
        client.send(client.message("POST", "/embed", &headers, b"{"));
    }
    let mut slow = served.client();
    slow.send(slow.message("POST", "/embed", &headers, &part));
    std::thread::sleep(Duration::from_millis(400));
    // The first has all the room until its time is over, and the second gets it then.
    let mut second = served.client();
    second.send(second.message("POST", "/embed", &headers, &part));
    std::thread::sleep(Duration::from_millis(20));
    served.client().post("/embed", &json!({"inputs": "river"})).with(200);
    let third = json!({"inputs": "river ".repeat(15_000)}).to_string();
    let answer = served.client().request("POST", "/embed", &[], third.as_bytes());
    assert_eq!(answer.header("retry-after"), Some("1"));
    let message = answer.tei_error(429, "Overloaded");
    assert!(message.contains("at most 131072 bytes together"), "{message}");
    for client in announced.iter_mut().chain([&mut slow]) {
        client.answer().with(408);
    }
}
