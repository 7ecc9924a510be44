//! What `nearsay score` compares: columns, ids, references that are missing, the same texts twice.

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run};
use serde_json::{Value, json};

const SCORE: &str = "-m BERT -l 2 --json";

fn desk() -> Desk {
    let desk = desk!();
    desk.write("c.txt", "a river\nthe night\n").write("r.txt", "the river\nnight\n");
    desk.write("c.jsonl", rows(&[(1, "a river"), (2, "the night")]));
    desk.write("r.jsonl", rows(&[(1, "the river"), (2, "night")]));
    desk.write("swapped.jsonl", rows(&[(2, "night"), (1, "the river")]));
    desk
}

fn rows(rows: &[(u64, &str)]) -> String {
    rows.iter().map(|(id, text)| format!("{}\n", json!({"id": id, "text": text}))).collect()
}

fn score(desk: &Desk, inputs: &str) -> Run {
    desk.run(&format!("score {inputs} {SCORE}"))
}

/// The pairs' F1.
#[track_caller]
fn f1(run: Run) -> Vec<f64> {
    let segments = run.ok().json()["metrics"]["bertscore"]["segments"].clone();
    segments.as_array().expect("segments").iter().map(|pair| pair["f1"].as_f64().expect("F1")).collect()
}

#[test]
fn a_column_is_named_after_a_colon_or_by_a_flag() {
    let desk = desk();
    let expected = f1(score(&desk, "-c c.txt -r r.txt"));
    desk.write("pairs.csv", "hyp,gold,text\na river,the river,x\nthe night,night,y\n");
    desk.write("a:b.csv", "hyp,meta:gold\na river,the river\nthe night,night\n");
    desk.write("r.csv", "gold\nthe river\nnight\n");
    for inputs in [
        "-c pairs.csv:hyp -r pairs.csv:gold",
        "-c pairs.csv --candidate-field hyp -r pairs.csv --reference-field gold",
        "-c pairs.csv:hyp -r ./pairs.csv --text-field gold",
        "-c pairs.csv --candidate-field hyp -r r.txt",
        "-c pairs.csv:hyp -r r.csv --reference-field gold",
        "-c a:b.csv:hyp -r a:b.csv:meta:gold",
        "-c c.txt -r r.csv:gold",
    ] {
        assert_eq!(f1(score(&desk, inputs)), expected, "{inputs}");
    }
    std::fs::rename(desk.path("c.txt"), desk.path("c:hyp.txt")).expect("renamed");
    assert_eq!(f1(score(&desk, "-c c:hyp.txt -r r.txt")), expected);
    let body = "{\"body\":\"a river\"}\n{\"body\":\"the night\"}\n";
    for inputs in
        ["--candidates=-:body -r r.txt", "-c -:body -r r.txt", "-c - --candidate-field body -r r.txt"]
    {
        assert_eq!(f1(desk.run_with(&format!("score {inputs} {SCORE}"), body)), expected, "{inputs}");
    }
}

#[test]
fn names_of_columns_that_cannot_be_meant_are_refused() {
    let desk = desk();
    desk.write("pairs.csv", "hyp,gold\na,b\n");
    for (inputs, code, parts) in [
        ("-c pairs.csv:none -r pairs.csv:gold", 65, &["pairs.csv", "`none`", "`hyp`, `gold`"][..]),
        ("-c c.txt:hyp -r r.txt", 2, &["c.txt is read as txt", "`hyp`"]),
        ("-c c.txt -r r.txt --candidate-field hyp", 2, &["c.txt is read as txt", "`hyp`"]),
        ("-c c.txt -r r.txt --reference-field hyp", 2, &["r.txt is read as txt", "`hyp`"]),
        ("-c --idf -r r.txt", 2, &["a value is required for '--candidates <[NAME=]FILE>...'"]),
        ("-c c.txt -r --idf", 2, &["a value is required for '--references <FILE>...'"]),
        ("-c pairs.csv: -r pairs.csv:gold", 2, &["name of a column is missing", "pairs.csv:"]),
        ("-c absent.csv:hyp -r r.txt", 66, &["cannot read absent.csv: "]),
        ("-c absent:hyp -r r.txt", 66, &["cannot read absent:hyp: "]),
        (
            "-c pairs.csv:hyp -r pairs.csv:gold --candidate-field gold",
            2,
            &["--candidate-field has no effect"],
        ),
        ("-c pairs.csv:hyp -r pairs.csv:gold --reference-field hyp", 2, &["--reference-field has no effect"]),
        ("-c pairs.csv:hyp -r pairs.csv:gold --text-field hyp", 2, &["--text-field has no effect"]),
    ] {
        assert!(score(&desk, inputs).ends(code, parts).stdout.is_empty());
    }
}

