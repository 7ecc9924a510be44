//! scripts/render-results: the README's tables of `nearsay bench` results.

use std::process::{Command, Stdio};

use nearsay_tests::desk;
use nearsay_tests::repository;
use nearsay_tests::run::finish;

#[test]
fn results_are_rendered_into_the_readme() {
    let desk = desk!();
    let begin = "before\n<!-- results:begin -->\n";
    let end = "<!-- results:end -->\nafter\n";
    desk.write("README.md", format!("{begin}old\n{end}"));
    desk.run("bench -m BERT --lengths 16 --seconds 0 -o result.json -q").ok();
    let render = |arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.arg(repository().join("scripts/render-results")).args(arguments);
        command.args(["--readme", "README.md", "--results", "."]).current_dir(desk.path(""));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(&format!("render-results {arguments:?}"), command, None)
    };
    render(&["--check"]).ends(1, &["README.md", "out of date"]);
    render(&[]).ok();
    render(&["--check"]).ok();
    let readme = String::from_utf8(desk.read("README.md")).expect("UTF-8");
    assert!(readme.starts_with(begin) && readme.ends_with(end), "{readme}");
    assert!(!readme.contains("old") && readme.contains("| natural mix |"), "{readme}");
    desk.write("README.md", "no markers");
    render(&[]).ends(1, &["results:begin"]);
}

/// Output of scripts/gpu-check, reduced to the rendered fields.
const GPU_RESULT: &str = r#"{
  "date": "2026-11-26T04:00:00Z", "size": "quick", "package": {"commit": "0123456789ab"},
  "steps": {
    "machine": {"gpus": [{"name": "NVIDIA X", "driver_version": "580.1"}], "cpu": "Some CPU", "cores": 16, "libraries": {"torch": "2.11.0"}},
    "parity": {"cosines": [{"model": "minilm-l6", "precision": "f16", "smallest": 0.9999995}],
               "checks": [{"name": "a", "holds": true, "detail": ""}, {"name": "b", "holds": false, "detail": "c"}]},
    "headline": {"reports": [{
      "batch_tokens": null, "model": {"name": "bert-base", "layer": 12},
      "peaks": {"f16_gflops": 776000.0, "f32_gflops": 52000.0, "memory_gb_per_second": 4200.0},
      "throughput": [{"precision": "f16", "length": 128, "tokens_per_second": 2258122.7, "share_of_peak": 0.5078},
                     {"precision": "f16", "length": null, "tokens_per_second": 2143943.4, "share_of_peak": 0.4857}],
      "latency": [{"tokens": 12, "p50_ms": 0.739}]}]},
    "peers": {"outcome": "stopped", "reason": "no time was left",
              "runs": [{"who": "nearsay", "model": "bert-large", "unit": "pairs/s", "precision": "f16", "rate": 2000.0,
                        "seconds_process": 4.0, "seconds_of_one_pair": 3.0},
                       {"who": "nearsay", "model": "bert-large", "unit": "pairs/s", "precision": "f16", "rate": 4000.0,
                        "seconds_process": 4.0, "seconds_of_one_pair": 3.5},
                       {"who": "bert_score", "model": "bert-large", "unit": "pairs/s", "precision": "f32", "rate": 300.0}],
              "ratios": [{"model": "minilm-l6", "peer": "transformers", "nearsay": 4090894.0, "theirs": 1215365.0, "ratio": 3.37},
                         {"model": "bert-large", "peer": "bert_score", "nearsay": 3000.0, "theirs": 300.0, "ratio": 10.0}]},
    "kernels": {"report": {"tokens": 8192, "operations": [
      {"shape": "bert-base", "precision": "f16", "operation": "add_norm", "detail": "", "microseconds": 15.41, "floor_microseconds": 9.0,
       "share_of_floor": 0.584, "gb_per_second": 2444.0, "tflops": 0.0},
      {"shape": "bert-base", "precision": "f16", "error": "no"}]}}
  }
}"#;

