//! What cannot be searched, and why.

use std::fs;

use super::*;

#[test]
fn another_model_is_refused_with_both_digests() {
    let desk = desk_with_vectors();
    let line = "search job --device cpu -m FIXTURE:sentence-transformers/old-layout bread";
    let run = desk.run(line).ends(78, &["the model's SHA-256 is", "was"]);
    let digests = run.stderr.split_whitespace().filter(|word| word.len() == 64).count();
    assert_eq!(digests, 2, "{}", run.stderr);
    // A file records the name alone, and settings that another model may not have.
    desk.run("search a.parquet --device cpu -m BERT bread").ends(78, &["pooling is mean here"]);
    let same = "FIXTURE:sentence-transformers/../sentence-transformers/dense-prompts";
    let parts = ["warning: the vectors record the model", "no SHA-256; whether"];
    desk.run(&format!("search a.parquet --device cpu -m {same} bread")).ends(0, &parts);
}

#[test]
fn rows_of_sparse_vectors_are_refused_as_such() {
    let desk = desk!();
    desk.write("in.jsonl", TEXTS);
    for file in ["a.jsonl", "a.parquet", "a.arrow"] {
        desk.run(&format!("embed in.jsonl -m FIXTURE:sparse-encoders/bert --device cpu -q -o {file}")).ok();
        let rule = "has sparse vectors; one dense vector per row is needed";
        desk.run(&format!("search {file} --like mill"))
            .ends(65, &[file, rule, "hint: embed the texts again"]);
    }
}

#[test]
fn vectors_without_a_model_need_one_for_words_only() {
    let desk = desk_with_vectors();
    desk.run("search a.npy bread")
        .ends(2, &["a.npy does not record its model", "--model", "hint:", "--like ID"]);
    desk.run("search a.npy --like 0").ok();
    desk.run("search a.npy --like 6").ends(2, &["no row with the id", "numbered from 0"]);
    desk.run("search a.parquet --like bred").ends(2, &["no row with the id \"bred\""]);
}

#[test]
fn settings_and_filters_are_refused_with_the_reason() {
    let desk = desk_with_vectors();
    for (line, parts) in [
        ("--like mill -k 0", &["-k must be 1 to 10000 hits per query, got 0"][..]),
        ("--like mill -k 10001", &["got 10001"]),
        ("--like mill --mmr 2", &["--mmr must be a number from 0 to 1, got 2"]),
        ("--like mill --min-score nan", &["--min-score must be a finite number, got NaN"]),
        ("--like mill --mmr 0.5 --candidates 5", &["--candidates must be 10 to 10000", "hits (-k), got 5"]),
        (
            "--like mill --metric euclidean --min-score 1",
            &["--min-score cannot be used with the metric euclidean"],
        ),
        ("--like mill --columns nope", &["no column `nope` for its hits", "hint: its columns are"]),
        ("--like mill --bits", &["--bits needs signs, and a.parquet does not store them"]),
        ("--like mill --where nope=1", &["no column `nope`", "hint:", "year"]),
        ("--like mill --where year=", &["the filter cannot be used"]),
        ("--like mill --where year>'x'", &["column `year`", "'x'"]),
        ("--like mill bread", &["cannot be used with"]),
        ("--like mill --candidates 3", &["--candidates has no effect without --mmr"]),
        ("bread --limit 3", &["unknown flag --limit", "-k (--top)"]),
        ("--limit 3", &["unknown flag --limit"]),
        ("-k 3", &["no query is named", "hint:"]),
        ("--like mill --context 9", &["--context needs whole texts", "hint:"]),
        ("--like mill -o hits.npy", &[".parquet, .arrow or .jsonl"]),
        ("bread --prompt-name nope --device cpu", &["no prompt named `nope`"]),
    ] {
        let run = desk.run(&format!("search a.parquet {line}")).ends(2, parts);
        for other in ["single quotes", "candidates are found by signs"] {
            let is_due = parts.contains(&"hint:") && line.contains("--where");
            assert!(is_due || !run.stderr.contains(other), "{line}: {}", run.stderr);
        }
    }
    desk.run("search missing.parquet bread").ends(66, &["missing.parquet"]);
    desk.run("search in.jsonl bread").ends(65, &["in.jsonl"]);
    desk.write("in.txt", "bread\n");
    desk.run("search in.txt bread").ends(2, &["in.txt"]);
    let deep = vec!["1=1"; 10_000].join(" or ");
    run_with_text(&desk, "search a.parquet --like mill --where", &[&deep])
        .ends(2, &["more than 2000 words and signs"]);
}

