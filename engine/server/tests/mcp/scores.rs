//! Comparing, ranking, scoring and counting.

use nearsay::score::PairTexts;
use nearsay::{CrossEncoderOptions, ScoreOptions};
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::corpus::{CROSS_ENCODER, Desk, LAYER, MAX_TOKENS, MODEL, embedder, options, session};

const TEXTS: [&str; 4] = [
    "The old mill by the river.",
    "A mill near a river.",
    "Bread before dawn.",
    "The old mill by the river.",
];

fn agent() -> Agent {
    Agent::new(nearsay_server::Toolset::open(&options(Vec::new())).unwrap())
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn similarities_are_cosines_rounded_to_4_digits_and_the_best_pairs_come_first() {
    let vectors = embedder().embed(&TEXTS).unwrap().vectors;
    let mut agent = agent();
    let found = agent.call("similarity", json!({"texts": TEXTS}));
    for row in 0..4 {
        for column in 0..4 {
            let score = found["matrix"][row][column].as_f64().unwrap();
            assert!((score - cosine(&vectors[row], &vectors[column])).abs() <= 0.500_1e-4, "{found}");
            assert_eq!((score * 1e4).round() / 1e4, score);
        }
    }
    assert_eq!(found["pairs"][0], json!({"row": 0, "column": 3, "score": 1.0}));
    assert_eq!(found["pairs"].as_array().unwrap().len(), 6);
    let lists = agent.call("similarity", json!({"texts_1": TEXTS[..1], "texts_2": TEXTS[1..]}));
    assert_eq!(lists["matrix"][0].as_array().unwrap()[..], found["matrix"][0].as_array().unwrap()[1..]);
    assert_eq!(lists["pairs"][0]["column"], 2);
}

#[test]
fn ranking_is_by_cosine_or_by_a_cross_encoder() {
    let query = "Where is the mill?";
    let mut by_cosine = agent();
    let found = by_cosine.call("rerank", json!({"query": query, "texts": TEXTS}));
    assert_eq!((&found["method"], &found["model"]), (&json!("cosine"), &json!("bert")));
    let vectors = embedder().embed(&[&[query][..], &TEXTS[..]].concat()).unwrap().vectors;
    for result in found["results"].as_array().unwrap() {
        let index = result["index"].as_u64().unwrap() as usize;
        assert!((result["score"].as_f64().unwrap() - cosine(&vectors[0], &vectors[index + 1])).abs() < 1e-6);
    }
    let toolset = nearsay_server::Toolset::open(&options(Vec::new())).unwrap();
    let models = vec![("bert".to_owned(), session(MODEL)), ("cross".to_owned(), session(CROSS_ENCODER))];
    let mut by_encoder = Agent::with_models(toolset, models);
    let found = by_encoder.call("rerank", json!({"query": query, "texts": TEXTS, "top_n": 3}));
    assert_eq!((&found["method"], &found["model"]), (&json!("cross-encoder"), &json!("cross")));
    let results = found["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    let encoder = session(CROSS_ENCODER).cross_encoder(&CrossEncoderOptions::default()).unwrap();
    let scores = encoder.score(&TEXTS.map(|text| (query, text)), |_| ()).unwrap().scores;
    let mut last = f64::INFINITY;
    for result in results {
        let score = result["score"].as_f64().unwrap();
        assert_eq!(score.to_string(), scores[result["index"].as_u64().unwrap() as usize].to_string());
        assert!(score <= last);
        last = score;
    }
    // The other tools use the other model.
    assert_eq!(by_encoder.call("count_tokens", json!({"texts": ["river"]}))["model"], "bert");
}

#[test]
fn bertscore_is_the_librarys_and_other_metrics_are_next_to_it() {
    let candidates = ["The mill is old.", "Bread is sold before dawn.", ""];
    let references = json!(["An old mill.", ["The baker sells bread.", "Bread before dawn."], "A river."]);
    let mut agent = agent();
    let arguments = json!({
        "candidates": candidates, "references": references, "metrics": ["bertscore", "chrf", "bleu(tok=char)"], "layer": LAYER,
    });
    let found = agent.call("score", arguments);
    let scorer = session(MODEL).scorer(&ScoreOptions::default().layer(LAYER)).unwrap();
    let pairs = [
        PairTexts::new(candidates[0], ["An old mill."]),
        PairTexts::new(candidates[1], ["The baker sells bread.", "Bread before dawn."]),
        PairTexts::new(candidates[2], ["A river."]),
    ];
    let expected = scorer.score(&pairs).unwrap();
    let metrics = found["metrics"].as_array().unwrap();
    let mut signature = scorer.signature();
    // The folder's name is for people of this machine.
    signature.model = "bert".to_owned();
    assert_eq!(metrics[0]["signature"], signature.to_string());
    for (pair, expected) in metrics[0]["pairs"].as_array().unwrap().iter().zip(&expected.scores) {
        assert_eq!(pair["f1"].as_f64().unwrap().to_string(), expected.f1.to_string());
        assert_eq!(pair["precision"].as_f64().unwrap().to_string(), expected.precision.to_string());
    }
    let mean: f64 = expected.scores.iter().map(|scores| f64::from(scores.f1)).sum::<f64>() / 3.0;
    assert!((metrics[0]["all"]["f1"].as_f64().unwrap() - mean).abs() < 1e-12);
    for metric in &metrics[1..] {
        assert_eq!(metric["better"], "higher");
        let signature = metric["signature"].as_str().unwrap();
        assert!(signature.contains("nrefs:var"), "{signature}");
        assert!((0.0..=100.0).contains(&metric["all"]["score"].as_f64().unwrap()), "{metric}");
        assert_eq!(metric["pairs"].as_array().unwrap().len(), 3);
    }
    // Without a published layer, the tool says which ones there are.
    let refusal = agent.refusal("score", json!({"candidates": ["a"], "references": ["b"]}));
    assert!(
        refusal.starts_with("layer must be a whole number from 0 to ") && refusal.ends_with("is missing"),
        "{refusal}"
    );
    let of_words =
        agent.call("score", json!({"candidates": ["a b"], "references": ["a b"], "metrics": ["ter"]}));
    assert_eq!(
        (&of_words["metrics"][0]["better"], &of_words["metrics"][0]["all"]["score"]),
        (&json!("lower"), &json!(0.0))
    );
}

#[test]
fn tokens_are_counted_with_special_ones() {
    let long = "river ".repeat(100);
    let found = agent().call("count_tokens", json!({"texts": ["the river", long, ""]}));
    let expected = embedder().tokenize_whole(&["the river"]).unwrap()[0].tokens.ids.len();
    assert_eq!(found["texts"][0], json!({"tokens": expected, "cut": false}));
    assert_eq!((&found["texts"][1]["cut"], &found["max_tokens"]), (&json!(true), &json!(MAX_TOKENS)));
    assert!(found["texts"][1]["tokens"].as_u64() > Some(100));
    assert_eq!(found["texts"][2], json!({"tokens": 2, "cut": false}));
}

#[test]
fn row_140_arguments_that_break_a_rule_are_named_with_the_rule_and_the_value() {
    let desk = Desk::new();
    let mut agent = Agent::new(desk.toolset());
    let texts = |count: usize| vec!["a"; count];
    let cases: [(&str, Value, &str); 27] = [
        ("search", json!({}), "query must be a string, and is missing"),
        ("search", json!({"query": 7}), "query must be a string, got 7"),
        ("search", json!({"query": " "}), "query must be a string that is not blank, got \" \""),
        ("search", json!({"query": "x", "k": 0}), "k must be a whole number from 1 to 50, got 0"),
        (
            "search",
            json!({"query": "x", "k": 1_000_000_000}),
            "k must be a whole number from 1 to 50, got 1000000000",
        ),
        ("search", json!({"query": "x", "k": "8"}), "k must be a whole number from 1 to 50, got \"8\""),
        (
            "search",
            json!({"query": "x", "max_characters": 0}),
            "max_characters must be a whole number from 1 to 50000, got 0",
        ),
        ("search", json!({"query": "x", "min_score": "high"}), "min_score must be a number, got \"high\""),
        (
            "search",
            json!({"query": "x", "limit": 3}),
            "unknown field limit; known fields: query, corpus, k, ",
        ),
        (
            "search",
            json!({"query": "x", "filter": "year > 3"}),
            "filter must be an object of columns and values, got a string",
        ),
        (
            "search",
            json!({"query": "x", "cursor": "0"}),
            "cursor must be the next_cursor of an earlier search, got \"0\"",
        ),
        ("read", json!({}), "uri must be a string, and is missing"),
        (
            "read",
            json!({"uri": "nearsay://notes/bread", "start": -1}),
            "start must be a whole number from 0 to 4294967295, got -1",
        ),
        ("related", json!({}), "id must be a string or a whole number, and is missing"),
        ("related", json!({"id": 1.5}), "id must be a string or a whole number, got 1.5"),
        ("rerank", json!({"query": "x", "texts": texts(1)}), "texts must have from 2 to 100 texts, got 1"),
        (
            "rerank",
            json!({"query": "x", "texts": texts(101)}),
            "texts must have from 2 to 100 texts, got 101",
        ),
        ("rerank", json!({"query": "x", "texts": ["a", null]}), "texts[1] must be a string, got null"),
        (
            "rerank",
            json!({"query": "x", "texts": texts(2), "top_n": 0}),
            "top_n must be a whole number from 1 to 100, got 0",
        ),
        ("similarity", json!({}), "texts must be a list of strings"),
        ("similarity", json!({"texts": texts(65)}), "texts must have from 2 to 64 texts, got 65"),
        (
            "similarity",
            json!({"texts_1": texts(1)}),
            "texts_2 must be a list of strings next to texts_1, and is missing",
        ),
        (
            "score",
            json!({"candidates": texts(2), "references": texts(1)}),
            "references must have one entry per candidate, got 1 for 2",
        ),
        (
            "score",
            json!({"candidates": ["a"], "references": [[]]}),
            "references[0] must have from 1 to 16 texts, got 0",
        ),
        (
            "score",
            json!({"candidates": ["a"], "references": ["b"], "metrics": ["comet"]}),
            "metrics[0] must be bertscore or one of ",
        ),
        ("corpora", json!({"name": "notes"}), "unknown field name; known fields: "),
        ("count_tokens", json!({"texts": []}), "texts must have from 1 to 100 texts, got 0"),
    ];
    for (tool, arguments, expected) in cases {
        let refusal = agent.refusal(tool, arguments);
        assert!(refusal.starts_with(expected), "{tool}: {refusal}");
    }
    let (code, message) = agent.error("tools/call", json!({"name": "delete", "arguments": {}}));
    assert!(code == -32602 && message.ends_with("got \"delete\""), "{code} {message}");
}
