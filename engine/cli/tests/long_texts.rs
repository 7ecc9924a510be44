//! `nearsay score --on-long`.

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run};
use serde_json::{Value, json};

/// The model has 40 positions: 38 words of one token each, and two special tokens.
fn words(count: usize, seed: usize) -> String {
    let words = ["river", "night", "the", "light", "again", "and", "garden"];
    (0..count).map(|at| words[(at * at + seed * at + seed) % 7]).collect::<Vec<_>>().join(" ")
}

/// Rows of 5, 38, 39 and 200 words; the references of the last two are short.
fn desk() -> Desk {
    let desk = desk!();
    let lines =
        |counts: [usize; 4], seed| counts.iter().map(|count| words(*count, seed) + "\n").collect::<String>();
    desk.write("long.txt", lines([5, 38, 39, 200], 1)).write("ref.txt", lines([6, 30, 38, 12], 2));
    desk.write("short.txt", lines([5, 38, 38, 38], 1));
    desk
}

fn pairs(value: &Value) -> Vec<Value> {
    value["metrics"]["bertscore"]["segments"].as_array().expect("segments").clone()
}

fn refused(run: Run, code: i32, parts: &[&str]) {
    let run = run.ends(code, parts);
    assert!(run.stdout.is_empty(), "{:?}", run.stdout);
}

const SCORE: &str = "score -c long.txt -r ref.txt -m BERT -l 2";

#[test]
fn windows_score_all_tokens_of_long_texts_and_nothing_else_changes() {
    let desk = desk();
    let of = |more: &str| desk.run(&format!("{SCORE} {more} --json --interval none")).ok().json();
    let (cut, whole) = (of(""), of("--on-long windows"));
    assert_eq!(of("--on-long truncate"), cut);
    assert_eq!((&cut["truncated"], &whole["truncated"]), (&json!(2), &json!(0)));
    assert_eq!(pairs(&cut)[..2], pairs(&whole)[..2]);
    assert!(pairs(&cut)[2] != pairs(&whole)[2] && pairs(&cut)[3] != pairs(&whole)[3]);
    let signature = whole["signature"].as_str().unwrap();
    assert!(signature.contains(",max_length=40,on_long=windows)"), "{signature}");
    assert_eq!(signature.replace(",on_long=windows", ""), cut["signature"].as_str().unwrap());
    let warned = desk.run(SCORE).ok().stderr;
    assert!(warned.contains("2 texts were cut to 40 tokens"), "{warned}");
    let silent = desk.run(&format!("{SCORE} --on-long windows")).ok().stderr;
    assert!(silent.contains(", none cut") && !silent.contains("were cut"), "{silent}");
    // A shorter window is another score, and its length is named.
    let short = of("--on-long windows --max-length 12");
    assert!(short["signature"].as_str().unwrap().contains("max_length=12,on_long=windows"), "{short}");
    assert!(pairs(&short)[0] == pairs(&whole)[0] && pairs(&short)[3] != pairs(&whole)[3]);
    // Layers, document frequencies and several systems.
    let all = "score -c long.txt short.txt -r ref.txt -m BERT --all-layers --idf --on-long windows --json --interval none";
    let all = desk.run(all).ok().json();
    let alone = of("--idf --on-long windows");
    assert_eq!(
        all["systems"][0]["metrics"]["bertscore(layer=2)"],
        alone["systems"][0]["metrics"]["bertscore"]
    );
    let matrix = "score --pairwise -c long.txt -r ref.txt -m BERT -l 2 --on-long windows -o m.npy --json";
    let matrix = desk.run(matrix).ok().json();
    assert_eq!((&matrix["truncated"], &matrix["encoded"]), (&json!(0), &json!(8)));
    assert_eq!(matrix["signature"], whole["signature"]);
}

#[test]
fn a_text_that_is_too_long_is_named_with_its_row_and_tokens() {
    let desk = desk();
    let rule = [
        "long.txt, row 3: the text has 41 tokens, and the longest text has 40",
        "hint: ",
        "--on-long windows",
    ];
    refused(desk.run(&format!("{SCORE} --on-long error")), 65, &rule);
    refused(desk.run(&format!("{SCORE} --on-long error --idf -o run")), 65, &rule);
    assert!(!desk.names().iter().any(|name| name.contains("run")), "{:?}", desk.names());
    refused(
        desk.run("score --pairwise -c ref.txt -r long.txt -m BERT -l 2 --on-long error -o m.npy"),
        65,
        &rule,
    );
    let row = |candidate: String| json!({"candidates": [candidate], "references": ["a"]}).to_string() + "\n";
    desk.write("rows.jsonl", row(words(5, 1)) + &row(words(60, 1)));
    refused(
        desk.run("score --pairwise -c rows.jsonl -m BERT -l 2 --on-long error -o m.npy"),
        65,
        &["rows.jsonl, row 2: the text has 62 tokens, and the longest text has 40"],
    );
    let short = "score -c short.txt -r ref.txt -m BERT -l 2";
    let strict = desk.run(&format!("{short} --on-long error")).ok().text().to_owned();
    assert_eq!(strict, desk.run(short).ok().text());
}

#[test]
fn what_windows_cannot_do_is_refused() {
    let desk = desk();
    desk.run("idf ref.txt -m BERT -o ref.idf").ok();
    refused(
        desk.run(&format!("{SCORE} --on-long windows --idf ref.idf")),
        2,
        &["a file of document frequencies counts texts cut to 40 tokens", "hint: "],
    );
    for how in ["windows", "error"] {
        let line = format!("{SCORE} --metric bertscore,cosine --on-long {how}");
        refused(desk.run(&line), 2, &["only bertscore supports --on-long, and cosine cuts long texts"]);
    }
    desk.run(&format!("{SCORE} --metric bertscore,cosine --on-long truncate")).ok();
    refused(
        desk.run("score -c long.txt -r ref.txt --metric bleu --on-long windows"),
        2,
        &["--on-long has no effect"],
    );
    refused(desk.run("mbr -c long.txt -m BERT --on-long windows"), 2, &["--on-long"]);
    // A run keeps to its treatment.
    desk.run(&format!("{SCORE} --on-long windows -o run")).ok();
    let run: Value = serde_json::from_slice(&desk.read("run/run.json")).unwrap();
    assert!(run["command"].to_string().contains("\"--on-long\",\"windows\""), "{}", run["command"]);
    let add = "score -o run --add -c short.txt -m BERT -l 2";
    refused(desk.run(add), 2, &["on_long=windows", "this command has"]);
    desk.run(&format!("{add} --on-long windows")).ok();
}
