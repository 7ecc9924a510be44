//! BERTScore of all-MiniLM-L6-v2 and of tiny models of every family against values that bert_score 0.3.13
//! computed with batch size 1.
//!
//! Bound: two implementations compute cosines of f32 vectors to some 1e-6; the external check requires 2e-5. The
//! tiny models' large weights magnify roundings (see parity_encoder.rs).

use std::path::Path;

use nearsay::score::bertscore::Scores;
use nearsay::score::{PairSource, PairTexts, TextSource};
use nearsay::text::{Input, TextOptions};
use nearsay::{DeviceChoice, ScoreOptions, Scorer, Session, SessionOptions};
use nearsay_tests::{fixture, json, minilm, tensors};
use serde_json::Value;

const BOUND: f64 = 2e-6;
const FAMILY_BOUND: f32 = 5e-6;

fn pairs(set: &Value) -> Vec<PairTexts> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pair = |pair: &Value| {
        PairTexts::new(text(&pair["candidate"]), pair["references"].as_array().unwrap().iter().map(text))
    };
    set.as_array().unwrap().iter().map(pair).collect()
}

fn open(folder: &Path) -> Session {
    let options = SessionOptions::default().device(DeviceChoice::Cpu).batch_tokens(512);
    Session::with(folder.to_str().unwrap(), &options).unwrap()
}

fn scorer(session: &Session, layer: usize) -> Scorer {
    session.scorer(&ScoreOptions::default().layer(layer)).unwrap()
}

/// The pairs as files, a column of candidates and one for each reference.
fn source(pairs: &[PairTexts], folder: &Path) -> PairSource {
    let column = |name: &str, texts: Vec<&String>| {
        let path = folder.join(name);
        let lines: String =
            texts.iter().map(|text| format!("{}\n", serde_json::json!({ "text": text }))).collect();
        std::fs::write(&path, lines).unwrap();
        TextSource::open(&Input::File(path), &TextOptions::default()).unwrap()
    };
    PairSource::new(
        column("candidates.jsonl", pairs.iter().map(|pair| &pair.candidate).collect()),
        (0..pairs[0].references.len())
            .map(|i| column(&format!("{i}.jsonl"), pairs.iter().map(|pair| &pair.references[i]).collect()))
            .collect(),
    )
}

fn assert_close(what: &str, got: &[f32], expected: &Value) {
    let expected = expected.as_array().unwrap();
    assert_eq!(got.len(), expected.len(), "{what}");
    for (pair, (got, expected)) in got.iter().zip(expected).enumerate() {
        let off = (*got as f64 - expected.as_f64().unwrap()).abs();
        assert!(off <= BOUND, "{what}, pair {pair}: {got} against {expected}, off by {off:e}");
    }
}

#[test]
fn golden_values_at_four_layers_with_and_without_idf() {
    let golden = json("minilm/bertscore.json");
    let session = open(minilm());
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 16, "only {} cases", cases.len());
    for case in cases {
        let (set, layer) = (case["set"].as_str().unwrap(), case["layer"].as_u64().unwrap() as usize);
        let what = format!("{set}, layer {layer}, idf {}", case["idf"]);
        let pairs = pairs(&golden[set]);
        let folder = tempfile::tempdir().unwrap();
        let source = source(&pairs, folder.path());
        let mut scorer = scorer(&session, layer);
        if case["idf"].as_bool().unwrap() {
            scorer = scorer.weighted_by_idf(&source).unwrap();
        }
        let mut scores: Vec<Scores> = Vec::new();
        scorer
            .score_source(&source, |chunk| {
                scores.extend_from_slice(chunk);
                Ok(())
            })
            .unwrap();
        let column = |part: fn(&Scores) -> f32| scores.iter().map(part).collect::<Vec<f32>>();
        assert_close(&format!("{what}, P"), &column(|scores| scores.precision), &case["precision"]);
        assert_close(&format!("{what}, R"), &column(|scores| scores.recall), &case["recall"]);
        assert_close(&format!("{what}, F1"), &column(|scores| scores.f1), &case["f1"]);
    }
}

#[test]
fn a_text_with_itself_scores_one() {
    let session = open(minilm());
    let text = "Whatever stands on both sides matches itself.";
    let scores = scorer(&session, 5).score(&[(text, text)]).unwrap()[0];
    for value in [scores.precision, scores.recall, scores.f1] {
        assert!((value - 1.0).abs() < 1e-6, "{scores:?}");
    }
}

/// The tiny models of bert_score's table: their layers up to one in the middle, and all. Norms after the last layer
/// follow whichever layer is scored, as in bert_score, which removes the layers after it.
#[test]
fn every_family_scores_as_bert_score() {
    let expected = tensors("bertscore/expected.safetensors");
    let pairs: Vec<(String, String)> = serde_json::from_value(json("bertscore/pairs.json")).unwrap();
    assert!(expected.len() >= 56 && pairs.len() == 50, "{} sets of {} pairs", expected.len(), pairs.len());
    for (name, expected) in &expected {
        let (family, layer) = name.split_once(".layer.").unwrap();
        let session = open(&fixture(&format!("families/{family}")));
        let scores = scorer(&session, layer.parse().unwrap()).score(&pairs).unwrap();
        let expected: Vec<Vec<f32>> = expected.to_vec2().unwrap();
        for (pair, scores) in scores.iter().enumerate() {
            for (part, got) in [scores.precision, scores.recall, scores.f1].into_iter().enumerate() {
                let off = (got - expected[part][pair]).abs();
                assert!(off <= FAMILY_BOUND, "{name}, pair {pair}: {got} is off by {off:e}");
            }
        }
    }
}
