//! Lines that are messages, and lines that are not; the end of input; cancelled calls.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::agent::{Agent, meta};
use crate::corpus::Desk;

#[test]
fn row_137_a_line_that_is_no_message_is_refused_and_the_next_one_works() {
    let desk = Desk::new();
    let mut agent = Agent::new(desk.toolset());
    let long = format!("{{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"{}\"}}", "x".repeat(5 << 20));
    let bad: [(&[u8], i64); 9] = [
        (b"not json", -32700),
        (b"{\"jsonrpc\": \"2.0\"", -32700),
        (b"{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"\xff\"}", -32700),
        (b"[]", -32600),
        (b"7", -32600),
        (b"\"text\"", -32600),
        (b"[{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"ping\"}]", -32600),
        (b"{\"id\": null}", -32600),
        (long.as_bytes(), -32600),
    ];
    for is_settled in [false, true] {
        for (line, code) in &bad {
            agent.send_line(line);
            let answer = agent.next();
            assert_eq!(answer["error"]["code"], *code, "{answer}");
            assert!(answer.get("id").is_none(), "{answer}");
        }
        // Blank lines and notifications have no answer, at any time.
        agent.send_line("");
        agent.send_line(
            r#"{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}}"#,
        );
        agent.send_line(r#"{"jsonrpc": "2.0", "method": "notifications/of/another", "params": {}}"#);
        let listed = agent.result("tools/list", json!({}));
        assert!(listed["tools"].is_array(), "{is_settled}: {listed}");
    }
}

#[test]
fn row_138_the_end_of_input_ends_the_server_within_a_second() {
    let desk = Desk::new();
    // Answers that are there in time are written.
    let mut agent = Agent::new(desk.toolset());
    let id = agent.start("tools/list", json!({}));
    let start = Instant::now();
    let rest = agent.end();
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
    assert_eq!(rest.iter().filter(|message| message["id"] == id).count(), 1);
    // A call that takes longer is left.
    let mut agent = Agent::new(desk.toolset());
    agent.result("tools/list", json!({}));
    agent.start("tools/call", long_call());
    let start = Instant::now();
    agent.end();
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
    // So it is without any message.
    let start = Instant::now();
    assert!(Agent::new(desk.toolset()).end().is_empty());
    assert!(start.elapsed() < Duration::from_millis(1500));
}

/// A call that takes a while: the most text that a line can have.
fn long_call() -> Value {
    let text = |number: usize| format!("{number} {}", "the old mill by the river ".repeat(3_500));
    json!({"name": "count_tokens", "arguments": {"texts": (0..40).map(text).collect::<Vec<_>>()}})
}

#[test]
fn row_139_a_cancelled_call_has_no_answer_and_its_work_stops() {
    let desk = Desk::new();
    let mut agent = Agent::new(desk.toolset());
    let start = Instant::now();
    agent.result("tools/call", long_call());
    let alone = start.elapsed();
    let cancelled = 6 * std::thread::available_parallelism().unwrap().get();
    let start = Instant::now();
    for _ in 0..cancelled {
        let id = agent.start("tools/call", long_call());
        let params = json!({"requestId": id, "reason": "test", "_meta": meta()});
        agent.send_line(
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}).to_string(),
        );
    }
    let sending = start.elapsed();
    // Had the work gone on, this call would wait for six others.
    let start = Instant::now();
    let counted = agent.call("count_tokens", json!({"texts": ["the river"]}));
    assert!(counted["texts"][0]["tokens"].as_u64() > Some(0));
    let waited = start.elapsed();
    assert!(waited < 3 * alone + sending, "{waited:?} after {sending:?}; one call takes {alone:?}");
    let rest = agent.end();
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn unknown_methods_and_params_of_wrong_types_are_errors_of_the_protocol() {
    let desk = Desk::new();
    let mut agent = Agent::new(desk.toolset());
    assert_eq!(agent.error("tools/run", json!({})).0, -32601);
    let (code, message) = agent.error("tools/call", json!({"name": "search", "arguments": "river"}));
    assert!(code == -32602 && message.contains("arguments (an object)"), "{code} {message}");
    assert_eq!(agent.error("tools/call", json!({"arguments": {}})).0, -32602);
    assert_eq!(agent.error("resources/read", json!({"uri": 7})).0, -32602);
}
