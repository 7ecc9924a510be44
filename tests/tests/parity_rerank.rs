//! Scores of cross-encoders against sentence-transformers' CrossEncoder, for tiny random models.
//!
//! Bound: logits are sums over 32 values of size 1 with weights of size 0.25, after layers within 2e-5 of
//! transformers' (see parity_encoder.rs); the observed difference is under 4e-6.

use std::fs;

use nearsay::{CrossEncoderOptions, Session, SessionOptions};
use nearsay_tests::{fixture, json};

const BOUND: f32 = 1e-5;

fn check(case: &str) {
    let expected = json(&format!("cross-encoders/{case}/expected.json"));
    let pairs: Vec<(String, String)> = serde_json::from_value(expected["pairs"].clone()).unwrap();
    let folder = fixture(&format!("cross-encoders/{case}"));
    let session = Session::with(folder.to_str().unwrap(), &SessionOptions::default()).unwrap();
    for (field, is_logit) in [("logits", true), ("scores", false)] {
        // Of each pair and label.
        let wanted: Vec<Vec<f32>> = serde_json::from_value(expected[field].clone()).unwrap();
        let encoder = session.cross_encoder(&CrossEncoderOptions::default().logits(is_logit)).unwrap();
        let scored = encoder.score(&pairs, |_| ()).unwrap().scores;
        let wanted = wanted.concat();
        assert_eq!(scored.len(), wanted.len());
        let off = scored.iter().zip(&wanted).map(|(got, wanted)| (got - wanted).abs()).fold(0.0, f32::max);
        assert!(off <= BOUND, "{case}, {field}: off by {off:e}");
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
    names.iter().for_each(|name| check(name));
}
