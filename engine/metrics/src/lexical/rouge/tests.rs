use proptest::prelude::*;

use super::*;
use crate::lexical::{MetricSpec, text_metric};

fn rouge(spec: &str) -> Rouge {
    Rouge::from_spec(spec.parse::<MetricSpec>().unwrap().settings()).unwrap()
}

fn row(rouge: &Rouge, candidate: &str, references: &[&str]) -> [f64; 4] {
    let (mut scorer, mut statistics) = (rouge.row_scorer(), [0.0; 4]);
    scorer.prepare(references);
    scorer.statistics(candidate, &mut statistics);
    statistics
}

/// A candidate and its references, separated by `|`, and their precision, recall and F1 by rouge-score 0.1.2, for
/// rouge1, rouge2, rouge3, rougeL and rougeLsum.
type Golden = (&'static str, [[f64; 3]; 5]);

const GOLDEN: &[Golden] = &[
    (
        "The quick brown fox jumps over the lazy dog|The quick brown dog jumps on the log.",
        [
            [0.6666666666666666, 0.75, 0.7058823529411765],
            [0.25, 0.2857142857142857, 0.26666666666666666],
            [0.14285714285714285, 0.16666666666666666, 0.15384615384615383],
            [0.5555555555555556, 0.625, 0.5882352941176471],
            [0.5555555555555556, 0.625, 0.5882352941176471],
        ],
    ),
    (
        "the cat was found under the bed\nit was running|the cat ran under a bed\nthen it was found|it was running\nthe cat",
        [
            [0.7, 0.7, 0.7],
            [0.3333333333333333, 0.75, 0.46153846153846156],
            [0.125, 0.3333333333333333, 0.18181818181818182],
            [0.6, 0.6, 0.6],
            [0.7, 0.7, 0.7],
        ],
    ),
    (
        "b\na b c|a b c\n\nb a d",
        [
            [1.0, 0.6666666666666666, 0.8],
            [1.0, 0.6, 0.7499999999999999],
            [0.5, 0.25, 0.3333333333333333],
            [0.75, 0.5, 0.6],
            [1.0, 0.6666666666666666, 0.8],
        ],
    ),
    ("|a", [[0.0; 3]; 5]),
    ("a|", [[0.0; 3]; 5]),
    ("a b|c|b a|a b", [[1.0; 3], [1.0; 3], [0.0; 3], [1.0; 3], [1.0; 3]]),
];

/// Kelvin sign, dotted I, an information separator: without and with stems.
const CASES: &str = "\u{212a}ing \u{130}s caf\u{e9}s\u{1c}studies|king i s caf study";
const CASES_GOLDEN: [[[f64; 3]; 2]; 2] = [
    [[0.6666666666666666, 0.8, 0.7272727272727272], [0.6, 0.75, 0.6666666666666665]],
    [[0.8333333333333334, 1.0, 0.9090909090909091], [0.6, 0.75, 0.6666666666666665]],
];

fn check(spec: &str, texts: &str, expected: [f64; 3]) {
    let texts: Vec<&str> = texts.split('|').collect();
    assert_eq!(row(&rouge(spec), texts[0], &texts[1..])[..3], expected, "{spec}: {texts:?}");
}

#[test]
fn scores_are_rouge_scores() {
    for (texts, expected) in GOLDEN {
        for (name, expected) in
            ["rouge1", "rouge2", "rouge3", "rougeL", "rougeLsum"].into_iter().zip(expected)
        {
            check(name, texts, *expected);
            check(&format!("{name}(stem=yes)"), texts, *expected);
        }
    }
    for (settings, expected) in ["(stem=no)", "(stem=yes)"].into_iter().zip(CASES_GOLDEN) {
        check(&format!("rouge1{settings}"), CASES, expected[0]);
        check(&format!("rouge2{settings}"), CASES, expected[1]);
    }
}

#[test]
fn text_that_is_not_english() {
    let texts = "Кошка сидит на ковре|кошка лежит на ковре";
    check("rougeL", texts, [0.0; 3]);
    check("rougeL(tok=unicode)", texts, [0.75; 3]);
    check("rouge2(tok=char)", "日本 語!|日本の語!", [2.0 / 3.0, 0.5, 0.5714285714285715]);
    check("rouge1(tok=unicode,stem=yes)", "it's Running|its runs", [0.5; 3]);
}

#[test]
fn a_row_counts_as_one_and_scores_are_means() {
    let metric = rouge("rougeL");
    let rows = [row(&metric, "a b", &["a b"]), row(&metric, "c", &["a b"])];
    let sums: Vec<f64> = (0..4).map(|at| rows[0][at] + rows[1][at]).collect();
    assert_eq!((metric.segment_score(&rows[0]), metric.score(&sums)), (1.0, 0.5));
    let mean = Figure::Number(0.5);
    let figures = [("precision", mean.clone()), ("recall", mean.clone()), ("f1", mean)];
    assert_eq!(metric.figures(&sums), figures);
    assert_eq!(metric.statistics().len(), 4);
    assert!(metric.score(&[0.0; 4]).is_nan());
    assert_eq!(row(&metric, "a", &[]), [0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn settings_and_signatures() {
    let version = concat!("version:0.1.2+nearsay.", env!("CARGO_PKG_VERSION"));
    for (spec, expected) in [
        ("rouge2", "nrefs:3|type:2|stem:no|tok:rouge-score"),
        ("rougeL(stem=yes,tok=unicode)", "nrefs:3|type:L|stem:yes|tok:unicode"),
        ("rougeLsum(tok=char,split=newline)", "nrefs:3|type:Lsum|stem:no|tok:char|split:newline"),
    ] {
        let signature = rouge(spec).signature(ReferenceCount::Fixed(3)).to_string();
        assert_eq!(signature, format!("{expected}|{version}"));
    }
    for (spec, expected) in [
        ("rougeL(split=newline)", "rougeL has the settings stem, tok, got `split`"),
        ("rougeLsum(split=dot)", "rougeLsum(split=..) must be newline, got `dot`"),
        ("rouge1(tok=char,stem=yes)", "rouge1(stem=..) must be no with tok=char, got `yes`"),
        ("rouge0", "unknown metric `rouge0`"),
    ] {
        assert_eq!(text_metric(&spec.parse().unwrap()).unwrap_err().to_string(), expected);
    }
}

/// Texts of few words, so that they share some, among characters that are hard to treat alike.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => proptest::sample::select(&["a", "b", "running", "Runs", "relational", "ties", "x1"][..]),
        1 => proptest::sample::select(
            &["Σ", "ΑΣ", "İ", "\u{212a}", "e\u{301}", "日本", "\r\n", "\u{1c}", "\u{85}", "3.14", "👩\u{200d}👧"][..]
        ),
    ];
    let blank = prop_oneof![8 => Just(" "), 2 => Just("\n"), 1 => Just("\u{2028}"), 1 => Just("")];
    let size = prop_oneof![3 => 0_usize..12, 1 => 60_usize..150];
    let pieces =
        size.prop_flat_map(move |size| proptest::collection::vec((word.clone(), blank.clone()), size));
    let short = pieces.prop_map(|pieces| pieces.iter().flat_map(|(word, blank)| [*word, *blank]).collect());
    prop_oneof![9 => short, 1 => any::<String>()]
}

fn rows() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
    proptest::collection::vec((text(), proptest::collection::vec(text(), 1..4)), 1..4)
}

fn tokenization() -> impl Strategy<Value = (RougeTokenizer, bool)> {
    proptest::sample::select(vec![
        (RougeTokenizer::RougeScore, false),
        (RougeTokenizer::RougeScore, true),
        (RougeTokenizer::Unicode, false),
        (RougeTokenizer::Unicode, true),
        (RougeTokenizer::Char, false),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn scores_equal_the_plain_definition(
        rows in rows(),
        name in proptest::sample::select(&NAMES[..]),
        (tokenizer, stem) in tokenization(),
    ) {
        let rouge = Rouge::named(name).unwrap().tokenizer(tokenizer).stem(stem);
        let (mut scorer, mut statistics) = (rouge.row_scorer(), [0.0; 4]);
        for (candidate, references) in &rows {
            let references: Vec<&str> = references.iter().map(String::as_str).collect();
            scorer.prepare(&references);
            for candidate in [candidate.as_str(), references[0]] {
                scorer.statistics(candidate, &mut statistics);
                let mut scores =
                    references.iter().map(|text| plain::score(name, (tokenizer, stem), candidate, text));
                let first = scores.next().unwrap();
                let best = scores.fold(first, |best, other| if other[2] > best[2] { other } else { best });
                prop_assert_eq!(statistics, [best[0], best[1], best[2], 1.0]);
            }
        }
    }
}
