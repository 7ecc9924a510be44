use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::lexical::{MetricSpec, blank, text_metric};

/// The statistics by their definition: a map of counts per text and order.
fn plain_statistics(chrf: &Chrf, references: &[String], candidate: &str) -> Vec<f64> {
    let mut best: Option<(f64, Vec<f64>)> = None;
    for reference in references {
        let mut statistics = Vec::new();
        for order in 1..=chrf.character_order {
            statistics.extend(counts(&characters(chrf, candidate), &characters(chrf, reference), order));
        }
        for order in 1..=chrf.word_order {
            statistics.extend(counts(&plain_words(chrf, candidate), &plain_words(chrf, reference), order));
        }
        let score = chrf.score(&statistics);
        if best.as_ref().is_none_or(|(known, _)| score > *known) {
            best = Some((score, statistics));
        }
    }
    best.unwrap().1
}

fn cased(chrf: &Chrf, text: &str) -> String {
    if chrf.lowercase { text.to_lowercase() } else { text.to_owned() }
}

fn characters(chrf: &Chrf, text: &str) -> Vec<String> {
    let text = cased(chrf, text);
    text.chars().filter(|c| chrf.whitespace || !blank::is_blank(*c)).map(String::from).collect()
}

fn plain_words(chrf: &Chrf, text: &str) -> Vec<String> {
    let (text, mut words) = (cased(chrf, text), Vec::new());
    words::for_each(&text, |word| words.push(word.to_owned()));
    words
}

fn counts(candidate: &[String], reference: &[String], order: usize) -> [f64; 3] {
    let count = |symbols: &[String]| {
        let mut counts: HashMap<Vec<String>, u64> = HashMap::new();
        symbols.windows(order).for_each(|ngram| *counts.entry(ngram.to_vec()).or_default() += 1);
        counts
    };
    let (candidate, reference) = (count(candidate), count(reference));
    let matches = candidate.iter().map(|(ngram, n)| (*n).min(reference.get(ngram).copied().unwrap_or(0)));
    let total = if reference.is_empty() { 0 } else { candidate.values().sum() };
    [total, reference.values().sum(), matches.sum()].map(|count: u64| count as f64)
}

fn metric(spec: &str) -> Box<dyn TextMetric> {
    text_metric(&spec.parse::<MetricSpec>().unwrap()).unwrap()
}

fn check_rows(chrf: &Chrf, rows: &[(Vec<String>, Vec<String>)]) -> Result<(), TestCaseError> {
    let mut scorer = chrf.row_scorer();
    let mut found = vec![f64::NAN; chrf.statistics().len()];
    for (references, candidates) in rows {
        scorer.prepare(&references.iter().map(String::as_str).collect::<Vec<_>>());
        for candidate in candidates {
            scorer.statistics(candidate, &mut found);
            prop_assert_eq!(&found, &plain_statistics(chrf, references, candidate));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn statistics_equal_the_definition(
        rows in proptest::collection::vec(
            (proptest::collection::vec("[abAΣ .]{0,30}", 1..5), proptest::collection::vec("[abAσ .]{0,30}", 1..3)),
            1..4,
        ),
        // Windows of 16 symbols are not packed.
        character_order in prop_oneof![Just(0), Just(1), Just(6), Just(16)],
        word_order in prop_oneof![Just(1), Just(2), Just(16)],
        flags: [bool; 3],
    ) {
        let chrf = Chrf::default()
            .character_order(character_order)
            .word_order(word_order)
            .lowercase(flags[0])
            .whitespace(flags[1])
            .epsilon(flags[2]);
        check_rows(&chrf, &rows)?;
    }

    #[test]
    fn any_text(references in proptest::collection::vec(".{0,60}", 1..3), candidate in ".{0,60}") {
        let candidates = vec![candidate, references[0].chars().rev().collect()];
        check_rows(&Chrf::default().word_order(2), &[(references, candidates)])?;
    }
}

#[test]
fn more_characters_than_can_be_packed() {
    let all = |count: u32| -> String { (0x4e00..0x4e00 + count).filter_map(char::from_u32).collect() };
    for count in [1021, 1022, 1023, 1024, 3000] {
        let reference = all(count) + &all(10);
        let candidate: String =
            reference.chars().rev().chain("ab".chars()).chain(reference.chars()).collect();
        check_rows(&Chrf::default(), &[(vec![reference], vec![candidate])]).unwrap();
    }
}

/// Printed by sacrebleu 2.6.0's `CHRF(..).corpus_score`.
#[test]
fn scores_equal_sacrebleus() {
    let short = ("The dog, (1.5) ran.", vec!["the dog ran, twice (1.5)."]);
    let cat = ("the cat sat on a mat", vec!["the cat sat on the mat", "there is a cat on the mat"]);
    let cases = [
        ("chrf", 65.97965990995549, 33.76060199596937),
        ("chrf+", 68.49059580137238, 37.17699217315603),
        ("chrf++", 67.4443505016402, 32.52986815151153),
        ("chrf(nw=2)", 67.4443505016402, 32.52986815151153),
        ("chrf(beta=3)", 65.06127378578593, 32.879349946245014),
        ("chrf(eps=yes)", 65.97613331732558, 33.758313266827194),
        ("chrf(space=yes)", 73.27631939131749, 41.236107212704894),
        ("chrf(nc=10,nw=3)", 56.923779823656105, 20.018380400930173),
        ("chrf(case=lc)", 65.97965990995549, 39.53171475094311),
    ];
    for (spec, of_cat, of_short) in cases {
        let metric = metric(spec);
        for ((candidate, references), expected) in [(&cat, of_cat), (&short, of_short)] {
            let mut statistics = vec![0.0; metric.statistics().len()];
            let mut rows = metric.row_scorer();
            rows.prepare(references);
            rows.statistics(candidate, &mut statistics);
            let score = metric.score(&statistics);
            assert!((score - expected).abs() <= 1e-12 * expected, "{spec}: {score}, not {expected}");
        }
    }
}

#[test]
fn signatures_are_sacrebleus() {
    let cases = [
        ("chrf", "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no"),
        ("chrf++(case=lc,eps=yes,space=yes)", "nrefs:1|case:lc|eff:no|nc:6|nw:2|space:yes"),
        ("chrf(beta=0.5)", "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|beta:0.5"),
        ("chrf(beta=3)", "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|beta:3"),
    ];
    for (spec, expected) in cases {
        let signature = metric(spec).signature(ReferenceCount::Fixed(1)).to_string();
        assert_eq!(signature.split_once("|version:2.6.0+nearsay").unwrap().0, expected);
    }
}

#[test]
fn settings_are_checked() {
    let refused =
        ["chrf(nc=0)", "chrf(nc=17)", "chrf(beta=-1)", "chrf(beta=nan)", "chrf+(nw=2)", "chrf(tok=13a)"];
    for spec in refused {
        assert!(text_metric(&spec.parse().unwrap()).is_err(), "{spec}");
    }
    let names = ["chrf", "chrf+", "chrf++", "chrf(nc=0,nw=2)"].map(|spec| metric(spec).name());
    assert_eq!(names, ["chrf", "chrf+", "chrf++", "chrf++"]);
}

#[test]
fn text_without_ngrams_scores_zero() {
    for spec in ["chrf", "chrf++", "chrf(eps=yes)"] {
        let metric = metric(spec);
        let zeros = vec![0.0; metric.statistics().len()];
        // sacrebleu 2.6.0 prints 1e-14 with eps: F of two ratios of 1e-16.
        assert!((0.0..1e-13).contains(&metric.score(&zeros)), "{spec}");
    }
}
