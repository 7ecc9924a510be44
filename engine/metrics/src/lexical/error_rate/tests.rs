use proptest::prelude::*;

use super::*;
use crate::lexical::text_metric;

fn statistics(spec: &str, candidate: &str, references: &[&str]) -> ([f64; 2], f64) {
    let metric = text_metric(&spec.parse().unwrap()).unwrap();
    let (mut scorer, mut statistics) = (metric.row_scorer(), [0.0; 2]);
    scorer.prepare(references);
    scorer.statistics(candidate, &mut statistics);
    (statistics, metric.score(&statistics))
}

/// With one reference that is not empty, as jiwer 4.0.0 printed them.
#[test]
fn jiwers_values() {
    for (spec, candidate, reference, expected, score) in [
        ("wer", " the  cat sat", "the cat sat on", [1.0, 4.0], 0.25),
        ("wer", "a b c d e", "a", [4.0, 1.0], 4.0),
        ("wer", "", "a b", [2.0, 2.0], 1.0),
        ("cer", " ab  c\n", "ab c", [1.0, 4.0], 0.25),
        ("cer", "Abc", "abc", [1.0, 3.0], 0.3333333333333333),
    ] {
        assert_eq!(statistics(spec, candidate, &[reference]), (expected, score), "{spec} {candidate}");
    }
}

#[test]
fn settings_and_several_references() {
    for (spec, candidate, references, expected, score) in [
        ("wer", "a\tb\u{1f}c", &["a b c"][..], [0.0, 3.0], 0.0),
        ("wer(case=lc)", "The Cat", &["the cat"], [0.0, 2.0], 0.0),
        ("wer(punct=no)", "„a“, b…", &["a b -"], [0.0, 2.0], 0.0),
        ("cer(punct=no,case=lc)", "„A“ ", &["a"], [0.0, 1.0], 0.0),
        ("wer", "a b", &["x y z", "a", "a b c", "a c"], [1.0, 3.0], 0.3333333333333333),
        ("wer", "a b", &[""], [2.0, 0.0], 1.0),
        ("cer", " ", &[""], [0.0, 0.0], 0.0),
    ] {
        assert_eq!(statistics(spec, candidate, references), (expected, score), "{spec} {candidate}");
    }
}

#[test]
fn signatures_and_figures() {
    let signature = |metric: ErrorRate| metric.signature(ReferenceCount::Fixed(1)).to_string();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!("nrefs:1|case:mixed|punct:yes|version:nearsay.{version}");
    assert_eq!(signature(ErrorRate::wer()), expected);
    let expected = format!("nrefs:1|case:lc|punct:no|version:nearsay.{version}");
    assert_eq!(signature(ErrorRate::cer().lowercase(true).punctuation(false)), expected);
    assert_eq!(ErrorRate::cer().figures(&[1.0, 4.0])[2], ("reference_length", Figure::Count(4)));
}

proptest! {
    #[test]
    fn no_text_is_too_strange(candidate in "\\PC*|[\0-\u{10ffff}]{0,9}", reference in "\\PC*", spec in "(wer|cer)(\\(case=lc,punct=no\\))?") {
        let ([errors, length], _) = statistics(&spec, &candidate, &[&reference]);
        let ([back, _], _) = statistics(&spec, &reference, &[&candidate]);
        prop_assert_eq!(errors, back);
        prop_assert!(length <= reference.len() as f64 * 3.0);
        prop_assert_eq!(statistics(&spec, &reference, &[&reference]).0, [0.0, length]);
    }
}
