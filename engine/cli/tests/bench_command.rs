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
    let expected = "commit date features gpus latency load machine model nearsay peaks seconds_per_figure \
                    threads throughput";
    assert_eq!(keys(&report).join(" "), expected);
    assert_eq!(keys(&report["machine"]), ["cores", "cpu", "instruction_set", "memory_bytes", "os"]);
    assert_eq!(keys(&report["load"]), ["busy", "cpu_share", "disturbed", "spread"]);
    assert!(positive(&report["load"]["cpu_share"]) <= 1.1, "{}", report["load"]);
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
        // Above 1 if others slowed this machine while its peak was measured.
        assert!(share < 4.0, "{row}");
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
    assert!(run.stderr.is_empty(), "{}", run.stderr);
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
        ("bench --seconds -1", 2, &["--seconds", "a number of seconds, 0 or more"]),
        ("bench --seconds 1e300", 2, &["--seconds", "a number of seconds, 0 or more"]),
        ("bench -m=", 2, &["a value is required for '--model <NAME_OR_DIR>'"]),
        ("bench --seconds x", 2, &["--seconds", "number"]),
        ("bench --lengths 16,513", 2, &["1 to 512", "got 513"]),
        ("bench -m BERT --lengths 41", 2, &["1 to 40", "got 41"]),
        ("bench --layer 7", 2, &["0 to 6", "got 7"]),
        ("bench --layer 7 -o out.json", 2, &["0 to 6", "got 7"]),
        ("bench -m no/such -o out.json", 78, &["no/such"]),
        ("bench -m no/such -o missing/out.json", 73, &["missing/out.json"]),
        ("bench --overwrite", 2, &["--overwrite has no effect", "hint:", "-o"]),
        ("bench compare a.json", 2, &["<B>"]),
        ("bench --layer 3 compare a.json b.json", 2, &["--layer"]),
        ("bench compar a.json b.json", 2, &["compar"]),
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

#[test]
fn the_run_ends_with_a_line_about_it() {
    let desk = desk!();
    let run = desk.run(&format!("{QUICK} -m BERT -o out.json")).ok();
    assert!(run.stderr.contains(" -> out.json: 3 figures in "), "{}", run.stderr);
    let report: Value = serde_json::from_slice(&desk.read("out.json")).expect("JSON");
    let busy = report["load"]["busy"].as_bool().expect("a bool");
    assert_eq!(run.stderr.contains("warning: the machine was busy: "), busy, "{}", run.stderr);
    assert_eq!(run.stderr.contains("on a busy machine"), busy, "{}", run.stderr);
}

#[test]
fn a_machine_that_others_use_is_called_busy() {
    let cores = std::thread::available_parallelism().expect("cores").get();
    let done = std::sync::atomic::AtomicBool::new(false);
    let report = std::thread::scope(|scope| {
        for _ in 0..2 * cores {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let run = desk!().run("bench --lengths 32 --seconds 1 --precision f32 --json");
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        run.ends(0, &["warning: the machine was busy"]).json()
    });
    let load = &report["load"];
    assert_eq!(load["busy"], true, "{load}");
    assert!(positive(&load["cpu_share"]) < 0.7, "{load}");
}

#[test]
fn two_results_are_compared() {
    let desk = desk!();
    desk.run(&format!("{QUICK} -m BERT --threads 1 -o a.json -q")).ok();
    let mut b: Value = serde_json::from_slice(&desk.read("a.json")).expect("JSON");
    b["throughput"][0]["tokens_per_second"] = json!(2.0 * positive(&b["throughput"][0]["tokens_per_second"]));
    b["machine"]["cpu"] = json!("Another CPU");
    b["threads"] = json!(3);
    desk.write("b.json", b.to_string());
    let run = desk.run("bench compare a.json b.json").ok();
    for part in ["A  a.json: ", "B  b.json: ", "Another CPU", "| threads ", "| f32 ", "2.00", "natural mix"] {
        assert!(run.text().contains(part), "no {part} in\n{}", run.text());
    }
    let found = desk.run("bench compare a.json b.json --json -q").ok().json();
    assert_eq!((&found["throughput"][0]["ratio"], &found["same_work"]), (&json!(2.0), &json!(true)));
    let differences: Vec<&Value> =
        found["differences"].as_array().expect("rows").iter().map(|it| &it["what"]).collect();
    assert_eq!(differences, ["cpu", "threads"]);
    let other = desk.run(&format!("{QUICK} -m BERT --layer 2 -o c.json -q"));
    assert_eq!(other.code, Some(0));
    desk.run("bench compare a.json c.json").ends(0, &["not the same encoder"]);
    b["throughput"] = json!([]);
    b["latency"] = json!([]);
    desk.write("d.json", b.to_string());
    desk.run("bench compare a.json d.json").ends(1, &["no figure is in both"]);
}

#[test]
fn a_result_of_an_earlier_version_is_compared_too() {
    let folder = nearsay_tests::repository().join("benches/results");
    let published = std::fs::read_dir(folder).expect("results").flatten().map(|entry| entry.path());
    let published: Vec<_> =
        published.filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
    assert!(!published.is_empty());
    for path in published {
        let desk = desk!();
        desk.write("a.json", std::fs::read(&path).expect("a result"));
        let found = desk.run("bench compare a.json a.json --json").ok().json();
        assert_eq!(
            (&found["differences"], &found["only_in_a"]),
            (&json!([]), &json!([])),
            "{}",
            path.display()
        );
    }
}

#[test]
fn what_is_no_result_is_not_compared() {
    let desk = desk!();
    desk.run(&format!("{QUICK} -m BERT -o a.json -q")).ok();
    let whole = String::from_utf8(desk.read("a.json")).expect("UTF-8");
    let mut zero: Value = serde_json::from_str(&whole).expect("JSON");
    zero["throughput"][0]["tokens_per_second"] = json!(0.0);
    desk.write("empty.json", "")
        .write("object.json", "{}")
        .write("list.json", "[1]")
        .write("text.json", "a text");
    desk.write("half.json", &whole[..whole.len() / 2]).write("zero.json", zero.to_string());
    desk.write("twice.json", format!("{whole}{whole}")).write("bytes.json", b"\xff\xfe");
    std::fs::create_dir(desk.path("folder.json")).expect("a folder");
    for (name, code, part) in [
        ("empty", 65, "not a result of a benchmark"),
        ("object", 65, "missing field"),
        ("list", 65, "not a result of a benchmark"),
        ("text", 65, "not a result of a benchmark"),
        ("half", 65, "not a result of a benchmark"),
        ("twice", 65, "trailing characters"),
        ("bytes", 65, "UTF-8"),
        ("zero", 65, "tokens_per_second must be greater than 0"),
        ("folder", 65, "must be a regular file"),
        ("missing", 66, "cannot read missing.json"),
    ] {
        for line in
            [format!("bench compare a.json {name}.json"), format!("bench compare {name}.json a.json --json")]
        {
            let run = desk.run(&line).ends(code, &[part, &format!("{name}.json")]);
            assert!(run.stdout.is_empty(), "{line}: {}", run.text());
        }
    }
    desk.run("bench compare a.json /dev/zero").ends(65, &["/dev/zero", "must be a regular file"]);
}
