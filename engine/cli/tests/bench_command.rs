//! `nearsay bench`: its output, its JSON and its errors.

use nearsay_tests::desk;
use serde_json::{Value, json};

const QUICK: &str = "bench --lengths 16 --seconds 0.05 --precision f32";

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[track_caller]
fn positive(value: &Value) -> f64 {
    let number = value.as_f64().unwrap_or(f64::NAN);
    assert!(number > 0.0, "{value}");
    number
}

#[test]
fn json_has_machine_peaks_throughput_and_latency() {
    let report = desk!().run(&format!("{QUICK} --shape minilm-l6 --json -q")).ok().json();
    let expected =
        "commit date gpus latency machine model nearsay peaks seconds_per_figure threads throughput";
    assert_eq!(keys(&report).join(" "), expected);
    assert_eq!(keys(&report["machine"]), ["cores", "cpu", "instruction_set", "os"]);
    assert_eq!(
        (&report["model"]["name"], &report["model"]["random_weights"]),
        (&json!("minilm-l6"), &json!(true))
    );
    let peaks = &report["peaks"];
    for key in ["f32_gflops", "bf16_gflops", "int8_gops", "memory_gb_per_second"] {
        positive(&peaks[key]);
    }
    assert!(positive(&peaks["bf16_gflops"]) >= positive(&peaks["f32_gflops"]));

    let rows = report["throughput"].as_array().expect("rows");
    let works: Vec<&Value> = rows.iter().map(|row| &row["work"]).collect();
    assert!(works[0].as_str().is_some_and(|work| work.ends_with(" x 16")), "{works:?}");
    assert_eq!(works[1..], ["natural mix"]);
    for row in rows {
        assert_eq!((&row["device"], &row["precision"]), (&json!("cpu"), &json!("f32")));
        let share = positive(&row["share_of_peak"]);
        assert!(share < 1.5, "{row}");
        assert!((positive(&row["gflops"]) / positive(&peaks["f32_gflops"]) - share).abs() < 1e-6);
        assert!(positive(&row["tokens_per_second_best"]) >= positive(&row["tokens_per_second"]));
    }
    let latency = report["latency"].as_array().expect("rows");
    assert_eq!(latency.iter().map(|row| &row["tokens"]).collect::<Vec<_>>(), [12, 128]);
    for row in latency {
        assert!(positive(&row["p99_ms"]) >= positive(&row["p50_ms"]), "{row}");
    }
}

#[test]
fn a_model_is_measured_to_a_layer_and_the_json_is_kept() {
    let desk = desk!();
    let run = desk.run(&format!("{QUICK} -m BERT --layer 2 --threads 1 -o out.json -q")).ok();
    for part in ["peak of 1 thread:", "| device", "natural mix", "12 tokens", "2 layers of 32"] {
        assert!(run.text().contains(part), "no {part} in\n{}", run.text());
    }
    let report: Value = serde_json::from_slice(&desk.read("out.json")).expect("JSON");
    assert_eq!((&report["model"]["layer"], &report["threads"]), (&json!(2), &json!(1)));
    // The model has 40 positions, so a text of 128 tokens is skipped.
    assert_eq!(report["latency"].as_array().map(Vec::len), Some(1));
    desk.run(&format!("{QUICK} -m BERT -o out.json")).ends(73, &["out.json"]);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    for (line, code, parts) in [
        ("bench --shape bert-huge", 2, &["bert-huge", "minilm-l6", "roberta-large"][..]),
        ("bench --shape bert-base -m BERT", 2, &["cannot be used with"]),
        ("bench --precision f64", 2, &["f64", "bf16"]),
        ("bench --seconds -1", 2, &["--seconds"]),
        ("bench --seconds x", 2, &["--seconds", "number"]),
        ("bench --lengths 16,513", 2, &["1 to 512", "got 513"]),
        ("bench -m BERT --lengths 41", 2, &["1 to 40", "got 41"]),
        ("bench --layer 7", 2, &["0 to 6", "got 7"]),
        ("bench -o missing/out.json", 73, &["missing/out.json"]),
        ("bench -m no/such", 78, &["no/such"]),
    ] {
        let desk = desk!();
        let run = desk.run(line).ends(code, parts);
        assert!(run.stdout.is_empty() && desk.names().is_empty(), "{line}: {}", run.text());
    }
}

#[test]
fn help_says_what_is_counted() {
    let run = desk!().run("bench --help").ok();
    for part in ["Examples:", "nearsay bench", "--shape", "roberta-large", "4 L h"] {
        assert!(run.text().contains(part), "no {part} in\n{}", run.text());
    }
}