#[test]
fn options_of_separated_fields_need_an_input_with_such() {
    let desk = desk();
    desk.write("r.csv", "text;x\nthe river;1\nnight;2\n");
    for inputs in ["-c c.jsonl -r r.jsonl", "-c c.jsonl:text -r r.jsonl"] {
        for option in ["--separator ;", "--quotes never"] {
            let flag = option.split(' ').next().expect("a flag");
            let refused = format!("{flag} has no effect: no input is read as csv or tsv");
            score(&desk, &format!("{inputs} {option}")).ends(2, &[&refused, "hint: ", "--format csv"]);
        }
    }
    assert_eq!(f1(score(&desk, "-c c.txt -r r.csv:text --separator ;")).len(), 2);
    desk.run("embed r.jsonl -m BERT -o r.parquet").ok();
    score(&desk, "-c r.parquet:id -r r.parquet:text --lossy").ends(2, &["--lossy has no effect"]);
}

#[test]
fn documents_are_paired_whatever_their_paths() {
    let desk = desk();
    desk.write("s.md", "a river\n").write("r.md", "the river\n");
    let expected = f1(score(&desk, "-c s.md -r r.md"));
    assert_eq!(expected.len(), 1);
    assert_eq!(f1(score(&desk, "-c s.md -r r.md --align rows")), expected);
    score(&desk, "-c s.md -r r.md --no-id").ends(2, &["--no-id has no effect"]);
}

#[test]
fn the_same_texts_on_both_sides_are_refused() {
    let desk = desk();
    std::fs::hard_link(desk.path("c.jsonl"), desk.path("hard.jsonl")).expect("linked");
    std::os::unix::fs::symlink("c.jsonl", desk.path("soft.jsonl")).expect("linked");
    std::fs::create_dir(desk.path("d")).expect("made");
    for other in ["c.jsonl", "./c.jsonl", "d/../c.jsonl", "hard.jsonl", "soft.jsonl", "c.jsonl:text"] {
        let parts = ["are the same texts", "`text`", "c.jsonl"];
        score(&desk, &format!("-c c.jsonl -r {other}")).ends(2, &parts);
        score(&desk, &format!("-c {other} -r r.jsonl -r c.jsonl")).ends(2, &parts);
    }
    let mut command = desk.command(&format!("score -c - --format jsonl -r c.jsonl {SCORE}"));
    command.stdin(std::fs::File::open(desk.path("c.jsonl")).expect("opened"));
    nearsay_tests::run::finish("score -c - -r c.jsonl < c.jsonl", command, None)
        .ends(2, &["are the same texts"]);
    desk.run("embed c.jsonl -m BERT --keep text -o c.parquet").ok();
    score(&desk, "-c c.parquet -r c.parquet:text").ends(2, &["are the same texts"]);
    std::fs::copy(desk.path("c.jsonl"), desk.path("copy.jsonl")).expect("copied");
    assert_eq!(f1(score(&desk, "-c c.jsonl -r copy.jsonl")).len(), 2);
}

