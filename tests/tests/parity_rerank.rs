//! Scores of cross-encoders against sentence-transformers' CrossEncoder, for tiny random models: version 5's of a
//! folder without modules.json, and version 6's of its layouts.
//!
//! Bound: logits are sums over at most 64 values of size 1 with weights of size 0.25, after layers within 2e-5 of
//! transformers' (see parity_encoder.rs); the observed difference is under 4e-6.

use std::fs;
use std::path::Path;

use nearsay::{CrossEncoderOptions, EmbedOptions, Session, SessionOptions};
use nearsay_tests::compare::farthest;
use nearsay_tests::{completed_folder, fixture, json};
use serde_json::{Value, json};

const BOUND: f32 = 1e-5;
const NEWER: &str = "sentence-transformers-6";

fn session(folder: &Path) -> Session {
    Session::with(folder.to_str().unwrap(), &SessionOptions::default()).unwrap()
}

/// The scores of `pairs` against the `logits` and `scores` of a case.
fn check(what: &str, session: &Session, pairs: &Value, expected: &Value) {
    let pairs: Vec<(String, String)> = serde_json::from_value(pairs.clone()).unwrap();
    for (field, is_logit) in [("logits", true), ("scores", false)] {
        // Of each pair and label.
        let wanted: Vec<Vec<f32>> = serde_json::from_value(expected[field].clone()).unwrap();
        let encoder = session.cross_encoder(&CrossEncoderOptions::default().logits(is_logit)).unwrap();
        let scored = encoder.score(&pairs, |_| ()).unwrap().scores;
        let wanted = wanted.concat();
        let off = farthest(&scored, &wanted);
        assert!(off <= BOUND, "{what}, {field}: off by {off:e}");
    }
}

#[test]
fn every_family() {
    let cases = fs::read_dir(fixture("cross-encoders")).unwrap();
    let mut names: Vec<String> = cases.map(|case| case.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "albert",
            "bert",
            "bert-three-labels",
            "deberta-v2",
            "distilbert",
            "electra",
            "modernbert",
            "modernbert-mean",
            "mpnet",
            "roberta"
        ]
    );
    for name in names {
        let folder = fixture(&format!("cross-encoders/{name}"));
        let expected = json(&format!("cross-encoders/{name}/expected.json"));
        check(&name, &session(&folder), &expected["pairs"], &expected);
    }
}

fn newer() -> Value {
    json(&format!("{NEWER}/cross-encoders.json"))
}

/// The files of the case of this name and base, changed.
fn changed(base: &str, name: &str, change: impl Fn(&mut Value)) -> tempfile::TempDir {
    let recorded = newer();
    let mut cases = recorded["cases"].as_array().unwrap().iter();
    let case = cases.find(|case| case["name"] == name && case["base"] == base).unwrap();
    let mut files = case["files"].clone();
    change(&mut files);
    completed_folder(base, NEWER, &files)
}

#[test]
fn every_layout_of_version_6() {
    let recorded = newer();
    let cases = recorded["cases"].as_array().unwrap();
    for case in cases {
        let base = case["base"].as_str().unwrap();
        let folder = completed_folder(base, NEWER, &case["files"]);
        let session = session(folder.path());
        check(&format!("{base}, {}", case["name"]), &session, &recorded["pairs"], case);
        let message = session.embedder(&EmbedOptions::default()).unwrap_err().to_string();
        assert!(message.contains("is a cross-encoder"), "{message}");
    }
    assert!(cases.len() >= 4 * 2 + 3 * 3 + 7, "only {} cases", cases.len());
}

#[test]
fn the_settings_of_version_6_come_before_the_configuration() {
    let base = "cross-encoders/bert";
    let recorded = newer();
    let mut cases = recorded["cases"].as_array().unwrap().iter();
    let case = cases.find(|case| case["base"] == base && case["name"] == "classifier-sigmoid").unwrap();
    let mut config = json(&format!("{base}/config.json"));
    config["sentence_transformers"] = json!({"activation_fn": "torch.nn.modules.linear.Identity"});
    let mut files = case["files"].clone();
    files["config.json"] = config;
    let folder = completed_folder(base, NEWER, &files);
    check("settings", &session(folder.path()), &recorded["pairs"], case);
}

