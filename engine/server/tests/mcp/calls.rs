//! Many calls at once, and their progress.

use std::collections::HashMap;

use nearsay_server::Toolset;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::corpus::{Desk, options};

#[test]
fn row_146_calls_at_once_are_answered_independently() {
    let desk = Desk::new();
    let mut agent = Agent::new(desk.toolset());
    let query = |number: u64| json!({"query": format!("river {number}")});
    let expected: Vec<Value> = (0..10).map(|number| agent.call("search", query(number))).collect();
    let check = |answer: &Value, ids: &mut HashMap<u64, u64>| {
        let number = ids.remove(&answer["id"].as_u64().unwrap()).expect("an open call");
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        assert_eq!(answer["result"]["structuredContent"], expected[number as usize]);
    };
    let mut ids = HashMap::new();
    for call in 0..1000 {
        let number = call % 10;
        let message = json!({"name": "search", "arguments": query(number)});
        ids.insert(agent.start("tools/call", message), number);
        // The pipes hold a few answers only.
        if call >= 20 {
            check(&agent.next(), &mut ids);
        }
    }
    while !ids.is_empty() {
        check(&agent.next(), &mut ids);
    }
}

#[test]
fn row_146_more_than_the_scheduler_admits_is_refused_in_a_sentence() {
    let mut agent = Agent::new(Toolset::open(&options(Vec::new())).unwrap());
    let text = "river ".repeat(60_000);
    let refusal = agent.refusal("rerank", json!({"query": "x", "texts": [text, text, text]}));
    assert!(
        refusal.starts_with("texts must have at most 300000 tokens") && refusal.contains("got "),
        "{refusal}"
    );
    // Together they are more than may wait; the first ones are not.
    let text = "river ".repeat(40_000);
    let call = json!({"name": "similarity", "arguments": {"texts": [text, format!("{text} x")]}});
    let ids: Vec<u64> = (0..12).map(|_| agent.start("tools/call", call.clone())).collect();
    let (mut answered, mut refused) = (0, 0);
    for _ in &ids {
        let answer = agent.next();
        let result = &answer["result"];
        match result["isError"].as_bool() {
            Some(false) => answered += 1,
            _ => {
                let message = result["content"][0]["text"].as_str().unwrap();
                assert!(
                    message.contains("may wait on this server") && message.contains("try again in "),
                    "{message}"
                );
                refused += 1;
            }
        }
    }
    assert!(answered >= 3, "{answered} were answered, {refused} refused");
}

#[test]
fn a_call_with_a_token_reports_its_progress() {
    let mut agent = Agent::new(Toolset::open(&options(Vec::new())).unwrap());
    let texts: Vec<String> =
        (0..100).map(|number| format!("text {number} {}", "by the river ".repeat(20))).collect();
    let meta = json!({"progressToken": "p-1"});
    let id = agent.start(
        "tools/call",
        json!({"name": "rerank", "arguments": {"query": "x", "texts": texts}, "_meta": meta}),
    );
    let mut seen: Vec<Value> = Vec::new();
    loop {
        let message = agent.next();
        if message["id"] == id {
            assert_eq!(message["result"]["isError"], false, "{message}");
            break;
        }
        assert_eq!(message["method"], "notifications/progress", "{message}");
        assert_eq!(
            (&message["params"]["progressToken"], &message["params"]["total"]),
            (&json!("p-1"), &json!(100.0))
        );
        seen.push(message["params"]["progress"].clone());
    }
    assert!(!seen.is_empty());
    let numbers: Vec<f64> = seen.iter().map(|progress| progress.as_f64().unwrap()).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    // Nobody asked here.
    let answer =
        agent.request("tools/call", json!({"name": "rerank", "arguments": {"query": "x", "texts": texts}}));
    assert_eq!(answer["result"]["isError"], false);
}
