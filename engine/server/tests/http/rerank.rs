//! Reranking, labels and scores of pairs, by cross-encoders and by vectors.

use nearsay::rerank::CrossEncoder;
use nearsay::{CrossEncoderOptions, Devices, Session, SessionOptions};
use nearsay_server::ModelSource;
use nearsay_tests::fixture;
use serde_json::{Value, json};

use crate::served::{Served, embedder};

const QUERY: &str = "where is the river?";
const TEXTS: [&str; 4] = ["the old mill", "a river ran over its banks", "river", "the old mill"];

fn served(model: &'static str) -> Served {
    Served::with(|config| {
        config.models = vec![ModelSource { name: "it".to_owned(), source: source(model) }];
        config.aliases.clear();
    })
}

fn source(model: &str) -> String {
    fixture(model).display().to_string()
}

fn cross_encoder(model: &str, logits: bool) -> CrossEncoder {
    let session = Session::with(&source(model), &SessionOptions::default().devices(Devices::cpu())).unwrap();
    session.cross_encoder(&CrossEncoderOptions::default().logits(logits)).unwrap()
}

fn scores(model: &str, logits: bool, pairs: &[(&str, &str)]) -> Vec<f32> {
    cross_encoder(model, logits).score(pairs, |_| ()).unwrap().scores
}

fn number(value: &Value) -> f32 {
    value.as_f64().expect("a number") as f32
}

/// Places and scores, in the order of an answer.
fn ranked(results: &Value, score: &str) -> Vec<(usize, f32)> {
    let pair = |item: &Value| (item["index"].as_u64().unwrap() as usize, number(&item[score]));
    results.as_array().unwrap().iter().map(pair).collect()
}

/// The same of known scores, the best first, equal ones in the order of the request.
fn expected(scores: &[f32]) -> Vec<(usize, f32)> {
    let mut ranked: Vec<(usize, f32)> = scores.iter().copied().enumerate().collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
    ranked
}

#[test]
fn a_cross_encoder_ranks_by_its_head_in_every_form() {
    let served = served("cross-encoders/bert");
    let mut client = served.client();
    let pairs = TEXTS.map(|text| (QUERY, text));
    let (of_model, logits) =
        (scores("cross-encoders/bert", false, &pairs), scores("cross-encoders/bert", true, &pairs));

    let answer = client.post(
        "/v1/rerank",
        &json!({"query": QUERY, "documents": TEXTS, "top_n": 3, "return_documents": true}),
    );
    assert_eq!(answer.header("x-nearsay-method"), Some("cross-encoder"));
    let answer = answer.with(200).json();
    assert_eq!(ranked(&answer["results"], "relevance_score"), expected(&of_model)[..3]);
    let best = answer["results"][0]["index"].as_u64().unwrap() as usize;
    assert_eq!(answer["results"][0]["document"]["text"], TEXTS[best]);
    assert!(answer["usage"]["total_tokens"].as_u64().unwrap() > 20);

    let documents = TEXTS.map(|text| json!({ "text": text }));
    let cohere = json!({"model": "it", "query": QUERY, "documents": documents});
    let answer =
        client.request("POST", "/v2/rerank", &[("x-request-id", "r-1")], cohere.to_string().as_bytes());
    let answer = answer.with(200).json();
    assert_eq!(ranked(&answer["results"], "relevance_score"), expected(&of_model));
    assert_eq!((&answer["id"], &answer["meta"]["api_version"]["version"]), (&json!("r-1"), &json!("2")));

    for path in ["/rerank", "/"] {
        let answer = client
            .post(path, &json!({"query": QUERY, "texts": TEXTS, "raw_scores": true, "return_text": true}));
        let answer = answer.with(200).json();
        assert_eq!(ranked(&answer, "score"), expected(&logits), "{path}");
        assert_eq!(answer[0]["text"], TEXTS[best]);
    }
    let sigmoid = |logit: f32| (1.0 / (1.0 + (-f64::from(logit)).exp())) as f32;
    let answer = client.post("/rerank", &json!({"query": QUERY, "texts": TEXTS})).with(200).json();
    assert_eq!(ranked(&answer, "score"), expected(&logits.iter().copied().map(sigmoid).collect::<Vec<_>>()));
    let answer = client.post("/rerank", &json!({"query": QUERY, "documents": TEXTS})).with(200).json();
    assert_eq!(ranked(&answer["results"], "relevance_score"), expected(&of_model));
}

