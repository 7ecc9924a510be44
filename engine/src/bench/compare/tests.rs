use serde_json::{Value, json};

use super::*;

fn report(change: impl FnOnce(&mut Value)) -> Report {
    let throughput = |precision: &str, length: Value, speed: f64| {
        json!({"device": "cpu", "precision": precision, "work": format!("32 x {length}"), "texts": 32, "length": length,
               "tokens": 4096, "rounds": 7, "tokens_per_second": speed, "tokens_per_second_best": speed, "gflops": 1.0,
               "share_of_peak": 0.5})
    };
    let latency =
        json!({"device": "cpu", "precision": "f32", "tokens": 12, "runs": 9, "p50_ms": 2.0, "p99_ms": 3.0});
    let mut value = json!({
        "nearsay": "0.1.0", "commit": null, "date": "2026-11-25T00:00:00Z",
        "machine": {"cpu": "A CPU", "cores": 2, "instruction_set": "avx2", "os": "linux x86_64"}, "gpus": [],
        "model": {"name": "minilm-l6", "random_weights": true, "layer": 6, "hidden_dim": 384, "num_heads": 12,
                  "intermediate_dim": 1536, "parameters": 10},
        "threads": 2, "seconds_per_figure": 2.0,
        "peaks": {"f32_gflops": 1.0, "f16_gflops": null, "bf16_gflops": 1.0, "bf16_instruction_gflops": null,
                  "int8_gops": 1.0, "memory_gb_per_second": 1.0},
        "throughput": [throughput("f32", json!(128), 1000.0), throughput("f32", Value::Null, 800.0),
                       throughput("int8", json!(128), 4000.0)],
        "latency": [latency],
    });
    change(&mut value);
    serde_json::from_value(value).expect("a report, of an earlier version too")
}

#[test]
fn a_report_equals_itself() {
    let report = report(|_| ());
    let comparison = Comparison::of(&report, &report);
    assert!(comparison.differences.is_empty() && comparison.same_work, "{comparison:?}");
    assert!(comparison.throughput.iter().all(|row| row.ratio == 1.0));
    assert_eq!((comparison.throughput.len(), comparison.latency.len(), comparison.busy), (3, 1, None));
}

#[test]
fn above_one_b_is_faster_in_both() {
    let faster = report(|value| {
        value["throughput"][0]["tokens_per_second"] = json!(1500.0);
        value["latency"][0]["p50_ms"] = json!(1.0);
    });
    let comparison = Comparison::of(&report(|_| ()), &faster);
    assert_eq!((comparison.throughput[0].ratio, comparison.latency[0].ratio), (1.5, 2.0));
}

#[test]
fn figures_of_one_report_alone_are_named() {
    let other = report(|value| {
        value["throughput"][2]["precision"] = json!("bf16");
        // More texts per pass are the same work.
        value["throughput"][0]["work"] = json!("1536 x 128");
        value["latency"][0]["tokens"] = json!(128);
    });
    let comparison = Comparison::of(&report(|_| ()), &other);
    assert_eq!(comparison.throughput.len(), 2);
    assert_eq!(comparison.only_in_a, ["int8 32 x 128", "f32 one text of 12 tokens"]);
    assert_eq!(comparison.only_in_b, ["bf16 32 x 128", "f32 one text of 128 tokens"]);
    let empty = Comparison::of(
        &report(|value| value["throughput"] = json!([])),
        &report(|value| value["latency"] = json!([])),
    );
    assert!(empty.is_empty());
}

#[test]
fn a_figure_that_was_measured_twice_matches_once() {
    let twice = report(|value| {
        let first = value["throughput"][0].clone();
        value["throughput"].as_array_mut().expect("rows").push(first);
    });
    let comparison = Comparison::of(&twice, &report(|_| ()));
    assert_eq!(
        (comparison.throughput.len(), comparison.only_in_a.as_slice()),
        (3, ["f32 32 x 128".to_owned()].as_slice())
    );
}

#[test]
fn differences_of_machine_program_work_and_settings_are_marked() {
    let other = report(|value| {
        value["commit"] = json!("0123456789ab");
        value["machine"]["memory_bytes"] = json!(24u64 << 30);
        value["threads"] = json!(8);
        value["load"] = json!({"cpu_share": 0.5, "spread": 0.1, "disturbed": 1, "busy": true});
    });
    let a = report(|value| {
        value["load"] = json!({"cpu_share": 1.0, "spread": 0.0, "disturbed": 0, "busy": false})
    });
    let comparison = Comparison::of(&a, &other);
    let found: Vec<_> =
        comparison.differences.iter().map(|it| (it.what, it.a.as_str(), it.b.as_str())).collect();
    assert_eq!(
        found,
        [("commit", "unknown", "0123456789ab"), ("memory", "unknown", "24 GiB"), ("threads", "2", "8")]
    );
    assert!(comparison.same_work);
    assert_eq!(comparison.busy, Some(true));
    let silent = report(|value| value["load"] = json!(null));
    for (a, b, busy) in [
        (&other, &silent, Some(true)),
        (&silent, &other, Some(true)),
        (&a, &silent, None),
        (&silent, &silent, None),
        (&a, &a, Some(false)),
    ] {
        assert_eq!(Comparison::of(a, b).busy, busy);
    }
    let work = Comparison::of(&a, &report(|value| value["model"]["layer"] = json!(5)));
    assert!(!work.same_work);
    assert_eq!(serde_json::to_value(&work.differences[0]).expect("JSON")["about"], "work");
}
