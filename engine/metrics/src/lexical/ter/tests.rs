use proptest::prelude::*;

use super::plain;
use super::shifts::{Reference, Search};
use super::*;
use crate::lexical::{MetricSpec, text_metric};

fn statistics(spec: &str, candidate: &str, references: &[&str]) -> [f64; 2] {
    let metric = text_metric(&spec.parse().unwrap()).unwrap();
    let (mut scorer, mut statistics) = (metric.row_scorer(), [0.0; 2]);
    // A worker keeps nothing of the rows before.
    scorer.prepare(&["a b c d e", "", "x"]);
    scorer.statistics("d e a b c x", &mut statistics);
    scorer.prepare(references);
    scorer.statistics(candidate, &mut statistics);
    statistics
}

/// Statistics and score as sacrebleu 2.6.0 printed them.
#[test]
fn sacrebleus_values() {
    let cat = "the cat sat on the mat";
    for (spec, candidate, references, expected, score) in [
        ("ter", "the mat sat on the cat", &[cat][..], [2.0, 6.0], 33.33333333333333),
        ("ter", "on the mat the cat sat", &[cat], [1.0, 6.0], 16.666666666666664),
        ("ter", "The CAT", &[cat, "the cat"], [0.0, 4.0], 0.0),
        ("ter(case=mixed)", "The CAT", &[cat, "the cat"], [2.0, 4.0], 50.0),
        ("ter", "a b c d e f g h", &["e f g h a b c d", "x y"], [1.0, 5.0], 20.0),
        ("ter", "", &[cat], [6.0, 6.0], 100.0),
        ("ter", "a b", &[""], [2.0, 0.0], 100.0),
        ("ter", "", &[""], [0.0, 0.0], 0.0),
        ("ter(punct=no)", "(hi), there!", &["hi there"], [0.0, 2.0], 0.0),
        ("ter(norm=yes)", "it's&quot;ok&quot; 1,000.5,a", &["it's \" ok \" 1,000.5 , a"], [0.0, 8.0], 0.0),
        ("ter(norm=yes,asian=yes)", "你好。ab", &["你 好 。 ab"], [0.0, 4.0], 0.0),
        ("ter(punct=no,asian=yes)", "你好。ab", &["你好ab"], [0.0, 1.0], 0.0),
        // The reference is prepared twice.
        ("ter(norm=yes)", "it's\ta", &["it's\ta"], [2.0, 3.0], 66.66666666666666),
    ] {
        let found = statistics(spec, candidate, references);
        assert_eq!(found, expected, "{spec} {candidate}");
        assert_eq!(Ter::default().score(&found), score, "{spec} {candidate}");
    }
}

/// Texts, a letter per word, whose edits change with each limit, as sacrebleu 2.6.0 counted them.
#[test]
fn limits_are_sacrebleus() {
    for (candidate, reference, edits) in [
        // More than 1,000 shifts would be 10.
        ("fccggbabcdeaabfbccedcahfegabcddfdhb", "abcdeaabfbfegabcdfccggbdfdhgcedcahb", 11),
        // Fewer than 10 words would be 6.
        ("abcgfacbgbffacbbdccecfbcddafc", "abacbbdccecfddcgfafbgbffaffbc", 5),
        // More than 10 words would be 2.
        ("abcdeacgdhffgdbhafgcdhegdeed", "abcdeacfgcdhegdeedgdhffgdaha", 3),
        // Fewer than 50 places would be 35.
        (
            "abcdefghirkkmnbYbGFZJKGαγBδεζmopkcrBCDEFHstvwxeθAvIaLaMNOzQRimTclugUnVvWLγη",
            "abcdefghijkklmnbopqkocrstuvwxeyzAvBCDEFGHIaJKLaMNOzPQRSimTclugUnVvWXLYbGFZGαβoγBδεζmζγη",
            37,
        ),
        // More than 50 places would be 13.
        (
            "nopqrlsltuvwxydzABsCDEFDwrfjnGFHIfJynKLkNOAIOiGPabcdefghijdkmpBvamiMMknbIrQPB",
            "abcdefghijdklmnoidpqrlsltuvwxydzABsCDEbFfjnGFHIfJynKpLDwrkiMMkNOAIOiGPpBvamnbIBQPB",
            14,
        ),
        // Fewer than 25 columns would be 47.
        (
            "abjklxDBzCGHIJKmmnvOLrfVXopqrsmpdeafgvwxznpABASyAtsMCuOPJrmQdRLTUTxzYVZjαSZ",
            "abcdeafghijklmnopqrsmtupmvwxyznpABsCxDEFrBkzCGHIsJKLmtsgMCkuNOPJrmMQdRASyALTUTqxBzvzOLrfmVWXYVZjtαSZ",
            46,
        ),
        // More than 25 columns would be 46.
        (
            "abcdhiεpTεBcOPQwERxSTjbrIDklmnopqsmtpuwxzBCDEFGHEsγpLrwNowUsVXGYqZβγδHf",
            "abcdefghijklmnopqrmsmtpuvwxyzfABCDEFGgHEbzrIcDsJKpLMNrBchOPQwDfRxiSTwNowUesVWXGYqZαβγδtHεKpζTεf",
            45,
        ),
    ] {
        let words = |text: &str| text.chars().map(u32::from).collect::<Vec<_>>();
        let mut kept = Reference::default();
        kept.set(|target| target.extend(words(reference)));
        assert_eq!(Search::default().edits(&words(candidate), &kept), edits, "{candidate}");
    }
}