#[test]
fn vectors_rank_by_cosine_which_a_header_says() {
    let served = Served::new();
    let vectors = embedder().embed(&[&[QUERY][..], &TEXTS[..]].concat()).unwrap();
    let rows: Vec<&[f32]> = vectors.rows().collect();
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    let cosine = |row: &&[f32]| (dot(rows[0], row) / (dot(rows[0], rows[0]) * dot(row, row)).sqrt()) as f32;
    let cosines: Vec<f32> = rows[1..].iter().map(cosine).collect();
    let answer = served.client().post("/v1/rerank", &json!({"query": QUERY, "documents": TEXTS})).with(200);
    assert_eq!(answer.header("x-nearsay-method"), Some("cosine"));
    let found = ranked(&answer.json()["results"], "relevance_score");
    for ((place, score), (known, cosine)) in found.iter().zip(expected(&cosines)) {
        assert_eq!(*place, known);
        assert!((score - cosine).abs() < 1e-6, "{score} {cosine}");
    }
}

#[test]
fn documents_may_be_cut_to_some_tokens() {
    let served = served("cross-encoders/bert");
    let rank = |documents: Value, most: Value| {
        let body = json!({"query": QUERY, "documents": documents, "max_tokens_per_doc": most});
        ranked(&served.client().post("/v2/rerank", &body).with(200).json()["results"], "relevance_score")
    };
    assert_eq!(rank(json!(["river the and a"]), json!(2)), rank(json!(["river the"]), Value::Null));
    assert_ne!(rank(json!(["river the and a"]), json!(2)), rank(json!(["river the and a"]), Value::Null));
}

#[test]
fn pairs_are_scored_one_by_one_or_one_with_all() {
    let served = served("cross-encoders/bert");
    let pairs: Vec<(&str, &str)> = TEXTS.iter().map(|text| (QUERY, *text)).collect();
    let expected = scores("cross-encoders/bert", false, &pairs);
    let queries = [QUERY; 4];
    for (path, body) in [
        ("/score", json!({"text_1": QUERY, "text_2": TEXTS})),
        ("/v1/score", json!({"queries": queries, "documents": TEXTS})),
        ("/v1/score", json!({"queries": [QUERY], "items": TEXTS})),
        ("/score", json!({"data_1": queries, "data_2": TEXTS})),
    ] {
        let answer = served.client().post(path, &body).with(200).json();
        let found: Vec<f32> =
            answer["data"].as_array().unwrap().iter().map(|item| number(&item["score"])).collect();
        assert_eq!(found, expected, "{body}");
    }
    let message = served.client().post("/score", &json!({"text_1": ["a", "b"], "text_2": ["a", "b", "c"]}));
    let message = message.openai_error(400, None);
    assert_eq!(message, "text_1 must have one text, or as many as text_2, which has 3, got 2");
    let cosines =
        Served::new().client().post("/score", &json!({"text_1": "river", "text_2": ["river", "mill"]}));
    assert_eq!(cosines.header("x-nearsay-method"), Some("cosine"));
    assert!((number(&cosines.json()["data"][0]["score"]) - 1.0).abs() < 1e-6);
}

