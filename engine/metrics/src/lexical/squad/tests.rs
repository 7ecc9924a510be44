use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::lexical::text_metric;

fn value(spec: &str, candidate: &str, references: &[&str]) -> f64 {
    let metric = text_metric(&spec.parse().unwrap()).unwrap();
    let (mut scorer, mut statistics) = (metric.row_scorer(), [0.0; 2]);
    scorer.prepare(references);
    scorer.statistics(candidate, &mut statistics);
    assert_eq!(statistics[1], 1.0);
    statistics[0]
}

/// The definition on one text at a time. Words around articles are found by looking at both neighbours.
fn plain_words(text: &str) -> Vec<String> {
    let text: Vec<char> = text.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let is_word = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|c| is_letter_or_number(*c));
    let (mut kept, mut at) = (String::new(), 0);
    while at < text.len() {
        let article = ["a", "an", "the"].into_iter().find(|article| {
            let end = at + article.len();
            text.get(at..end).is_some_and(|part| part.iter().collect::<String>() == **article)
                && !is_word(at.checked_sub(1))
                && !is_word(Some(end))
        });
        kept.push(if article.is_some() { ' ' } else { text[at] });
        at += article.map_or(1, str::len);
    }
    let blank = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
    kept.split(blank).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn plain_f1(candidate: &[String], reference: &[String]) -> f64 {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    reference.iter().for_each(|word| *counts.entry(word).or_default() += 1);
    let mut common = 0;
    for word in candidate {
        if let Some(count) = counts.get_mut(word.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            common += 1;
        }
    }
    if common == 0 {
        return 0.0;
    }
    let (precision, recall) =
        (f64::from(common) / candidate.len() as f64, f64::from(common) / reference.len() as f64);
    (2.0 * precision * recall) / (precision + recall)
}

/// As the evaluation script of SQuAD 1.1 computes them in Python 3.11.
#[test]
fn the_scripts_values() {
    for (candidate, references, em, f1) in [
        ("The U.S. Army.", &["us army"][..], 1.0, 1.0),
        ("a cat, an owl and the dog", &["cat owl dog"], 0.0, 0.8571428571428571),
        ("x x y", &["x y y", "z"], 0.0, 0.6666666666666666),
        ("a—b", &["—b"], 1.0, 1.0),
        ("a\u{301} b", &["\u{301} b"], 1.0, 1.0),
        ("the", &[""], 1.0, 0.0),
        ("cat", &[""], 0.0, 0.0),
        ("", &["cat", "the"], 1.0, 0.0),
    ] {
        assert_eq!(value("em", candidate, references), em, "{candidate}");
        assert_eq!(value("token_f1", candidate, references), f1, "{candidate}");
    }
}

#[test]
fn signatures_and_settings() {
    let signature = Squad::exact_match().signature(ReferenceCount::Variable).to_string();
    assert!(signature.starts_with("nrefs:var|norm:squad|version:1.1+nearsay."), "{signature}");
    let error = text_metric(&"em(case=lc)".parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "em has no settings, got `case`");
    assert!(Squad::token_f1().score(&[0.0, 0.0]).is_nan());
}

proptest! {
    #[test]
    fn values_equal_plain_ones(
        candidate in "((a|an|The|cat|x) ?|[—.,'ÁΣ\u{301}\u{1f} 你Ⓐ]|\\PC){0,12}",
        references in prop::collection::vec("((a|an|the|Cat|x) ?|[—.,'ÁΣ\u{301} 你]){0,12}", 1..4),
    ) {
        let references: Vec<&str> = references.iter().map(String::as_str).collect();
        let words = plain_words(&candidate);
        let best = |value: &dyn Fn(&[String]) -> f64| {
            references.iter().map(|text| value(&plain_words(text))).fold(0.0, f64::max)
        };
        let em = best(&|other| f64::from(u8::from(words == other)));
        prop_assert_eq!(value("em", &candidate, &references), em);
        prop_assert_eq!(value("token_f1", &candidate, &references), best(&|other| plain_f1(&words, other)));
    }
}
