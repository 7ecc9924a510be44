//! `nearsay idf`, and `score --idf FILE`.

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run};
use serde_json::Value;

const CANDIDATES: &str = "the river\nthe garden at night\na light\n";
const REFERENCES: &str = "the old river\nthe garden\n\n";
const MORE: &str = "the river at night\n\na garden\n";

fn desk() -> Desk {
    let desk = desk!();
    desk.write("c.txt", CANDIDATES).write("r.txt", REFERENCES).write("more.txt", MORE);
    desk
}

fn score(desk: &Desk, more: &str) -> Value {
    desk.run(&format!("score -c c.txt -r r.txt -m BERT -l 2 --json --segments {more}")).ok().json()
}

/// The scores of all pairs.
fn pairs(report: &Value) -> String {
    let pairs = &report["metrics"]["bertscore"]["segments"];
    assert!(pairs.as_array().is_some_and(|pairs| !pairs.is_empty()), "{report}");
    pairs.to_string()
}

fn text(desk: &Desk, name: &str) -> String {
    String::from_utf8(desk.read(name)).unwrap()
}

fn refused(run: Run, code: i32, parts: &[&str]) {
    let run = run.ends(code, parts);
    assert!(run.stdout.is_empty(), "{:?}", run.stdout);
}

#[test]
fn saved_weights_give_the_scores_of_counted_ones() {
    let desk = desk();
    let run = desk.run("idf r.txt -m BERT -o r.idf").ok();
    assert!(run.stderr.contains("3 references with "), "{}", run.stderr);
    let (counted, saved) = (score(&desk, "--idf"), score(&desk, "--idf r.idf"));
    assert_eq!(pairs(&counted), pairs(&saved));
    assert!(pairs(&saved) != pairs(&score(&desk, "")));
    let digest: Value = serde_json::from_str(text(&desk, "r.idf").lines().last().unwrap()).unwrap();
    let name = &digest["sha256"].as_str().unwrap()[..12];
    assert!(saved.to_string().contains(&format!(",idf={name})")), "{saved}");
    assert!(!counted.to_string().contains(",idf="));
}

#[test]
fn a_file_of_counts_is_none_of_its_inputs() {
    let desk = desk();
    desk.run("idf r.txt -m BERT -o ./r.txt --overwrite")
        .ends(2, &["the output ./r.txt is the same file as the input r.txt"]);
    desk.run("idf r.txt -m BERT -o r.idf").ok();
    desk.run("idf --merge r.idf r.idf -o r.idf --overwrite")
        .ends(2, &["is the same file as the input r.idf"]);
    assert_eq!(text(&desk, "r.txt"), REFERENCES);
}