#[test]
fn ids_that_disagree_are_refused_before_the_model_is_looked_for() {
    let desk = desk();
    desk.write("keys.csv", "key,text\n2,night\n1,the river\n")
        .write("strings.csv", "id,text\n1,the river\n2,night\n");
    let parts =
        ["swapped.jsonl, row 1: the id is 2, but row 1 of c.jsonl has the id 1", "hint:", "--align ids"];
    let run = desk.run("score -c c.jsonl -r swapped.jsonl -m no/such -l 1").ends(65, &parts);
    assert!(run.stdout.is_empty());
    score(&desk, "-c c.jsonl -r r.jsonl -r swapped.jsonl").ends(65, &["swapped.jsonl, row 1"]);
    score(&desk, "-c c.txt -r r.jsonl -r swapped.jsonl").ends(65, &["swapped.jsonl, row 1", "r.jsonl"]);
    desk.write("keyed.jsonl", "{\"key\":1,\"text\":\"a river\"}\n{\"key\":2,\"text\":\"night\"}\n");
    score(&desk, "-c keyed.jsonl -r keys.csv --id-field key").ends(65, &["keys.csv, row 2", "\"2\""]);
    // Ids of csv are strings; ids that only one side has are not compared.
    let expected = f1(score(&desk, "-c c.txt -r r.txt"));
    for inputs in
        ["-c c.jsonl -r strings.csv", "-c c.jsonl -r r.txt", "-c c.txt -r swapped.jsonl --align rows"]
    {
        assert_eq!(f1(score(&desk, inputs)).len(), expected.len(), "{inputs}");
    }
    assert_eq!(f1(score(&desk, "-c c.jsonl -r strings.csv")), expected);
}

#[test]
fn rows_can_be_paired_by_id_or_by_position() {
    let desk = desk();
    let expected = f1(score(&desk, "-c c.txt -r r.txt"));
    let aligned = score(&desk, "-c c.jsonl -r swapped.jsonl --align ids").ok().json();
    assert_eq!(aligned["paired_by"], "ids");
    assert_eq!(f1(score(&desk, "-c c.jsonl -r swapped.jsonl --align ids")), expected);
    let idf = |inputs: &str| f1(score(&desk, &format!("{inputs} --idf")));
    assert_eq!(idf("-c c.jsonl -r swapped.jsonl --align ids"), idf("-c c.txt -r r.txt"));
    let by_row = f1(score(&desk, "-c c.jsonl -r swapped.jsonl --align rows"));
    desk.write("swapped.txt", "night\nthe river\n");
    assert_eq!(by_row, f1(score(&desk, "-c c.txt -r swapped.txt")));
    assert_ne!(by_row, expected);
    let stdin =
        desk.run_with(&format!("score -c c.jsonl -r - --align ids {SCORE}"), desk.read("swapped.jsonl"));
    assert_eq!(f1(stdin), expected);
    desk.write("twice.jsonl", rows(&[(1, "a"), (2, "b"), (1, "c")]))
        .write("three.jsonl", rows(&[(1, "a"), (3, "b")]));
    for (inputs, parts) in [
        ("-c c.jsonl -r twice.jsonl", &["twice.jsonl, row 3", "id 1 occurs twice", "row 1"][..]),
        ("-c twice.jsonl -r c.jsonl", &["twice.jsonl, row 3", "id 1 occurs twice"]),
        ("-c c.jsonl -r three.jsonl", &["three.jsonl, row 2", "id 3 is not in c.jsonl"]),
        ("-c c.jsonl -r r.txt", &["r.txt, row 1", "has no id"]),
        ("-c c.txt -r r.jsonl", &["c.txt, row 1", "has no id"]),
    ] {
        score(&desk, &format!("{inputs} --align ids")).ends(65, parts);
    }
    desk.write("one.jsonl", rows(&[(2, "a")]));
    score(&desk, "-c c.jsonl -r one.jsonl --align ids").ends(65, &["c.jsonl, row 1", "lacks 1 of 2 ids"]);
}

