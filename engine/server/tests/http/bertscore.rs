//! `/bertscore`: the numbers of the library.

use nearsay::score::bertscore::RunningMean;
use nearsay::score::{PairSource, PairTexts, ScoreReport, TextSource};
use nearsay::{ScoreOptions, Scorer};
use serde_json::{Value, json};

use crate::served::{Served, embedder};

const LAYER: usize = 1;

fn scorer() -> Scorer {
    embedder().session().scorer(&ScoreOptions::default().layer(LAYER)).unwrap()
}

/// The signature with the name that clients know: a folder of the server's machine is none of theirs.
fn signature(scorer: &Scorer) -> String {
    let mut signature = scorer.signature();
    signature.model = "bert".to_owned();
    signature.to_string()
}

/// What `nearsay score --json` prints as `metrics`.
fn metrics(scorer: &Scorer, pairs: &[PairTexts]) -> String {
    let scored = scorer.score(pairs).unwrap();
    let mut mean = RunningMean::new();
    scored.scores.iter().for_each(|scores| mean.add(scores));
    let report = ScoreReport::new().bertscore("", mean.mean(), &scored.scores, &[]);
    let text = serde_json::to_string(&report).unwrap();
    text.strip_prefix("{\"signature\":\"\",").unwrap().strip_suffix('}').unwrap().to_owned()
}

#[test]
fn scores_are_those_of_the_library_byte_for_byte() {
    let served = Served::new();
    let candidates = ["the river", "a mill stood there", ""];
    let references = json!([["a river", "the old river"], "the mill", ["an empty candidate"]]);
    let body = json!({"candidates": candidates, "references": references, "layer": LAYER});
    let answer = served.client().post("/bertscore", &body).with(200);
    let pairs = [
        PairTexts::new("the river", ["a river", "the old river"]),
        PairTexts::new("a mill stood there", ["the mill"]),
        PairTexts::new("", ["an empty candidate"]),
    ];
    assert!(answer.text().contains(&metrics(&scorer(), &pairs)), "{}", answer.text());
    assert!(answer.header("x-compute-tokens").unwrap().parse::<u64>().unwrap() > 20);
    let answer = answer.json();
    assert_eq!(answer["signature"], signature(&scorer()));
    assert_eq!(
        answer["notices"],
        json!({"pairs": 3, "empty": 1, "empty_references": 0, "truncated": 0, "undefined": []})
    );
    assert_eq!(answer["model"], "bert");
}

#[test]
fn frequencies_are_of_the_references_or_of_other_texts() {
    let served = Served::new();
    let pairs = [PairTexts::new("the river", ["a river"]), PairTexts::new("the mill", ["the old mill"])];
    let weighted = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let source = TextSource::of_texts("references", texts);
        scorer().weighted_by_idf(&PairSource::new(source.clone(), vec![source])).unwrap()
    };
    let others = ["the river", "the mill", "the bank"];
    for (idf, scorer) in [
        (json!(true), weighted(&["a river", "the old mill"])),
        (json!(others), weighted(&others)),
        (json!(false), scorer()),
    ] {
        let body = json!({
            "candidates": ["the river", "the mill"], "references": ["a river", "the old mill"],
            "layer": LAYER, "idf": idf,
        });
        let answer = served.client().post("/bertscore", &body).with(200);
        assert!(answer.text().contains(&metrics(&scorer, &pairs)), "{idf}: {}", answer.text());
        assert_eq!(answer.json()["signature"], signature(&scorer));
    }
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let served = Served::new();
    let refused = |body: Value| served.client().post("/bertscore", &body).openai_error(400, None);
    for (body, part) in [
        (json!({"candidates": ["a"]}), "references is missing"),
        (
            json!({"candidates": ["a"], "references": ["b"]}),
            "layer must be given, from 0 to 3: the model bert is not in",
        ),
        (
            json!({"candidates": ["a"], "references": ["b", "c"], "layer": 1}),
            "references must have one entry per candidate, 1, got 2",
        ),
        (
            json!({"candidates": ["a"], "references": [["b", 1]], "layer": 1}),
            "references[0][1] must be a string, got a number",
        ),
        (
            json!({"candidates": ["a"], "references": [[]], "layer": 1}),
            "references[0] must have at least one text",
        ),
        (
            json!({"candidates": ["a"], "references": ["b"], "layer": 99}),
            "layer must be a whole number from 0 to 3, got 99",
        ),
        (
            json!({"candidates": ["a"], "references": ["b"], "layer": 1, "idf": [1]}),
            "idf[0] must be a string",
        ),
        (json!({"candidates": ["a"], "references": ["b"], "layer": 1, "idf": true}), "at least 2"),
        (
            json!({"candidates": ["a"], "references": ["b"], "layer": 1, "rescale_with_baseline": true}),
            "baseline",
        ),
        (json!({"candidates": ["a"], "references": ["b"], "x": 1, "layer": 1}), "unknown field x"),
        (
            json!({"candidates": ["a"], "references": ["b"], "lang": "xx", "model": "bert"}),
            "layer must be given",
        ),
    ] {
        let message = refused(body.clone());
        assert!(message.contains(part) && !message.contains("/fixtures/"), "{body}: {message}");
    }
    let body = json!({"candidates": ["a"], "references": ["b"], "lang": "en"});
    let message = served.client().post("/bertscore", &body).openai_error(404, Some("model_not_found"));
    assert!(message.starts_with("lang en is scored with roberta-large unless `model` is given"), "{message}");
}
