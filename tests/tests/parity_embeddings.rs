//! Vectors of texts against sentence-transformers: tiny folders for every module, and all-MiniLM-L6-v2.
//!
//! Bound: the tiny models' as in parity_encoder.rs; all-MiniLM-L6-v2's vectors have length 1 over 384 values
//! and come from six layers; two f32 implementations differ by less than 1e-6 in each value.

use std::path::Path;

use candle_core::Tensor;
use nearsay::{DeviceChoice, EmbedOptions, Pooling, Precision, Session, SessionOptions, Vectors};
use nearsay_tests::{copy_folder, fixture, json, minilm, tensors};

const TINY_BOUND: f32 = 2e-5;
const MINILM_BOUND: f32 = 2e-6;

fn session(folder: &Path, precision: Precision) -> Session {
    let options = SessionOptions::default().device(DeviceChoice::Cpu).precision(precision);
    Session::with(folder.to_str().unwrap(), &options).unwrap()
}

fn embed(folder: &Path, options: EmbedOptions, texts: &[String]) -> Vectors {
    let embedder = session(folder, Precision::F32).embedder(&options).unwrap();
    let vectors = embedder.embed(texts).unwrap().vectors;
    assert_eq!(vectors.dim(), embedder.dimensions());
    vectors
}

fn texts(folder: &str) -> Vec<String> {
    serde_json::from_value(json(&format!("{folder}/texts.json"))).unwrap()
}

fn assert_close(what: &str, got: &Vectors, expected: &Tensor, bound: f32) {
    let expected = expected.to_vec2::<f32>().unwrap();
    assert_eq!(got.len(), expected.len(), "{what}");
    for (text, (got, expected)) in got.rows().zip(&expected).enumerate() {
        assert_eq!(got.len(), expected.len(), "{what}, text {text}");
        let off = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off <= bound, "{what}, text {text}: off by {off:e}");
    }
}

#[test]
fn old_layout_with_two_pooling_modes() {
    let folder = "sentence-transformers/old-layout";
    let expected = tensors(&format!("{folder}/expected.safetensors"));
    let got = embed(&fixture(folder), EmbedOptions::default(), &texts(folder));
    assert_close(folder, &got, &expected["embeddings"], TINY_BOUND);
}

#[test]
fn every_pooling_mode_in_both_schemas() {
    let folder = "sentence-transformers/poolings";
    let expected = tensors(&format!("{folder}/expected.safetensors"));
    let mut seen = 0;
    for schema in ["old", "new"] {
        for entry in std::fs::read_dir(fixture(folder).join("poolings").join(schema)).unwrap() {
            let config = entry.unwrap().path();
            let name = config.file_stem().unwrap().to_str().unwrap().to_owned();
            let copy = tempfile::tempdir().unwrap();
            copy_folder(&fixture(folder), copy.path());
            std::fs::copy(&config, copy.path().join("1_Pooling/config.json")).unwrap();
            let got = embed(copy.path(), EmbedOptions::default(), &texts(folder));
            assert_close(
                &format!("{schema} {name}"),
                &got,
                &expected[&format!("pooling.{name}")],
                TINY_BOUND,
            );
            seen += 1;
        }
    }
    assert!(seen >= 12, "only {seen} configurations");
}

#[test]
fn a_pooling_mode_that_is_asked_for() {
    let folder = "sentence-transformers/poolings";
    let expected = tensors(&format!("{folder}/expected.safetensors"));
    for (mode, name) in [
        (Pooling::Cls, "cls"),
        (Pooling::Max, "max"),
        (Pooling::Mean, "mean"),
        (Pooling::MeanSqrtLength, "mean_sqrt_len_tokens"),
        (Pooling::WeightedMean, "weightedmean"),
        (Pooling::LastToken, "lasttoken"),
    ] {
        let got = embed(&fixture(folder), EmbedOptions::default().pooling(mode), &texts(folder));
        assert_close(name, &got, &expected[&format!("pooling.{name}")], TINY_BOUND);
    }
}

#[test]
fn dense_normalize_and_prompts() {
    let folder = "sentence-transformers/dense-prompts";
    let expected = tensors(&format!("{folder}/expected.safetensors"));
    let got = embed(&fixture(folder), EmbedOptions::default(), &texts(folder));
    assert_close("no prompt", &got, &expected["embeddings"], TINY_BOUND);
    for name in ["query", "passage"] {
        let got = embed(&fixture(folder), EmbedOptions::default().prompt(name), &texts(folder));
        assert_close(name, &got, &expected[&format!("prompt.{name}")], TINY_BOUND);
    }
    // An empty prompt (null in the file) counts as none.
    let got = embed(&fixture(folder), EmbedOptions::default().prompt("document"), &texts(folder));
    assert_close("document", &got, &expected["embeddings"], TINY_BOUND);
}

#[test]
fn a_prompt_that_is_left_out_of_pooling() {
    let folder = "sentence-transformers/dense-prompts";
    let expected = tensors(&format!("{folder}/expected.safetensors"));
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&fixture(folder), copy.path());
    let path = copy.path().join("1_Pooling/config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config["include_prompt"] = serde_json::json!(false);
    std::fs::write(&path, config.to_string()).unwrap();
    for name in ["query", "passage"] {
        let got = embed(copy.path(), EmbedOptions::default().prompt(name), &texts(folder));
        assert_close(name, &got, &expected[&format!("prompt_excluded.{name}")], TINY_BOUND);
    }
}

#[test]
fn all_minilm_l6_v2() {
    let expected = tensors("minilm/expected.safetensors");
    let texts = texts("minilm");
    assert!(
        texts.iter().any(|text| text.split_whitespace().count() > 256),
        "no text tries the length of 256 tokens"
    );
    let got = embed(minilm(), EmbedOptions::default(), &texts);
    assert_close("all-MiniLM-L6-v2", &got, &expected["embeddings"], MINILM_BOUND);
}

/// How close vectors of length 1 in a narrower precision must be to those of sentence-transformers in f32. A
/// bf16 has 8 bits, so each product has a random error of about 2^-8; over six layers that leaves a cosine of
/// 0.99995. A byte has steps of 1/255 of a row's range, an error ten times as large, so its cosine is a
/// hundred times as far from 1. The bounds are the engine's goals.
#[test]
fn all_minilm_l6_v2_in_narrower_precisions() {
    let expected = tensors("minilm/expected.safetensors")["embeddings"].to_vec2::<f32>().unwrap();
    for (precision, smallest) in [(Precision::Bf16, 0.9995), (Precision::Int8, 0.97)] {
        let embedder = session(minilm(), precision).embedder(&EmbedOptions::default()).unwrap();
        let got = embedder.embed(&texts("minilm")).unwrap();
        assert_eq!(got.len(), expected.len());
        for (text, (got, expected)) in got.rows().zip(&expected).enumerate() {
            let cosine: f32 = got.iter().zip(expected).map(|(a, b)| a * b).sum();
            assert!(cosine >= smallest, "{precision:?}, text {text}: cosine {cosine}");
            assert_ne!(got, expected, "{precision:?}, text {text}: not narrower at all");
        }
    }
}