#[test]
fn no_rows_are_an_error() {
    let desk = desk();
    desk.write("e.txt", "").write("f.txt", "").write("g.csv", "text\n").write("h.csv", "text\n");
    for inputs in
        ["-c e.txt -r f.txt", "-c g.csv -r h.csv", "-c e.txt -r g.csv", "-c /dev/null --format txt -r f.txt"]
    {
        assert!(score(&desk, inputs).ends(65, &["has no rows"]).stdout.is_empty(), "{inputs}");
    }
    score(&desk, "-c e.txt -r r.txt").ends(65, &["r.txt", "e.txt", "2", "0"]);
}

#[test]
fn an_empty_line_in_a_further_reference_file_is_no_reference() {
    let desk = desk!();
    desk.write("c.txt", "a river at night\nthe cat sleeps\n");
    desk.write("r1.txt", "the river at night\na cat sleeps\n").write("r2.txt", "night river\n\n");
    // bert_score 0.3.13: score(candidates, [["the river at night", "night river"], ["a cat sleeps"]], idf=True,
    // num_layers=2, batch_size=1) on the same weights.
    let run = score(&desk, "-c c.txt -r r1.txt -r r2.txt --idf");
    let run = run.ends(0, &["1 pair has an empty reference that is not counted (pair 2)"]);
    assert!(!run.stderr.contains("raw score"), "{}", run.stderr);
    let result = run.json();
    assert_eq!((&result["empty"], &result["fewer_references"]), (&json!(0), &json!(1)));
    for (found, expected) in f1(run).iter().zip([0.938304, 0.991333]) {
        assert!((found - expected).abs() < 2e-6, "{found} {expected}");
    }
    // The first reference is one even if it is empty: [["", "night river"], ["a cat sleeps"]].
    desk.write("blank.txt", "\na cat sleeps\n");
    let first = f1(score(&desk, "-c c.txt -r blank.txt -r r2.txt --idf"));
    for (found, expected) in first.iter().zip([0.839244, 0.990054]) {
        assert!((found - expected).abs() < 2e-6, "{found} {expected}");
    }
    // Blanks are empty too, in every format.
    desk.write("r2.txt", "night river\n \t\n").write("r2.jsonl", "\"night river\"\n\"\"\n");
    let plain = f1(score(&desk, "-c c.txt -r r1.txt -r r2.txt --idf"));
    assert_eq!(f1(score(&desk, "-c c.txt -r r1.txt -r r2.jsonl --idf")), plain);
    // The second pair alone has the score of its only reference.
    let alone = f1(score(&desk, "-c c.txt -r r1.txt"));
    assert_eq!(f1(score(&desk, "-c c.txt -r r1.txt -r r2.txt"))[1], alone[1]);
}

#[test]
fn an_empty_first_reference_is_one_and_is_reported_as_what_it_is() {
    let desk = desk!();
    desk.write("c.txt", "a river\n\nthe cat\na cat\n").write("r1.txt", "\nx\n\nthe cat\n");
    desk.write("r2.txt", "the river\ny\n\n\n");
    let run = score(&desk, "-c c.txt -r r1.txt -r r2.txt").ends(
        0,
        &[
            "2 pairs have an empty candidate or reference and the raw score 0 (pairs 2, 3)",
            "1 pair has an empty reference, with the raw score 0, next to others; the best of them counts (pair 1)",
            "2 pairs have an empty reference that is not counted (pairs 3, 4)",
        ],
    );
    let result = run.json();
    let counts = ["pairs", "empty", "empty_references", "fewer_references"].map(|key| result[key].clone());
    assert_eq!(counts, [4, 2, 1, 2].map(Value::from));
    let f1 = f1(run);
    assert!(f1[0] > 0.5 && f1[1] == 0.0 && f1[2] == 0.0 && f1[3] > 0.5, "{f1:?}");
}