#[test]
fn signatures_are_sacrebleus() {
    let signature = |spec: &str| {
        let spec: MetricSpec = spec.parse().unwrap();
        text_metric(&spec).unwrap().signature(ReferenceCount::Fixed(2)).to_string()
    };
    let start = "nrefs:2|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:2.6.0+nearsay.";
    assert!(signature("ter").starts_with(start), "{}", signature("ter"));
    let start = "nrefs:2|case:mixed|tok:tercom|norm:yes|punct:no|asian:yes|version:2.6.0+nearsay.";
    let all = signature("ter(case=mixed,norm=yes,punct=no,asian=yes)");
    assert!(all.starts_with(start), "{all}");
}

#[test]
fn settings_are_checked() {
    let error = |spec: &str| text_metric(&spec.parse().unwrap()).unwrap_err().to_string();
    assert_eq!(error("ter(case=up)"), "ter(case=..) must be lc or mixed, got `up`");
    assert_eq!(error("ter(stem=yes)"), "ter has the settings case, norm, punct, asian, got `stem`");
}

#[test]
fn figures_have_parts() {
    let figures = Ter::default().figures(&[3.0, 4.5]);
    assert_eq!(figures[0], ("score", Figure::Number(100.0 * (3.0 / 4.5))));
    assert_eq!(figures[1..], [("edits", Figure::Count(3)), ("reference_length", Figure::Number(4.5))]);
}

/// A candidate and a reference with many shifts between them: the same words, some of them in other places.
fn shuffled(words: usize, length: usize) -> impl Strategy<Value = (Vec<u32>, Vec<u32>)> {
    let word = 0..words as u32;
    let moves =
        prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..9_usize), 0..7);
    (prop::collection::vec(word.clone(), 0..length), moves, prop::collection::vec(word, 0..4)).prop_map(
        |(reference, moves, added)| {
            let mut candidate = reference.clone();
            for (from, to, length) in moves {
                let from = from.index(candidate.len() + 1);
                let end = candidate.len().min(from + length);
                let moved: Vec<u32> = candidate.drain(from..end).collect();
                let to = to.index(candidate.len() + 1);
                candidate.splice(to..to, moved);
            }
            candidate.extend(added);
            (candidate, reference)
        },
    )
}

fn equals_plain(candidate: &[u32], reference: &[u32]) -> Result<(), TestCaseError> {
    let text = |words: &[u32]| words.iter().map(u32::to_string).collect::<Vec<_>>();
    let mut kept = Reference::default();
    kept.set(|words| words.extend_from_slice(reference));
    let found = Search::default().edits(candidate, &kept);
    prop_assert_eq!(found as usize, plain::edits(&text(candidate), &text(reference)));
    Ok(())
}

proptest! {
    #[test]
    fn edits_equal_plain_ones((candidate, reference) in shuffled(40, 40)) {
        equals_plain(&candidate, &reference)?;
    }

    #[test]
    fn edits_of_few_words_equal_plain_ones((candidate, reference) in shuffled(3, 16)) {
        equals_plain(&candidate, &reference)?;
    }

    #[test]
    fn texts_are_split_like_plain_ones(
        text in "([a&'.,(0-9 \n-]|'s |&amp;|lt;|quot;|[你。，\u{3041}㈱\u{1f}\u{2003}ΣÄ\u{3f22}\u{3f23}\u{fe30}]|\\PC){0,30}",
        norm: bool, punctuation: bool, asian: bool,
    ) {
        let metric = Ter::default().normalized(norm).punctuation(punctuation).asian(asian);
        let (mut tokenizer, mut interner) = (Tokenizer::new(&metric), Interner::default());
        let mut number = |words: Vec<String>| -> Vec<u32> { words.iter().map(|word| interner.number(word)).collect() };
        let candidate = number(plain::candidate_words(&text, norm, punctuation, asian));
        let reference = number(plain::reference_words(&text, norm, punctuation, asian));
        let mut found = (Vec::new(), Vec::new());
        tokenizer.push_candidate(&text, &mut interner, &mut found.0);
        tokenizer.push_reference(&text, &mut interner, &mut found.1);
        prop_assert_eq!(found, (candidate, reference));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn long_texts_leave_the_band((candidate, reference) in shuffled(30, 140)) {
        equals_plain(&candidate, &reference)?;
    }

    #[test]
    fn lengths_that_differ_widen_the_band(
        candidate in prop::collection::vec(0..4_u32, 1..6),
        reference in prop::collection::vec(0..4_u32, 0..400),
    ) {
        equals_plain(&candidate, &reference)?;
        equals_plain(&reference, &candidate)?;
    }
}