#[test]
fn results_of_gpus_are_rendered_with_a_page_of_their_own() {
    let desk = desk!();
    desk.write("README.md", "<!-- results:begin -->\n<!-- results:end -->\n");
    std::fs::create_dir(desk.path("gpu")).expect("a folder");
    desk.write("gpu/x.json", GPU_RESULT);
    let render = |argument: &str| {
        let mut command = Command::new("python3");
        command.arg(repository().join("scripts/render-results")).args(argument.split_whitespace());
        command.args(["--readme", "README.md", "--results", "."]).current_dir(desk.path(""));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(argument, command, None)
    };
    render("").ok();
    render("--check").ok();
    let text = |name: &str| String::from_utf8(desk.read(name)).expect("UTF-8");
    let (readme, page) = (text("README.md"), text("gpu/README.md"));
    let rows = [
        "| bert-base to layer 12 | f16 | 2.26 M (51 %) | 2.14 M (49 %) | 0.74 |",
        "| minilm-l6 | transformers | 4,090,894 |",
        "| bert-large | bert_score | 2,667, f16 (2,000 to 4,000) | 300, f32 | 8.9 |",
        "Stopped early: peers stopped (no time was left).",
    ];
    for row in rows {
        assert!(readme.contains(row) && page.contains(row), "{row}\n{readme}\n{page}");
    }
    assert!(page.contains("1 of 2 checks hold") && page.contains("Failed: b: c"), "{page}");
    assert!(
        page.contains("| add_norm | 15.4 | 9.0 | 58 % | 2,444 | 0 |") && !readme.contains("add_norm"),
        "{page}"
    );
    desk.write("gpu/README.md", "old");
    render("--check").ends(1, &["gpu/README.md", "out of date"]);
}

/// Output of scripts/search-bench, reduced to the rendered fields.
const SEARCH_RESULT: &str = r#"{
  "date": "2026-11-29T04:00:00Z", "machine": {"cpu": "Some CPU", "instruction_set": "avx2"}, "top": 10, "threads": 2,
  "rows": {"name": "real-1000000", "is_random": false, "count": 1000000, "dimensions": 384, "seed": 1},
  "nearsay": {"recall": 1.0, "report": {
    "nearsay": "0.1.0", "commit": "0123456789ab", "load": {"busy": true},
    "peaks": {"memory_gb_per_second": 34.0, "f32_gflops": 232.0, "int8_gops": 900.0},
    "figures": [{"rows": "f32", "queries": 1, "milliseconds": 50.2, "share_of_bandwidth": 0.9, "share_of_peak": 0.07},
                {"rows": "f32", "queries": 1000, "milliseconds": 3500.4, "share_of_bandwidth": 0.01, "share_of_peak": 0.945},
                {"rows": "bytes", "queries": 1, "milliseconds": 9.876, "share_of_bandwidth": 0.5, "share_of_peak": 0.1}]}},
  "peers": [{"name": "faiss", "package": "faiss-cpu", "version": "1.15.1", "settings": "IndexFlatIP", "recall": 0.9999, "build_seconds": 0.51,
             "figures": [{"queries": 1, "milliseconds": 138.4}], "left_out": [1000]},
            {"name": "usearch", "error": "no"}]
}"#;

#[test]
fn results_of_searches_are_rendered() {
    let desk = desk!();
    desk.write("README.md", "<!-- results:begin -->\n<!-- results:end -->\n");
    std::fs::create_dir(desk.path("search")).expect("a folder");
    desk.write("search/x.json", SEARCH_RESULT);
    let render = |argument: &str| {
        let mut command = Command::new("python3");
        command.arg(repository().join("scripts/render-results")).args(argument.split_whitespace());
        command.args(["--readme", "README.md", "--results", "."]).current_dir(desk.path(""));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(argument, command, None)
    };
    render("--check").ends(1, &["README.md", "out of date"]);
    render("").ok();
    render("--check").ok();
    let readme = String::from_utf8(desk.read("README.md")).expect("UTF-8");
    for part in [
        "the best 10 of 1,000,000 x 384 rows of real texts",
        "The machine was busy with other work.",
        "| milliseconds for | recall | build, s | 1 query | 1,000 queries |",
        "| nearsay, f32 | 1.0000 |  | 50.2 (90 % of memory) | 3,500 (94 % of peak) |",
        "| nearsay, bytes, then f32 | 1.0000 |  | 9.88 (50 % of memory) |  |",
        "| faiss-cpu 1.15.1, IndexFlatIP | 0.9999 | 0.5 | 138 |  |",
        "Not measured, since they failed: usearch.",
    ] {
        assert!(readme.contains(part), "{part}\n{readme}");
    }
}