#[test]
fn several_files_are_the_references_of_score_and_sums_are_of_all_texts() {
    let desk = desk();
    desk.run("idf r.txt more.txt -m BERT -o two.idf").ok();
    let counted =
        desk.run("score -c c.txt -r r.txt -r more.txt -m BERT -l 2 --json --segments --idf").ok().json();
    let saved = "score -c c.txt -r r.txt -r more.txt -m BERT -l 2 --json --segments --idf two.idf";
    assert_eq!(pairs(&counted), pairs(&desk.run(saved).ok().json()));

    desk.run("idf r.txt -m BERT -o r.idf").ok();
    desk.run("idf more.txt -m BERT -o more.idf").ok();
    let merged = desk.run("idf --merge r.idf more.idf -o sum.idf --json").ok().json();
    assert_eq!(merged["references"], 6);
    desk.write("all.txt", format!("{REFERENCES}{MORE}"));
    desk.run("idf all.txt -m BERT -o all.idf").ok();
    assert_eq!(text(&desk, "sum.idf"), text(&desk, "all.idf"));
    assert_eq!(merged["sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn a_file_for_another_tokenizer_or_length_is_refused() {
    let desk = desk();
    desk.run("idf r.txt -m BERT -o r.idf").ok();
    let other = nearsay_tests::fixture("families/roberta").display().to_string();
    let line = format!("score -c c.txt -r r.txt -m {other} -l 1 --idf r.idf");
    refused(desk.run(&line), 65, &["r.idf", "the tokenizer's SHA-256 is ", " for "]);
    let line = "score -c c.txt -r r.txt -m BERT -l 1 --max-length 9 --idf r.idf";
    refused(
        desk.run(line),
        65,
        &["r.idf", "the longest text in tokens is 40 (model", "and 9 for", "hint: --max-length 40"],
    );
    desk.run("idf r.txt -m BERT --max-length 9 -o nine.idf").ok();
    desk.run("score -c c.txt -r r.txt -m BERT -l 1 --max-length 9 --idf nine.idf").ok();
    refused(desk.run("idf --merge r.idf nine.idf -o x"), 65, &["nine.idf", "is 9, and 40 in r.idf"]);
}

/// Frequencies are of tokens, which the space before a text changes for models of RoBERTa.
#[test]
fn a_file_for_the_other_tokenizer_of_bert_score_is_refused() {
    let desk = desk();
    let roberta = nearsay_tests::fixture("families/roberta").display().to_string();
    let line = format!("score -c c.txt -r r.txt -m {roberta} -l 1 --json --segments");
    for (counts, scores, hint) in [
        ("", "--use-fast-tokenizer", "hint: score without --use-fast-tokenizer, or count it anew"),
        ("--use-fast-tokenizer", "", "hint: --use-fast-tokenizer scores as it was counted"),
    ] {
        let name = format!("{}.idf", counts.len());
        desk.run(&format!("idf r.txt -m {roberta} -o {name} {counts}")).ok();
        let saved = desk.run(&format!("{line} --idf {name} {counts}")).ok().json();
        assert_eq!(pairs(&saved), pairs(&desk.run(&format!("{line} --idf {counts}")).ok().json()));
        let run = desk.run(&format!("{line} --idf {name} {scores}"));
        refused(run, 65, &[name.as_str(), "the space before each text is ", hint]);
    }
    // Of BERT there is one tokenizer.
    desk.run("idf r.txt -m BERT -o bert.idf").ok();
    let run = |more: &str| score(&desk, &format!("--idf bert.idf {more}"));
    assert_eq!(pairs(&run("")), pairs(&run("--use-fast-tokenizer")));
}

#[test]
fn what_is_no_file_of_frequencies_is_refused() {
    let desk = desk();
    let line = "score -c c.txt -r r.txt -m BERT -l 1 --idf ";
    refused(desk.run(&format!("{line}c.txt")), 65, &["c.txt", "the file has no document frequencies"]);
    refused(desk.run(&format!("{line}gone.idf")), 66, &["cannot read gone.idf"]);
    desk.run("idf r.txt -m BERT -o r.idf").ok();
    let cut = text(&desk, "r.idf");
    desk.write("cut.idf", &cut[..cut.len() - 80]);
    refused(desk.run(&format!("{line}cut.idf")), 65, &["cut.idf", "the file is cut off"]);
    desk.write("newer.idf", "{\"format_version\":7,\"kind\":\"idf\"}\n");
    refused(desk.run(&format!("{line}newer.idf")), 78, &["newer.idf has format 7", "reads format 1 at most"]);
    desk.write("one.txt", "the river\n");
    refused(desk.run("idf one.txt -m BERT -o one.idf"), 65, &["one.txt", "at least 2 references, got 1"]);
    refused(desk.run("idf r.txt -m BERT -o -"), 2, &["- is not one", "./-"]);
    refused(desk.run("idf r.txt -m BERT -o r.idf"), 73, &["r.idf"]);
    refused(desk.run("idf --merge r.idf -m BERT -o x"), 2, &["--model"]);
    assert!(!desk.names().iter().any(|name| name == "one.idf" || name == "x"), "{:?}", desk.names());
}
