use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::lexical::{MetricSpec, text_metric};

/// The statistics by their definition: a map of counts per text and order.
fn plain_statistics(bleu: &Bleu, references: &[String], candidate: &str) -> Vec<f64> {
    let tokens = |text: &str| {
        let lowered = if bleu.lowercase { text.to_lowercase() } else { text.to_owned() };
        bleu.tokenizer.tokens(&lowered)
    };
    let candidate = tokens(candidate);
    let references: Vec<Vec<String>> = references.iter().map(|reference| tokens(reference)).collect();
    let distance = |reference: &&Vec<String>| (reference.len().abs_diff(candidate.len()), reference.len());
    let closest = references.iter().min_by_key(distance).unwrap().len();
    let (mut correct, mut total) = (Vec::new(), Vec::new());
    for order in 1..=bleu.max_order {
        let of_references: Vec<_> = references.iter().map(|reference| counts(reference, order)).collect();
        let of_candidate = counts(&candidate, order);
        let matches = of_candidate.iter().map(|(ngram, count)| {
            let limit = of_references.iter().filter_map(|counts| counts.get(ngram)).max();
            *count.min(limit.unwrap_or(&0))
        });
        correct.push(matches.sum::<u64>() as f64);
        total.push(of_candidate.values().sum::<u64>() as f64);
    }
    [vec![candidate.len() as f64, closest as f64], correct, total].concat()
}

fn counts(tokens: &[String], order: usize) -> HashMap<&[String], u64> {
    let mut counts = HashMap::new();
    tokens.windows(order).for_each(|ngram| *counts.entry(ngram).or_default() += 1);
    counts
}

fn metric(spec: &str) -> Box<dyn TextMetric> {
    text_metric(&spec.parse::<MetricSpec>().unwrap()).unwrap()
}

fn statistics(metric: &dyn TextMetric, references: &[&str], candidate: &str) -> Vec<f64> {
    let mut statistics = vec![f64::NAN; metric.statistics().len()];
    let mut rows = metric.row_scorer();
    rows.prepare(references);
    rows.statistics(candidate, &mut statistics);
    statistics
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn statistics_equal_the_definition(
        rows in proptest::collection::vec(
            (proptest::collection::vec("[abAΣ .,1-]{0,40}", 1..5), proptest::collection::vec("[abAσ .,1-]{0,40}", 1..3)),
            1..4,
        ),
        tokenizer in 0..5_usize,
        lowercase: bool,
        max_order in 1..7_usize,
    ) {
        let bleu = Bleu::default()
            .tokenizer(Tokenizer::NAMES[tokenizer].1)
            .lowercase(lowercase)
            .max_order(max_order);
        let mut scorer = bleu.row_scorer();
        let mut found = vec![f64::NAN; 2 + 2 * max_order];
        for (references, candidates) in &rows {
            scorer.prepare(&references.iter().map(String::as_str).collect::<Vec<_>>());
            for candidate in candidates {
                scorer.statistics(candidate, &mut found);
                prop_assert_eq!(&found, &plain_statistics(&bleu, references, candidate));
            }
        }
    }
}

const SHORT: (&str, &[&str]) = ("The dog, (1.5) ran.", &["the dog ran, twice (1.5)."]);
const CAT: (&str, &[&str]) =
    ("the cat sat on a mat", &["the cat sat on the mat", "there is a cat on the mat"]);

/// Printed by sacrebleu 2.6.0's `BLEU(..).corpus_score`.
#[test]
fn scores_equal_sacrebleus() {
    let cases = [
        ("bleu", CAT, 56.234132519034915),
        ("bleu", SHORT, 22.421278817412293),
        ("bleu(smooth=add-k[0.5])", CAT, 62.38986072117496),
        ("bleu(smooth=add-k[0.5])", SHORT, 24.682048061725553),
        ("bleu(smooth=add-k)", SHORT, 31.20097720968458),
        ("bleu(smooth=floor)", SHORT, 14.994012834317685),
        ("bleu(smooth=floor[0.2])", SHORT, 17.83098674501271),
        ("bleu(smooth=none)", SHORT, 0.0),
        ("bleu(no=2)", SHORT, 44.12484512922978),
        ("bleu(tok=char)", SHORT, 40.74033910701824),
        ("bleu(tok=intl,case=lc)", SHORT, 25.655541222096613),
        ("bleu", ("a", &["a"]), 0.0),
        ("bleu(eff=yes)", ("a", &["a"]), 100.00000000000004),
        ("bleu", ("a b c d e", &["a b c d e"]), 100.00000000000004),
        ("bleu", ("", &["a"]), 0.0),
        ("bleu", ("a", &[""]), 0.0),
        ("bleu(smooth=add-k)", ("", &[""]), 0.0),
    ];
    for (spec, (candidate, references), expected) in cases {
        let metric = metric(spec);
        let score = metric.score(&statistics(&*metric, references, candidate));
        assert!((score - expected).abs() <= 1e-11 * expected, "{spec} {candidate}: {score}, not {expected}");
    }
}

#[test]
fn segments_are_scored_with_effective_order() {
    let bleu = Bleu::default();
    let row = statistics(&bleu, &["a b"], "a b");
    assert_eq!((bleu.score(&row), bleu.segment_score(&row)), (0.0, 100.00000000000004));
}

#[test]
fn figures_are_the_parts_of_the_score() {
    let bleu = Bleu::default();
    let figures = bleu.figures(&statistics(&bleu, SHORT.1, SHORT.0));
    assert_eq!(figures[0], ("score", Figure::Number(22.421278817412293)));
    let precisions = vec![87.5, 28.571428571428573, 16.666666666666668, 10.0];
    assert_eq!(figures[1], ("precisions", Figure::Numbers(precisions)));
    assert_eq!(figures[2], ("bp", Figure::Number(0.8824969025845955)));
    assert_eq!(
        figures[3..],
        [("candidate_length", Figure::Count(8)), ("reference_length", Figure::Count(9))]
    );
}

#[test]
fn signatures_are_sacrebleus() {
    let cases = [
        ("bleu", "nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp"),
        ("bleu(tok=zh,eff=yes,smooth=floor,case=lc)", "nrefs:2|case:lc|eff:yes|tok:zh|smooth:floor[0.10]"),
        ("bleu(smooth=add-k[0.125])", "nrefs:2|case:mixed|eff:no|tok:13a|smooth:add-k[0.12]|value:0.125"),
        ("bleu(no=2)", "nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|no:2"),
    ];
    for (spec, expected) in cases {
        let signature = metric(spec).signature(ReferenceCount::Fixed(2)).to_string();
        assert_eq!(signature.split_once("|version:2.6.0+nearsay").unwrap().0, expected);
    }
    let variable = Bleu::default().signature(ReferenceCount::Variable);
    assert_eq!(variable.get("nrefs"), Some("var"));
}

#[test]
fn settings_are_checked() {
    for spec in
        ["bleu(tok=ja)", "bleu(smooth=exp[1])", "bleu(no=0)", "bleu(no=17)", "bleu(nc=6)", "bleu(eff=1)"]
    {
        assert!(text_metric(&spec.parse().unwrap()).is_err(), "{spec}");
    }
    assert_eq!(Bleu::default().statistics().len(), 10);
}
