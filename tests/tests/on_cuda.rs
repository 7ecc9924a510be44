//! The engine on CUDA devices, real or emulated (scripts/test-cuda): parity with the CPU, invariance, several
//! devices, too little memory, a lost device. A build with feature `cuda` needs a device for these tests;
//! they do not pass without one.
#![cfg(feature = "cuda")]

use std::path::{Path, PathBuf};

use nearsay::score::PairTexts;
use nearsay::score::bertscore::Scores;
use nearsay::{
    Devices, EmbedOptions, Embedder, Precision, ScoreOptions, Scorer, Session, SessionOptions, Vectors,
};
use nearsay_tests::{fixture, minilm};

const FAMILIES: [&str; 2] = ["bert", "roberta"];

fn texts() -> Vec<String> {
    let words = ["a river", "ran", "over its banks,", "and the flood", "came at night", "slowly"];
    let text = |number: usize| {
        let count = 1 + number * 5 % 13;
        (0..count).map(|i| words[(number + i * i) % words.len()]).collect::<Vec<_>>().join(" ")
    };
    (0..17).map(text).chain(["".to_owned(), "!".to_owned()]).collect()
}

fn model(family: &str) -> PathBuf {
    fixture(&format!("families/{family}"))
}

fn open(model: &Path, device: &str, precision: Precision, batch_tokens: usize) -> Session {
    let options = SessionOptions::default().device(device.parse().unwrap()).precision(precision);
    Session::with(model.to_str().unwrap(), &options.batch_tokens(batch_tokens)).unwrap()
}

fn embedder(model: &Path, device: &str, precision: Precision, batch_tokens: usize) -> Embedder {
    open(model, device, precision, batch_tokens).embedder(&EmbedOptions::default()).unwrap()
}

fn vectors(embedder: &Embedder, texts: &[String]) -> Vectors {
    embedder.embed(texts).unwrap().vectors
}

fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| a as f64 * b as f64).sum::<f64>();
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

/// The smallest allowed cosine between a precision and the CPU's f32.
fn smallest_cosine(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 0.999_99,
        Precision::F16 => 0.999_5,
        _ => 0.99,
    }
}

#[test]
fn vectors_are_the_cpus_to_the_precision() {
    for family in FAMILIES {
        let model = model(family);
        let expected = vectors(&embedder(&model, "cpu", Precision::F32, 256), &texts());
        for precision in Precision::OF_CUDA {
            let got = vectors(&embedder(&model, "cuda:0", precision, 64), &texts());
            for ((got, expected), text) in got.rows().zip(&expected).zip(texts()) {
                let cosine = cosine(got, expected);
                assert!(cosine >= smallest_cosine(precision), "{family} {precision:?} {text:?}: {cosine}");
            }
        }
    }
}

#[test]
fn vectors_of_minilm_are_the_cpus_to_the_precision() {
    let texts = &texts()[..6];
    let expected = vectors(&embedder(minilm(), "cpu", Precision::F32, 256), texts);
    for precision in Precision::OF_CUDA {
        let got = vectors(&embedder(minilm(), "cuda:0", precision, 64), texts);
        for ((got, expected), text) in got.rows().zip(&expected).zip(texts) {
            let cosine = cosine(got, expected);
            assert!(cosine >= smallest_cosine(precision), "{precision:?} {text:?}: {cosine}");
        }
    }
}

fn bits(vectors: Vectors) -> Vec<Vec<u32>> {
    vectors.rows().map(|vector| vector.iter().map(|value| value.to_bits()).collect()).collect()
}

#[test]
fn a_vector_has_the_same_bits_in_any_batch_and_order() {
    for family in FAMILIES {
        let model = model(family);
        for precision in Precision::OF_CUDA {
            let alone = bits(vectors(&embedder(&model, "cuda:0", precision, 1), &texts()));
            for batch_tokens in [7, 40, 100_000] {
                let embedder = embedder(&model, "cuda:0", precision, batch_tokens);
                assert_eq!(
                    bits(vectors(&embedder, &texts())),
                    alone,
                    "{family} {precision:?} {batch_tokens}"
                );
                let reversed: Vec<String> = texts().into_iter().rev().collect();
                let mut backwards = bits(vectors(&embedder, &reversed));
                backwards.reverse();
                assert_eq!(backwards, alone, "{family} {precision:?} {batch_tokens} reversed");
            }
        }
    }
}

fn scorer(model: &Path, device: &str, precision: Precision) -> Scorer {
    open(model, device, precision, 50).scorer(&ScoreOptions::default().layer(2)).unwrap()
}

fn pairs() -> Vec<PairTexts> {
    let texts = texts();
    let pair = |index: usize| {
        let references = [index + 3, index * 7 + 1].map(|reference| texts[reference % texts.len()].clone());
        PairTexts::new(texts[index].clone(), references)
    };
    (0..texts.len()).map(pair).collect()
}

#[test]
fn scores_are_the_cpus_to_the_precision() {
    let values = |scores: &Scores| [scores.precision, scores.recall, scores.f1];
    for family in FAMILIES {
        let model = model(family);
        let expected = scorer(&model, "cpu", Precision::F32).score(&pairs()).unwrap();
        for (precision, bound) in [(Precision::F32, 2e-5), (Precision::F16, 3e-3), (Precision::Bf16, 3e-2)] {
            let got = scorer(&model, "cuda:0", precision).score(&pairs()).unwrap();
            for (pair, (got, expected)) in got.iter().zip(&expected).enumerate() {
                for (got, expected) in values(got).into_iter().zip(values(expected)) {
                    let difference = (got - expected).abs();
                    assert!(difference <= bound, "{family} {precision:?} pair {pair}: {got} for {expected}");
                }
            }
        }
    }
}

#[test]
fn a_pair_has_the_same_score_alone_and_in_any_company() {
    let model = model("bert");
    for precision in Precision::OF_CUDA {
        let together = scorer(&model, "cuda:0", precision).score(&pairs()).unwrap();
        for (pair, expected) in pairs().iter().zip(together) {
            let alone = scorer(&model, "cuda:0", precision).score(std::slice::from_ref(pair)).unwrap();
            assert_eq!(alone[0].f1.to_bits(), expected.f1.to_bits(), "{precision:?} {}", pair.candidate);
        }
    }
}

#[test]
fn precisions_of_other_devices_are_refused() {
    let error = Devices::open(&"cuda".parse().unwrap(), Precision::Int8).unwrap_err();
    assert_eq!(error.kind(), nearsay::ErrorKind::Usage);
    assert!(error.to_string().contains("CUDA does not multiply in int8"), "{error}");
}
