//! Vectors and token ids against sentence-transformers 6 and transformers 5, where they differ from the older
//! versions of the other fixtures: every list of pooling modes, Dense with a residual, Normalize, prompts,
//! blanks at the ends of texts, and settings next to tokenizer.json.
//!
//! Bound: as in parity_embeddings.rs.

use std::path::Path;

use candle_core::Tensor;
use nearsay::{DeviceChoice, EmbedOptions, Session, SessionOptions, Vectors};
use nearsay_tests::{completed_folder, copy_folder, fixture, json, tensors};
use serde_json::Value;
use tempfile::TempDir;

const FOLDER: &str = "sentence-transformers-6";
const BOUND: f32 = 2e-5;

fn strings(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

/// A copy of a family's folder with the files of a case.
fn model(family: &str, files: &Value) -> TempDir {
    completed_folder(&format!("families/{family}"), FOLDER, files)
}

fn session(folder: &Path) -> Session {
    let options = SessionOptions::default().device(DeviceChoice::Cpu).strict(true);
    Session::with(folder.to_str().unwrap(), &options).unwrap()
}

fn assert_close(what: &str, got: &Vectors, expected: &[Vec<f32>]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (text, (got, expected)) in got.rows().zip(expected).enumerate() {
        assert_eq!(got.len(), expected.len(), "{what}, text {text}");
        let off = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off <= BOUND, "{what}, text {text}: off by {off:e}");
    }
}

fn rows(tensor: &Tensor) -> Vec<Vec<f32>> {
    tensor.to_vec2().unwrap()
}

#[test]
fn every_case_of_every_family() {
    let (recorded, expected) =
        (json(&format!("{FOLDER}/cases.json")), tensors(&format!("{FOLDER}/expected.safetensors")));
    let texts = strings(&recorded["texts"]);
    let mut seen = 0;
    for case in recorded["cases"].as_array().unwrap() {
        let (family, name) = (case["family"].as_str().unwrap(), case["name"].as_str().unwrap());
        let folder = model(family, &case["files"]);
        let session = session(folder.path());
        let prompts = [vec![String::new()], strings(&case["prompts"])].concat();
        for prompt in prompts {
            let options = match prompt.as_str() {
                "" => EmbedOptions::default(),
                name => EmbedOptions::default().prompt(name),
            };
            let got = session.embedder(&options).unwrap().embed(&texts).unwrap();
            let key = format!("{family}/{name}/{prompt}");
            assert_close(&key, &got, &rows(&expected[&key]));
            seen += 1;
        }
    }
    assert_eq!(seen, expected.len());
    assert!(seen >= 4 * 20, "only {seen} cases");
}

/// The fixtures' script has checked that sentence-transformers concatenates the vectors of the single modes.
#[test]
fn every_list_of_pooling_modes() {
    let recorded = json(&format!("{FOLDER}/cases.json"));
    let expected = tensors(&format!("{FOLDER}/expected.safetensors"));
    let (texts, lists) = (strings(&recorded["texts"]), recorded["lists"].as_array().unwrap());
    assert!(lists.len() >= 36 + 2);
    let cases = recorded["cases"].as_array().unwrap();
    for case in cases.iter().filter(|case| case["name"] == "pooling-mean") {
        let family = case["family"].as_str().unwrap();
        for list in lists {
            let mut files = case["files"].clone();
            files["1_Pooling/config.json"]["pooling_mode"] = list.clone();
            let folder = model(family, &files);
            let got =
                session(folder.path()).embedder(&EmbedOptions::default()).unwrap().embed(&texts).unwrap();
            let of_mode = |mode: &String| rows(&expected[&format!("{family}/pooling-{mode}/")]);
            let modes: Vec<Vec<Vec<f32>>> = strings(list).iter().map(of_mode).collect();
            let joined: Vec<Vec<f32>> = (0..texts.len())
                .map(|text| modes.iter().flat_map(|mode| mode[text].clone()).collect())
                .collect();
            assert_close(&format!("{family} {list}"), &got, &joined);
        }
    }
}

#[test]
fn settings_next_to_the_tokenizer() {
    let recorded = json(&format!("{FOLDER}/tokens.json"));
    let texts = strings(&recorded["texts"]);
    let cases = recorded["cases"].as_array().unwrap();
    for case in cases {
        let (family, name) = (case["family"].as_str().unwrap(), case["name"].as_str().unwrap());
        let folder = model(family, &serde_json::json!({"tokenizer_config.json": case["config"]}));
        let embedder = session(folder.path()).embedder(&EmbedOptions::default()).unwrap();
        let expected: Vec<Vec<u32>> = serde_json::from_value(case["ids"].clone()).unwrap();
        for (text, (got, expected)) in embedder.tokenize(&texts).unwrap().iter().zip(expected).enumerate() {
            // transformers was not asked to cut.
            assert!(!got.truncated || got.ids.len() == 40, "{family} {name}");
            let length = got.ids.len() - usize::from(got.truncated);
            assert_eq!(got.ids[..length], expected[..length], "{family} {name}, text {text}");
        }
    }
    assert!(cases.len() >= 40, "only {} cases", cases.len());
}

/// The files of a model as one version of transformers and sentence-transformers writes them have no field
/// that nearsay does not know, and the model gives what it gave before.
#[test]
fn files_as_each_version_writes_them() {
    let texts = ["The river, the garden", " and <mask> the [CLS] night "].map(str::to_owned);
    let mut seen = 0;
    for version in ["transformers-4.57.3", "transformers-5.24.0"] {
        for family in ["bert", "distilbert", "roberta", "xlm-roberta", "camembert"] {
            let original = session(&fixture("families").join(family));
            let plain = original.embedder(&EmbedOptions::default()).unwrap().tokenize(&texts).unwrap();
            for config in ["config.json", "config-all.json"] {
                let written = tempfile::tempdir().unwrap();
                copy_folder(&fixture("written").join(version).join(family), written.path());
                let weights = fixture("families").join(family).join("model.safetensors");
                std::fs::copy(weights, written.path().join("model.safetensors")).unwrap();
                let dense = fixture(FOLDER).join("weights/dense-none-2_Dense.safetensors");
                std::fs::copy(dense, written.path().join("2_Dense/model.safetensors")).unwrap();
                std::fs::copy(written.path().join(config), written.path().join("config.json.new")).unwrap();
                std::fs::rename(written.path().join("config.json.new"), written.path().join("config.json"))
                    .unwrap();
                let embedder = session(written.path()).embedder(&EmbedOptions::default()).unwrap();
                assert_eq!(embedder.tokenize(&texts).unwrap(), plain, "{version} {family} {config}");
                assert_eq!(embedder.embed(&texts).unwrap().dim(), 8);
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 20);
}
