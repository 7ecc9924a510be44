//! BERTScore of all-MiniLM-L6-v2 and of tiny models of every family against values that bert_score 0.3.13
//! computed with batch size 1.
//!
//! Bound: two implementations compute cosines of f32 vectors to some 1e-6; the external check requires 2e-5. The
//! tiny models' large weights magnify roundings (see parity_encoder.rs).

use std::collections::HashSet;
use std::path::Path;

use candle_core::Tensor;
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

/// With the tokenizer of the expected values.
fn scorer(session: &Session, layer: usize) -> Scorer {
    session.scorer(&ScoreOptions::default().layer(layer).use_fast_tokenizer()).unwrap()
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

/// Every layer of one pass has the bits of that layer alone, whatever the batches and threads, with several references
/// and in whatever company; two of the layers are bert_score's, too.
#[test]
fn all_layers_of_one_pass_are_those_of_single_layers() {
    let expected = tensors("bertscore/expected.safetensors");
    let pairs: Vec<(String, String)> = serde_json::from_value(json("bertscore/pairs.json")).unwrap();
    let mut families: Vec<&str> = expected.keys().map(|name| name.split_once(".layer.").unwrap().0).collect();
    families.sort_unstable();
    families.dedup();
    assert!(families.len() >= 28, "{families:?}");
    // The first reference is the pair's own, so that a row's best is not always the same one.
    let rows: Vec<PairTexts> = (0..pairs.len())
        .map(|at| {
            let references = [0, 7, 20].map(|step| pairs[(at + step) % pairs.len()].1.clone());
            PairTexts::new(pairs[at].0.clone(), references)
        })
        .collect();
    for family in families {
        let folder = fixture(&format!("families/{family}"));
        let open = |batch_tokens: usize, threads: usize| {
            let options = SessionOptions::default().device(DeviceChoice::Cpu);
            let options = options.batch_tokens(batch_tokens).threads(threads);
            Session::with(folder.to_str().unwrap(), &options).unwrap()
        };
        let session = open(512, 2);
        let layers = session.recipe().num_layers();
        let alone: Vec<_> = (0..=layers).map(|layer| scorer(&session, layer).score(&rows).unwrap()).collect();
        for (batch_tokens, threads) in [(1, 1), (64, 3), (4096, 2)] {
            let scorer = scorer(&open(batch_tokens, threads), layers).all_layers().unwrap();
            assert_eq!(scorer.layers().collect::<Vec<_>>(), (0..=layers).collect::<Vec<_>>());
            let together = scorer.score(&rows).unwrap();
            for (layer, alone) in alone.iter().enumerate() {
                assert_eq!(bits(&together.layers[layer]), bits(alone), "{family}, layer {layer}");
            }
            assert_eq!(together.notices.truncated, alone[0].notices.truncated, "{family}");
        }
        let single = scorer(&session, layers).all_layers().unwrap().score(&pairs).unwrap();
        for (name, expected) in
            expected.iter().filter(|(name, _)| name.starts_with(&format!("{family}.layer.")))
        {
            let layer: usize = name.rsplit_once('.').unwrap().1.parse().unwrap();
            let expected: Vec<Vec<f32>> = expected.to_vec2().unwrap();
            for (pair, scores) in single.layers[layer].iter().enumerate() {
                let off = (scores.f1 - expected[2][pair]).abs();
                assert!(off <= FAMILY_BOUND, "{name}, pair {pair}: {} is off by {off:e}", scores.f1);
            }
        }
    }
}

/// With bert_score's default tokenizer, texts have a space before them if it is RoBERTa's, as that of this BART is.
#[test]
fn the_default_tokenizer_is_that_of_bert_score() {
    let expected = tensors("bertscore/default-tokenizer.safetensors");
    let pairs: Vec<(String, String)> = serde_json::from_value(json("bertscore/pairs.json")).unwrap();
    let mut families = HashSet::new();
    for (name, expected) in &expected {
        let (family, layer) = name.split_once(".layer.").unwrap();
        let session = open(&fixture(&format!("families/{family}")));
        let layer: usize = layer.parse().unwrap();
        let default = session.scorer(&ScoreOptions::default().layer(layer)).unwrap();
        let scores = default.score(&pairs).unwrap();
        check_family(name, &scores, expected);
        let changed = bits(&scores) != bits(&scorer(&session, layer).score(&pairs).unwrap());
        let has_space = family != "bert";
        assert_eq!((default.puts_space(), changed), (has_space, has_space), "{name}");
        families.insert(family);
    }
    assert_eq!(families, HashSet::from(["bart", "bert", "roberta"]));
}

#[test]
fn all_layers_have_their_own_rows_of_a_baseline_and_shared_weights() {
    let golden = json("minilm/bertscore.json");
    let session = open(minilm());
    let set = golden["cases"][0]["set"].as_str().unwrap();
    let pairs = pairs(&golden[set]);
    let folder = tempfile::tempdir().unwrap();
    let source = source(&pairs, folder.path());
    let baseline = folder.path().join("baseline.csv");
    let rows: String = (0..=6).map(|layer| format!("{layer},0.{layer}1,0.{layer}2,0.{layer}3\n")).collect();
    std::fs::write(&baseline, format!("LAYER,P,R,F\n{rows}")).unwrap();
    let of_layer = |layer: usize| {
        let options = ScoreOptions::default().layer(layer).rescaled_with(&baseline);
        session.scorer(&options).unwrap().weighted_by_idf(&source).unwrap()
    };
    let together = of_layer(3).all_layers().unwrap().score(&pairs).unwrap();
    assert_eq!(together.layers.len(), 7);
    for (layer, scores) in together.layers.iter().enumerate() {
        assert_eq!(bits(scores), bits(&of_layer(layer).score(&pairs).unwrap()), "layer {layer}");
    }
    std::fs::write(&baseline, "LAYER,P,R,F\n0,0.1,0.2,0.3\n").unwrap();
    let options = ScoreOptions::default().layer(0).rescaled_with(&baseline);
    let error = session.scorer(&options).unwrap().all_layers().unwrap_err();
    assert!(error.to_string().contains("has layers 0 to 0, not layer 1"), "{error}");
}

/// `expected` is [3, pairs]: P, R and F1.
fn check_family(name: &str, scores: &[Scores], expected: &Tensor) {
    let expected: Vec<Vec<f32>> = expected.to_vec2().unwrap();
    assert_eq!(scores.len(), expected[0].len(), "{name}");
    for (pair, scores) in scores.iter().enumerate() {
        for (part, got) in [scores.precision, scores.recall, scores.f1].into_iter().enumerate() {
            let off = (got - expected[part][pair]).abs();
            assert!(off <= FAMILY_BOUND, "{name}, pair {pair}: {got} is off by {off:e}");
        }
    }
}

fn bits(scores: &[Scores]) -> Vec<[u32; 3]> {
    scores.iter().map(|scores| [scores.precision, scores.recall, scores.f1].map(f32::to_bits)).collect()
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
        check_family(name, &scores, expected);
    }
}