#[test]
fn a_prompt_is_one_of_the_models_or_given() {
    let folder = changed("families/qwen3", "chat-prompt", |_| ());
    let session = session(folder.path());
    let score = |options: CrossEncoderOptions| {
        let pairs = [("a river", "The river ran over its banks.")];
        session.cross_encoder(&options).unwrap().score(&pairs, |_| ()).unwrap().scores
    };
    let options = CrossEncoderOptions::default;
    let default = score(options());
    assert_eq!(score(options().prompt_name("own")), default);
    assert_eq!(score(options().prompt("walking slowly at night")), default);
    // Neither is there.
    let none = score(options().prompt_name("query"));
    assert_eq!(score(options().prompt("")), none);
    assert_ne!(none, default);
    assert_ne!(score(options().prompt("another")), default);
    let message = session.cross_encoder(&options().prompt_name("other")).unwrap_err().to_string();
    assert!(message.contains("no prompt named `other`"), "{message}");
}

#[test]
fn a_language_model_that_cannot_score_is_refused() {
    type Change = fn(&mut Value);
    let changes: [(Change, &[&str]); 7] = [
        (|files| files["1_LogitScore/config.json"]["true_token_id"] = json!(297), &["true_token_id", "297"]),
        (
            |files| files["1_LogitScore/config.json"]["module_input_name"] = json!("scores"),
            &["module_input_name", "must be causal_logits", "got scores"],
        ),
        (
            |files| files["sentence_bert_config.json"]["transformer_task"] = json!("fill-mask"),
            &["transformer_task", "text-generation", "fill-mask"],
        ),
        (
            |files| {
                let arguments = json!({"chat_template": {"truncation": false}});
                files["sentence_bert_config.json"]["processing_kwargs"] = arguments;
            },
            &["processing_kwargs.chat_template.truncation", "is not supported"],
        ),
        (
            |files| {
                files["sentence_bert_config.json"]["modality_config"]["message"]["format"] = json!("round")
            },
            &["modality_config.message", "flat, structured or auto", "round"],
        ),
        // Its template and the shortest texts have more tokens.
        (
            |files| files["sentence_bert_config.json"]["max_seq_length"] = json!(20),
            &["54 special tokens", "got 20"],
        ),
        (
            |files| files["config.json"]["tie_word_embeddings"] = json!(false),
            &["next-token head", "lm_head.weight"],
        ),
    ];
    for (change, parts) in changes {
        let folder = changed("families/qwen3", "chat-prompt", change);
        let opened = Session::open(folder.path().to_str().unwrap());
        let scoring = opened.and_then(|session| session.cross_encoder(&CrossEncoderOptions::default()));
        let message = scoring.unwrap_err().to_string();
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
}

#[test]
fn scores_that_cannot_be_are_refused() {
    type Change = fn(&mut Value);
    let changes: [(Change, &[&str]); 5] = [
        (
            |files| files["2_Dense/config.json"]["in_features"] = json!(31),
            &["2_Dense", "must be 32", "got 31"],
        ),
        (
            |files| files["2_Dense/config.json"]["out_features"] = json!(2),
            &["linear.weight", "[2, 32]", "[1, 32]"],
        ),
        (
            |files| files["2_Dense/config.json"]["activation_function"] = json!("my.Own"),
            &["2_Dense", "activation function", "my.Own"],
        ),
        (
            |files| files["config_sentence_transformers.json"]["activation_fn"] = json!("torch.nn.Softmax"),
            &["config_sentence_transformers.json", "activation function", "torch.nn.Softmax"],
        ),
        (
            |files| files["2_Dense/config.json"]["module_output_name"] = Value::Null,
            &["2_Dense", "module_output_name", "must be scores"],
        ),
    ];
    for (change, parts) in changes {
        let folder = changed("families/bert", "cls", change);
        let opened = Session::open(folder.path().to_str().unwrap());
        let scoring = opened.and_then(|session| session.cross_encoder(&CrossEncoderOptions::default()));
        let message = scoring.unwrap_err().to_string();
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
}