#[test]
fn numbers_that_are_not_finite_and_other_widths_are_refused_by_row() {
    let desk = desk_with_vectors();
    desk.write("nan.npy", npy([1.0, 2.0, 3.0, f32::NAN, 5.0, 6.0]));
    desk.write("fine.npy", npy([1.0, 2.0, 0.0, 0.0, 5.0, 6.0]));
    desk.run("search nan.npy --like 0").ends(65, &["nan.npy, row 2", "not finite"]);
    desk.run("search fine.npy --query-vectors nan.npy").ends(65, &["nan.npy, row 2", "not finite"]);
    let zeros = desk.run("search fine.npy --like 0 --json").ends(0, &["1 row of zeros"]);
    assert_eq!(zeros.json()["hits"][1]["score"], 0.0);
    let widths = ["fine.npy: the queries have 2 dimensions", "a.arrow have"];
    desk.run("search a.arrow --query-vectors fine.npy").ends(65, &widths);
}

/// An .npy file of three rows of two values.
fn npy(values: [f32; 6]) -> Vec<u8> {
    let mut bytes =
        b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }".to_vec();
    bytes.resize(127, b' ');
    bytes.push(b'\n');
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[test]
fn scores_that_overflow_are_reported() {
    let desk = desk!();
    desk.write("large.npy", npy([3e38, 3e38, 3e38, 0.0, 1.0, 1.0]));
    desk.write("q.npy", npy([-3e38, -3e38, 0.0, 0.0, 1.0, 1.0]));
    for metric in ["dot", "euclidean"] {
        let line = format!("search large.npy --query-vectors q.npy --metric {metric} --json");
        let run = desk.run(&line).ends(0, &["not finite, and null in JSON"]);
        let number = if metric == "dot" { "score" } else { "distance" };
        let answers = run.rows();
        let hits = answers.iter().flat_map(|answer| answer["hits"].as_array().unwrap());
        let nulls = hits.filter(|hit| hit[number].is_null()).count();
        assert!(nulls > 0 && run.stderr.contains(&format!("warning: {nulls} score")), "{}", run.stderr);
    }
    let fine = desk.run("search large.npy --query-vectors q.npy --json").ok();
    assert!(!fine.stderr.contains("not finite"), "{}", fine.stderr);
}

#[test]
fn the_reason_for_no_hits_is_the_one_that_counts() {
    let desk = desk_with_vectors();
    let only = "lang='de'";
    for (line, reason) in [
        (format!("--like brot --where {only}"), "no other row passes the filter"),
        (format!("--like mill --where {only} --min-score 2"), "no row reaches the score"),
        ("--like mill --min-score 2".to_owned(), "no row reaches the score"),
        ("--like mill --where lang='fr'".to_owned(), "no row passes the filter"),
    ] {
        let run = desk.run(&format!("search a.parquet {line}")).ends(0, &["1 query has no hits", reason]);
        assert!(run.stderr.contains(&format!("no hits: {reason}")), "{}", run.stderr);
    }
    desk.write("one.txt", "bread\n");
    desk.run("embed one.txt -m STS --device cpu -q -o one.npy").ok();
    desk.run("search one.npy --like 0").ends(0, &["1 query has no hits: this is the only text"]);
}

#[test]
fn damaged_shards_and_files_are_refused() {
    let desk = desk_with_vectors();
    let path = desk.path("job").join("part-00001.parquet");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    desk.run("search job --like mill").ends(65, &["part-00001.parquet", "SHA-256"]);
    let arrow = fs::read(desk.path("a.arrow")).unwrap();
    for cut in [0, 7, arrow.len() / 2, arrow.len() - 1] {
        desk.write("cut.arrow", &arrow[..cut]);
        desk.run("search cut.arrow --like mill").ends(65, &["cut.arrow"]);
    }
}

#[test]
fn an_empty_corpus_and_an_empty_query_are_reported() {
    let desk = desk_with_vectors();
    desk.write("empty.jsonl", "");
    desk.run("embed empty.jsonl -m STS --device cpu -q -o empty.parquet").ok();
    let none =
        desk.run("search empty.parquet -m STS --device cpu --json bread").ends(0, &["there are no rows"]);
    assert!(none.json()["hits"].as_array().unwrap().is_empty());
    let run = run_with_text(&desk, "search job -m STS --device cpu --json", &[" "])
        .ends(0, &["1 query has no tokens"]);
    assert_eq!(run.json()["hits"].as_array().unwrap().len(), 6);
    let long = "river ".repeat(5000);
    run_with_text(&desk, "search job -m STS --device cpu --json", &[&long])
        .ends(0, &["1 query was truncated to"]);
}
