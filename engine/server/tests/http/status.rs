//! `/v1/models`, `/info`, `/health`, `/ready` and `/metrics`.

use serde_json::json;

use crate::served::{DIMENSIONS, MAX_TOKENS, Served};

#[test]
fn models_are_listed_and_found_by_every_name() {
    let served = Served::new();
    let list = served.client().get("/v1/models").with(200).json();
    let model = &list["data"][0];
    assert_eq!(
        (&list["object"], &model["id"], &model["object"], &model["owned_by"]),
        (&"list".into(), &"bert".into(), &"model".into(), &"nearsay".into())
    );
    assert_eq!((&model["max_model_len"], &model["dimensions"]), (&MAX_TOKENS.into(), &DIMENSIONS.into()));
    assert_eq!(model["sha256"].as_str().unwrap().len(), 64);
    for name in ["bert", "text-embedding-3-small"] {
        assert_eq!(served.client().get(&format!("/v1/models/{name}")).with(200).json(), *model);
    }
    let source = nearsay_tests::fixture(crate::served::MODEL).display().to_string();
    let answer = served.client().post("/v1/embeddings", &json!({"input": "a", "model": source}));
    assert_eq!(answer.with(200).json()["model"], "bert");
}

#[test]
fn info_has_the_keys_of_tei_and_the_limits() {
    let served = Served::new();
    let info = served.client().get("/info").with(200).json();
    for (key, value) in [
        ("model_dtype", json!("float32")),
        ("max_input_length", json!(MAX_TOKENS)),
        ("max_client_batch_size", json!(2048)),
        ("auto_truncate", json!(true)),
        ("served_model_name", json!("bert")),
    ] {
        assert_eq!(info[key], value, "{key}");
    }
    assert_eq!(info["model_type"]["embedding"]["pooling"], "mean");
    assert_eq!(info["limits"]["max_body"], 8 << 20);
}

#[test]
fn health_and_ready_say_nothing_but_the_status() {
    let served = Served::new();
    for path in ["/health", "/ready"] {
        for method in ["GET", "HEAD"] {
            let answer = served.client().request(method, path, &[], b"").with(200);
            assert!(answer.body.is_empty(), "{path}");
        }
    }
}

#[test]
fn metrics_count_what_happened() {
    let served = Served::new();
    served.client().post("/embed", &json!({"inputs": ["river", "river ".repeat(100)]})).with(200);
    served.client().post("/embed", &json!({})).with(400);
    served.client().get("/nowhere").with(404);
    served.client().request("GET", "/health", &[("host", "evil.example")], b"").with(403);
    let answer = served.client().get("/metrics").with(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    for line in [
        "nearsay_requests_total{route=\"/embed\",status=\"200\"} 1",
        "nearsay_requests_total{route=\"/embed\",status=\"400\"} 1",
        "nearsay_requests_total{route=\"other\",status=\"404\"} 1",
        "nearsay_rejected_total{reason=\"forbidden\"} 1",
        "nearsay_texts_total 2",
        "nearsay_truncated_texts_total 1",
        "nearsay_tokens_total{model=\"bert\"} 43",
        "nearsay_encode_seconds_count 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
    assert!(
        text.contains("nearsay_model_info{model=\"bert\",sha256=\"") && text.contains("process_open_fds ")
    );
}
