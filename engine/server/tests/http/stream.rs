//! Vectors that are sent as they are ready.

use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt32Type};
use arrow_ipc::reader::StreamReader;
use serde_json::{Value, json};

use crate::answers::{bits, expected, texts};
use crate::served::{DIMENSIONS, Served, embedder};

const ARROW: &str = "application/vnd.apache.arrow.stream";
const LINES: &str = "application/x-ndjson";

/// The bits of the vectors in an Arrow stream, by the places of their texts.
fn of_arrow(body: &[u8]) -> Vec<Vec<u32>> {
    let mut found = Vec::new();
    for batch in StreamReader::try_new(body, None).unwrap() {
        let batch = batch.unwrap();
        let index = batch["index"].as_primitive::<UInt32Type>();
        let lists = batch["embedding"].as_fixed_size_list();
        for (row, place) in index.values().iter().enumerate() {
            let values = lists.value(row);
            let values = values.as_primitive::<Float32Type>().values();
            assert_eq!(values.len(), DIMENSIONS);
            found.push((*place, values.iter().map(|value| value.to_bits()).collect()));
        }
    }
    in_order(found)
}

fn of_lines(body: &str) -> Vec<Vec<u32>> {
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["index"].as_u64().unwrap() as u32, bits(&line["embedding"]))
    };
    in_order(body.lines().map(line).collect())
}

fn in_order(mut found: Vec<(u32, Vec<u32>)>) -> Vec<Vec<u32>> {
    found.sort();
    assert!(found.iter().enumerate().all(|(place, (index, _))| *index as usize == place));
    found.into_iter().map(|(_, vector)| vector).collect()
}

#[test]
fn streams_have_the_bits_of_the_library() {
    let (served, texts) = (Served::new(), texts());
    let raw = embedder();
    let expected = expected(&raw, &texts);
    let mut client = served.client();
    for (path, body) in [
        ("/embed", json!({"inputs": texts, "normalize": false})),
        ("/", json!({"inputs": texts, "normalize": false})),
        ("/v1/embeddings", json!({"input": texts, "model": "bert", "request_id": "r-2", "bogus": 1})),
    ] {
        let body = body.to_string();
        let arrow = client.request("POST", path, &[("accept", ARROW)], body.as_bytes()).with(200);
        assert_eq!(arrow.header("content-type"), Some(ARROW));
        assert_eq!(of_arrow(&arrow.body), expected, "{path}");
        let lines = client.request("POST", path, &[("accept", LINES)], body.as_bytes()).with(200);
        assert_eq!(of_lines(lines.text()), expected, "{path}");
        assert!(lines.header("x-compute-tokens").unwrap().parse::<u64>().unwrap() > 100);
        if path == "/v1/embeddings" {
            assert_eq!(
                (lines.header("x-request-id"), lines.header("x-nearsay-ignored")),
                (Some("r-2"), Some("bogus"))
            );
        }
    }
    let bytes = json!({"input": texts, "output_type": "ubinary"}).to_string();
    let arrow = client.request("POST", "/v1/embeddings", &[("accept", ARROW)], bytes.as_bytes()).with(200);
    let batch = StreamReader::try_new(&arrow.body[..], None).unwrap().next().unwrap().unwrap();
    assert_eq!(batch["embedding"].as_fixed_size_list().value_length() as usize, DIMENSIONS / 8);
}

#[test]
fn what_does_not_fit_is_refused_before_the_stream() {
    let served = Served::new();
    for accept in [ARROW, "application/json"] {
        let body = json!({"input": ["a", "b"], "dimensions": 7, "output_type": "binary"}).to_string();
        let answer =
            served.client().request("POST", "/v1/embeddings", &[("accept", accept)], body.as_bytes());
        let error = answer.with(400).json();
        assert_eq!(error["error"]["param"], "output_type", "{error}");
    }
    let body = json!({"input": "a", "encoding_format": "base64"}).to_string();
    let answer = served.client().request("POST", "/v1/embeddings", &[("accept", LINES)], body.as_bytes());
    assert_eq!(answer.with(200).header("x-nearsay-ignored"), Some("encoding_format"));
}

/// The work of a client that leaves before its first vector stops, too.
#[test]
fn a_stream_whose_client_has_gone_is_dropped() {
    let served = Served::with(|config| config.limits.wait = Duration::from_secs(600));
    let long = "river ".repeat(30);
    let texts = |count: usize| -> Value { (0..count).map(|number| format!("{number} {long}")).collect() };
    let body = json!({ "inputs": texts(2000) }).to_string();
    let mut ahead = served.client();
    ahead.send(ahead.message("POST", "/embed", &[("x-nearsay-priority", "interactive")], body.as_bytes()));
    let headers = [("accept", LINES), ("x-nearsay-priority", "bulk")];
    let mut behind = served.client();
    behind.send(behind.message("POST", "/embed", &headers, body.as_bytes()));
    std::thread::sleep(Duration::from_millis(50));
    drop((ahead, behind));
    served.wait_until_nothing_is_queued();
    assert!(served.metric("nearsay_texts_total") < 2000.0);
}

#[test]
fn a_stream_that_is_refused_is_an_error_in_json() {
    let served = Served::with(|config| config.limits.tokens_per_request = 30);
    let body = json!({"inputs": "river ".repeat(20), "truncate": false});
    let ask = |body: &Value| {
        let body = body.to_string();
        served.client().request("POST", "/embed", &[("accept", ARROW)], body.as_bytes())
    };
    assert_eq!(ask(&body).status, 200);
    let long = json!({"inputs": "river ".repeat(60), "truncate": false});
    let message = ask(&long).tei_error(413, "Validation");
    assert!(message.starts_with("inputs[0] must have at most 40 tokens, has 62"), "{message}");
    let many = json!({"inputs": vec!["river"; 20]});
    assert!(ask(&many).tei_error(413, "Validation").contains("at most 30 tokens"));
}
