//! Ollama's routes, vLLM's `/pooling`, and sparse vectors.

use nearsay::{Devices, EmbedOptions, Session, SessionOptions};
use nearsay_server::ModelSource;
use nearsay_tests::fixture;
use serde_json::json;

use crate::answers::{bits, expected, texts};
use crate::served::{DIMENSIONS, Served, embedder};

#[test]
fn ollama_has_vectors_of_length_1() {
    let (served, texts) = (Served::new(), texts());
    let normalized = embedder().with(|options: EmbedOptions| options.normalize(true)).unwrap();
    let body = json!({"model": "bert:latest", "input": texts, "keep_alive": "5m", "options": {"num_ctx": 9}});
    let answer = served.client().post("/api/embed", &body).with(200);
    assert_eq!(answer.header("x-nearsay-ignored"), Some("keep_alive, options"));
    let answer = answer.json();
    let found: Vec<Vec<u32>> = answer["embeddings"].as_array().unwrap().iter().map(bits).collect();
    assert_eq!(found, expected(&normalized, &texts));
    assert!(
        answer["prompt_eval_count"].as_u64().unwrap() > 100 && answer["total_duration"].as_u64().unwrap() > 0
    );
    let refused =
        served.client().post("/api/embed", &json!({"model": "other", "input": "a"})).with(404).json();
    assert!(
        refused["error"].as_str().unwrap().starts_with("model must be one of this server's"),
        "{refused}"
    );
    let tags = served.client().get("/api/tags").with(200).json();
    assert_eq!(tags["models"][0]["name"], "bert:latest");
    assert_eq!(tags["models"][0]["details"]["family"], "bert");
    assert!(served.client().get("/api/version").with(200).json()["version"].is_string());
    assert!(served.client().get("/api/other").with(404).json()["error"].is_string());
}

#[test]
fn pooling_has_a_vector_per_token() {
    let (served, texts) = (Served::new(), texts());
    let embedded = embedder().embed_tokens(&texts).unwrap();
    let answer = served.client().post("/pooling", &json!({"model": "bert", "input": texts})).with(200).json();
    for (index, item) in answer["data"].as_array().unwrap().iter().enumerate() {
        assert_eq!((&item["index"], &item["object"]), (&json!(index), &json!("pooling")));
        let found: Vec<u32> = item["data"].as_array().unwrap().iter().flat_map(bits).collect();
        let rows = embedded.text(index);
        let values = &embedded.vectors.values()[rows.start * DIMENSIONS..rows.end * DIMENSIONS];
        assert_eq!(found, values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
    }
    assert_eq!(answer["data"].as_array().unwrap().len(), texts.len());
}

#[test]
fn sparse_vectors_leave_zeros_out() {
    let source = fixture("sparse-encoders/bert").display().to_string();
    let session = Session::with(&source, &SessionOptions::default().devices(Devices::cpu())).unwrap();
    let embedder = session.embedder(&EmbedOptions::default()).unwrap();
    let served = Served::with(|config| {
        config.models = vec![ModelSource { name: "splade".to_owned(), source }];
        config.aliases.clear();
    });
    let texts = ["the river", "a mill"];
    let expected = embedder.embed_sparse(&texts).unwrap();
    for path in ["/embed_sparse", "/"] {
        let answer = served.client().post(path, &json!({ "inputs": texts })).with(200).json();
        for (found, expected) in answer.as_array().unwrap().iter().zip(&expected) {
            let pair = |item: &serde_json::Value| {
                (item["index"].as_u64().unwrap() as u32, item["value"].as_f64().unwrap() as f32)
            };
            let found: Vec<(u32, f32)> = found.as_array().unwrap().iter().map(pair).collect();
            let known = expected.indices.iter().copied().zip(expected.values.iter().copied());
            assert_eq!(found, known.filter(|(_, value)| *value != 0.0).collect::<Vec<_>>());
            assert!(!found.is_empty());
        }
    }
    let message = served.client().post("/embed", &json!({"inputs": "a"})).tei_error(424, "Backend");
    assert_eq!(message, "the model splade must make one dense vector per text, and makes sparse vectors");
}