#[test]
fn labels_have_their_names_and_probabilities() {
    let served = served("cross-encoders/bert-three-labels");
    let pair = [("the river", "a mill")];
    let logits = scores("cross-encoders/bert-three-labels", true, &pair);
    for path in ["/predict", "/"] {
        let raw = json!({"inputs": ["the river", "a mill"], "raw_scores": true});
        let raw = served.client().post(path, &raw).with(200).json();
        for item in raw.as_array().unwrap() {
            let label: usize =
                item["label"].as_str().unwrap().strip_prefix("LABEL_").unwrap().parse().unwrap();
            assert_eq!(number(&item["score"]), logits[label]);
        }
        assert!(
            number(&raw[0]["score"]) >= number(&raw[1]["score"])
                && number(&raw[1]["score"]) >= number(&raw[2]["score"])
        );
    }
    let several = json!({"inputs": [["the river", "a mill"], ["the river"]]});
    let several = served.client().post("/predict", &several).with(200).json();
    let one = served.client().post("/predict", &json!({"inputs": "the river"})).with(200).json();
    assert_eq!((several.as_array().unwrap().len(), &several[1]), (2, &one));
    assert_ne!(several[0], several[1]);
    let sum: f32 = one.as_array().unwrap().iter().map(|item| number(&item["score"])).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{one}");
    let long = json!({"inputs": "river ".repeat(60), "truncate": false});
    let message = served.client().post("/predict", &long).tei_error(413, "Validation");
    assert_eq!(message, "inputs[0] must have at most 40 tokens, has 62, and `truncate` is false");
}

#[test]
fn models_do_only_what_they_can() {
    let labels = served("cross-encoders/bert-three-labels");
    let message = labels.client().post("/v1/rerank", &json!({"query": "a", "documents": ["b"]}));
    let message = message.openai_error(424, Some("model_not_capable"));
    assert_eq!(message, "the model it must have one label, and has 3");
    let message = labels.client().post("/embed", &json!({"inputs": "a"})).tei_error(424, "Backend");
    assert_eq!(message, "the model it must make one dense vector per text, and scores texts");
    let info = labels.client().get("/info").with(200).json();
    assert_eq!(info["model_type"]["classifier"]["id2label"]["2"], "LABEL_2");
    assert_eq!(info["capabilities"], json!(["predict", "bertscore"]));
    let vectors = Served::new();
    let message = vectors.client().post("/predict", &json!({"inputs": "a"})).tei_error(424, "Backend");
    assert_eq!(message, "the model bert must have a classification head, and makes sentence vectors");
    let message = vectors.client().post("/embed_sparse", &json!({"inputs": "a"})).tei_error(424, "Backend");
    assert!(message.starts_with("the model bert must make sparse vectors"), "{message}");
    let models = labels.client().get("/v1/models").with(200).json();
    assert_eq!(models["data"][0].get("dimensions"), None);
}

#[test]
fn a_long_query_is_not_multiplied() {
    let served = served("cross-encoders/bert");
    let body = json!({"query": "a".repeat(1 << 20), "documents": vec!["b"; 300]});
    let message = served.client().post("/v1/rerank", &body).openai_error(413, Some("request_too_large"));
    assert!(message.contains("must have at most 134217728 bytes together"), "{message}");
}

#[test]
fn documents_are_texts() {
    let served = Served::new();
    for (body, part) in [
        (json!({"query": 1, "documents": ["a"]}), "query must be a string, got a number"),
        (json!({"documents": ["a"]}), "query is missing"),
        (json!({"query": "a", "documents": []}), "documents must have at least one text, got an empty list"),
        (json!({"query": "a", "documents": "b"}), "documents must be a list of strings, got a string"),
        (
            json!({"query": "a", "documents": ["a", {"body": "b"}]}),
            "documents[1] must be a string, or an object",
        ),
        (json!({"query": "a", "documents": ["a"], "top_n": 0}), "top_n must be a whole number from 1"),
    ] {
        let message = served.client().post("/v1/rerank", &body).openai_error(400, None);
        assert!(message.contains(part), "{message}");
        let cohere = served.client().post("/v2/rerank", &body).with(400).json();
        assert!(cohere["message"].as_str().unwrap().contains(part) && cohere["id"].is_string(), "{cohere}");
    }
    let ignored = json!({"query": "a", "documents": ["b"], "truncation": 1});
    let answer = served.client().post("/v2/rerank", &ignored).with(200);
    assert_eq!(answer.header("x-nearsay-ignored"), Some("truncation"));
    let message = served.client().post("/rerank", &json!({"query": "a", "documents": ["b"], "x": 1}));
    assert!(message.tei_error(400, "Validation").starts_with("unknown field x; known fields: model, query"));
}
