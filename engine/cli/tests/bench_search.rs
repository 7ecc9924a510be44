//! `nearsay bench search`: its output, its JSON and its errors.

use nearsay_tests::desk;
use serde_json::{Value, json};

const QUICK: &str = "bench search --rows 3000 --dimensions 64 --seconds 0 -k 5 --queries 1,9";

#[test]
fn json_has_machine_peaks_and_a_figure_per_type_and_number_of_queries() {
    let desk = desk!();
    let report = desk.run(&format!("{QUICK} --threads 1 --seed 3 --json -q -o out.json")).ok().json();
    let kept: Value = serde_json::from_slice(&desk.read("out.json")).expect("JSON");
    assert_eq!(report, kept);
    let vectors = json!({"name": "random", "seed": 3, "rows": 3000, "dimensions": 64});
    assert_eq!((&report["vectors"], &report["top"], &report["threads"]), (&vectors, &json!(5), &json!(1)));
    assert!(report["load"]["busy"].is_boolean() && report["peaks"]["memory_gb_per_second"].is_number());
    let figures = report["figures"].as_array().expect("figures");
    let kinds: Vec<(&str, u64)> = figures
        .iter()
        .map(|figure| {
            (figure["rows"].as_str().expect("a type"), figure["queries"].as_u64().expect("a number"))
        })
        .collect();
    let types = ["f32", "f16", "bf16", "bytes"];
    assert_eq!(kinds, types.iter().flat_map(|name| [(*name, 1), (*name, 9)]).collect::<Vec<_>>());
    for figure in figures {
        for key in ["milliseconds", "gb_per_second", "share_of_bandwidth", "gflops", "share_of_peak"] {
            assert!(figure[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {figure}");
        }
        let candidates = figure["candidates"].as_f64();
        assert_eq!(candidates.is_some_and(|count| count >= 5.0), figure["rows"] == "bytes", "{figure}");
    }
    desk.run(&format!("{QUICK} -o out.json")).ends(73, &["out.json", "--overwrite"]);
}

#[test]
fn people_get_a_table_and_rows_may_come_from_files() {
    let desk = desk!();
    desk.write("in.txt", (0..40).map(|number| format!("the river {number}\n")).collect::<String>());
    desk.write("q.txt", "mill\ngarden\n");
    desk.run("embed in.txt -m STS --device cpu -q -o in.npy").ok();
    desk.run("embed q.txt -m STS --device cpu -q -o q.npy").ok();
    let line = "bench search --corpus in.npy --query-vectors q.npy --queries 2 --types f32,bytes --seconds 0";
    let run = desk.run(line).ok();
    for part in ["40 rows of", "(in.npy), top 10", "| rows", "| f32", "| bytes", "of bandwidth"] {
        assert!(run.text().contains(part), "{part}\n{}", run.text());
    }
    assert!(!run.text().contains("| f16"), "{}", run.text());
    assert!(run.stderr.contains("search: 2 figures in "), "{}", run.stderr);
    desk.run(&line.replace("--queries 2", "--queries 3"))
        .ends(2, &["--queries must be 1 to 2, the number of queries in the file, got 3"]);
    desk.write("empty.txt", "");
    desk.run("embed empty.txt -m STS --device cpu -q -o empty.npy").ok();
    desk.run(&line.replace("in.npy", "empty.npy")).ends(65, &["empty.npy: has no rows to search"]);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let desk = desk!();
    for (line, code, parts) in [
        ("--rows 0", 2, &["--rows must be 1 to 4294967294, got 0"][..]),
        ("--dimensions 0", 2, &["--dimensions must be 1 or more, got 0"]),
        ("--rows 9 -k 0", 2, &["-k must be 1 to 10000 hits per query, got 0"]),
        ("--rows 9 --queries 0", 2, &["--queries must be 1 or more, got 0"]),
        (
            "--rows 9 --dimensions 70000",
            2,
            &["--types bytes", "at most 65536 dimensions, got 70000", "--dimensions"],
        ),
        (
            "--rows 4294967294 --dimensions 9000000000 --types f32",
            75,
            &["not enough memory for 4294967294 rows"],
        ),
        ("--types f64", 2, &["f64", "bf16"]),
        ("--corpus a.npy", 2, &["--query-vectors"]),
        ("--rows 9 --corpus a.npy --query-vectors b.npy", 2, &["--rows has no effect with --corpus"]),
        ("--corpus a.npy --query-vectors b.npy", 66, &["a.npy"]),
    ] {
        desk.run(&format!("bench search {line}")).ends(code, parts);
    }
}
