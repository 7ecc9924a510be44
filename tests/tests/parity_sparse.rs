//! Sparse vectors against sentence-transformers' SparseEncoder, for tiny random models.
//!
//! Bound: a weight's logit is a sum over 32 values (20 in two cases) of size 1 with weights of size 0.25, after layers
//! within 2e-5 of transformers' (see parity_encoder.rs); the observed difference is under 4e-6 of the largest value, or
//! of 1.

use std::collections::HashMap;
use std::fs;

use candle_core::Tensor;
use nearsay::embed::SparseVector;
use nearsay::{EmbedOptions, Embedder, Error, Session, SessionOptions};
use nearsay_tests::compare::{dense, farthest};
use nearsay_tests::{copy_folder, fixture, json, tensors};

const BOUND: f32 = 1e-5;

fn open(case: &str, options: &EmbedOptions) -> nearsay::Result<Embedder> {
    let folder = fixture(&format!("sparse-encoders/{case}"));
    Session::with(folder.to_str().unwrap(), &SessionOptions::default()).unwrap().embedder(options)
}

fn expected(case: &str) -> (Vec<String>, Vec<SparseVector>) {
    let expected = json(&format!("sparse-encoders/{case}/expected.json"));
    let vector = |row: &serde_json::Value| SparseVector {
        indices: serde_json::from_value(row["indices"].clone()).unwrap(),
        values: serde_json::from_value(row["values"].clone()).unwrap(),
    };
    let vectors = expected["vectors"].as_array().unwrap().iter().map(vector).collect();
    (serde_json::from_value(expected["texts"].clone()).unwrap(), vectors)
}

fn check(case: &str) {
    let embedder = open(case, &EmbedOptions::default()).unwrap();
    let (texts, wanted) = expected(case);
    let got = embedder.embed_sparse(&texts).unwrap();
    assert_eq!([got.len(), wanted.len()], [texts.len(); 2], "{case}");
    for (number, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
        let [got, wanted] = [got, wanted].map(|vector| dense(vector, embedder.dimensions()));
        let largest = wanted.iter().fold(1.0, |largest: f32, value| largest.max(*value));
        let off = farthest(&got, &wanted);
        assert!(off <= BOUND * largest, "{case}, text {number}: off by {off:e} of {largest}");
    }
    for (text, together) in texts.iter().zip(&got) {
        assert_eq!(&embedder.embed_sparse(&[text]).unwrap()[0], together, "{case}: other bits alone");
    }
}

#[test]
fn every_family() {
    let cases = fs::read_dir(fixture("sparse-encoders")).unwrap();
    let mut names: Vec<String> = cases.map(|case| case.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["albert", "bert", "distilbert", "electra", "modernbert", "mpnet", "roberta-untied"]);
    names.iter().for_each(|name| check(name));
}

#[test]
fn dense_and_sparse_vectors_are_not_taken_for_each_other() {
    let sparse = open("bert", &EmbedOptions::default()).unwrap();
    let error = sparse.embed(&["river"]).unwrap_err().to_string();
    assert_eq!(error, "one dense vector per text is needed, and the model makes sparse vectors (splade max)");
    let options = EmbedOptions::default().pooling(nearsay::Pooling::Mean);
    let pooled = open("bert", &options).unwrap();
    assert_eq!(pooled.embed(&["river"]).unwrap().dim(), 32);
    let error = pooled.embed_sparse(&["river"]).unwrap_err().to_string();
    assert_eq!(error, "sparse vectors are needed, and the model makes one dense vector per text (mean)");
}

#[test]
fn options_of_dense_vectors_are_refused() {
    let options = EmbedOptions::default;
    for (options, setting) in [
        (options().normalize(true), "normalize"),
        (options().dimensions(8), "dimensions"),
        (options().layer(1), "layer"),
    ] {
        let error = open("bert", &options).unwrap_err();
        assert!(matches!(error, Error::Usage { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("`{setting}` makes no sense")), "{error}");
    }
}

/// transformers 5 writes both biases for a decoder that is not tied, and applies the decoder's; until version 4 they
/// were one.
#[test]
fn a_decoder_that_is_not_tied_has_its_own_bias() {
    let rows = |edit: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&fixture("sparse-encoders/roberta-untied"), folder.path());
        let mut weights = tensors("sparse-encoders/roberta-untied/model.safetensors");
        edit(&mut weights);
        candle_core::safetensors::save(&weights, folder.path().join("model.safetensors")).unwrap();
        let session = Session::with(folder.path().to_str().unwrap(), &SessionOptions::default()).unwrap();
        session.embedder(&EmbedOptions::default()).unwrap().embed_sparse(&["the river"]).unwrap()
    };
    let shifted = |weights: &HashMap<String, Tensor>| (&weights["lm_head.bias"] + 0.5).unwrap();
    let both = rows(&|weights| {
        let bias = shifted(weights);
        weights.insert("lm_head.decoder.bias".to_owned(), bias);
    });
    let one = rows(&|weights| {
        let bias = shifted(weights);
        weights.insert("lm_head.bias".to_owned(), bias);
    });
    assert_eq!(both, one);
    assert!(both != rows(&|_| ()));
}
