//! The command line as a contract: exit codes, where output goes, JSON keys, formats and options of `embed`
//! and `score`.

use std::time::Duration;

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, finish};
use serde_json::{Value, json};

const TEXTS: &str = "a river\nthe cat\nover and over\n";

fn desk() -> Desk {
    let desk = desk!();
    desk.write("in.txt", TEXTS).write("other.txt", "the river\na cat\nover\n");
    desk
}

#[test]
fn help_and_version_go_to_stdout_with_code_0() {
    for (line, parts) in [
        ("--help", &["embed", "score", "models", "doctor", "Exit codes"][..]),
        ("embed --help", &["Examples:", "nearsay embed", "--pooling"]),
        ("score --help", &["Examples:", "nearsay score", "--rescale-with-baseline"]),
        ("models --help", &["Examples:", "inspect"]),
        ("models inspect --help", &["--verify"]),
        ("doctor --help", &["Examples:", "nearsay doctor"]),
    ] {
        let run = desk!().run(line).ok();
        assert!(run.stderr.is_empty(), "{line}: {}", run.stderr);
        parts.iter().for_each(|part| assert!(run.text().contains(part), "{line} lacks {part}"));
    }
    let version = format!("nearsay {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(desk!().run("--version").ok().text(), version);
}

#[test]
fn every_failure_has_its_exit_code_and_says_nothing_on_stdout() {
    for (line, code, parts) in [
        ("", 2, &["Usage", "embed"][..]),
        ("embed --nope", 2, &["--nope"]),
        ("unknown", 2, &["unknown"]),
        ("embed in.txt", 2, &["--model"]),
        ("score -c in.txt -m BERT", 2, &["--references"]),
        ("embed in.txt -m BERT -q -v", 2, &["cannot be used with"]),
        ("embed in.txt -m BERT --json", 2, &["--json", "standard output", "hint:", "-o"]),
        ("embed in.txt -m BERT -o out.foo", 2, &["out.foo", ".npy"]),
        ("embed in.txt -m BERT --pooling middle", 2, &["middle", "mean"]),
        ("embed in.txt -m BERT --threads 0", 2, &["--threads"]),
        ("embed in.txt -m BERT --batch-tokens 0", 2, &["--batch-tokens"]),
        ("embed in.txt -m BERT --dimensions 0", 2, &["can have 1 to 32 dimensions, not 0"]),
        ("embed in.txt -m BERT --dimensions 33", 2, &["can have 1 to 32 dimensions, not 33"]),
        ("embed in.txt -m BERT --max-length 41", 2, &["--max-length must be at most 40", "got 41"]),
        ("embed in.txt -m BERT --max-length 2", 2, &["special tokens", "got 2", "hint:"]),
        ("embed in.txt -m BERT --layer 4", 2, &["--layer must be 0 to 3", "got 4"]),
        ("embed in.txt -m STS --prompt-name nope", 2, &["nope", "hint:", "query", "passage"]),
        (
            "embed in.txt -m BERT --prompt-name nope",
            2,
            &["no prompt named `nope`", "hint:", "document, query"],
        ),
        ("embed in.txt -m BERT --level token -o out.npy", 2, &["npy", "hint:", ".safetensors"]),
        ("embed - - -m BERT", 2, &["standard input", "twice"]),
        ("score -c - -r - -m BERT -l 1", 2, &["standard input", "twice"]),
        ("score -c in.txt -r other.txt -m BERT", 2, &["no layer", "hint:", "--layer"]),
        ("score -c in.txt -r other.txt --lang qq", 2, &["\"qq\"", "hint:", "--model"]),
        ("score -c one.txt -r single.txt -m BERT -l 1 --idf", 2, &["at least 2", "hint:"]),
        ("score -c one.txt -r one.txt -m BERT -l 1", 2, &["are the same texts", "one.txt"]),
        (
            "score -c in.txt -r other.txt -m BERT -l 1 --rescale_with_baseline",
            2,
            &["language", "--baseline-path"],
        ),
        (
            "score -c in.txt -r other.txt -m BERT -l 1 --lang en --rescale-with-baseline",
            2,
            &["no published baseline"],
        ),
        ("score -c in.txt -r one.txt -m BERT -l 1", 65, &["in.txt", "one.txt", "1", "3"]),
        (
            "score -c in.txt -r other.txt -m BERT -l 1 --baseline-path /dev/zero",
            65,
            &["/dev/zero", "must be a regular file"],
        ),
        ("embed missing.txt -m BERT", 66, &["cannot read missing.txt"]),
        ("score -c in.txt -r missing.txt -m BERT -l 1", 66, &["cannot read missing.txt"]),
        ("embed in.txt -m BERT --device cuda", 69, &["cuda", "hint:", "--device cpu"]),
        ("embed in.txt -m BERT -o missing/out.npy", 73, &["cannot create missing/out.npy"]),
        ("--offline embed in.txt -m no/such", 78, &["no/such", "hint:", "--offline"]),
        ("embed in.txt -m no/such --offline", 78, &["no/such", "hint:", "--offline"]),
        ("score -c in.txt -r other.txt -m no/such -l 1", 78, &["no/such", "hint:"]),
        ("models inspect no/such", 78, &["no/such", "hint:"]),
    ] {
        let desk = desk();
        desk.write("one.txt", "a\n").write("single.txt", "b\n");
        let run = desk.run(line).ends(code, parts);
        assert!(run.stdout.is_empty(), "{line}: {}", run.text());
        assert!(run.stderr.matches("No such file").count() <= 1, "{line}: {}", run.stderr);
        assert_eq!(desk.names(), ["in.txt", "one.txt", "other.txt", "single.txt"], "{line}");
    }
}

#[test]
fn an_empty_name_is_told_with_the_argument_that_lacks_it() {
    let desk = desk();
    let cases = [
        ("embed in.txt -m BERT -o", "'--output <OUTPUT>'"),
        ("embed -m BERT", "'[INPUT]...'"),
        ("score -r in.txt -m BERT -l 1 -c", "'--candidates <[NAME=]FILE>...'"),
    ];
    for (line, argument) in cases {
        let mut command = desk.command(line);
        command.arg("");
        finish(line, command, None).ends(2, &[argument, "the name of a file is missing"]);
    }
}

#[test]
fn quiet_says_nothing_and_json_is_one_object_with_its_keys() {
    let desk = desk();
    let run = desk.run("embed in.txt -m BERT -o out.npy --max-length 4 -q --json").ok();
    assert!(run.stderr.is_empty(), "{}", run.stderr);
    let summary = run.json();
    for key in ["seconds_total", "seconds_load", "seconds_tokenize", "seconds_encode", "tokens_per_second"] {
        assert!(summary[key].as_f64().is_some_and(|value| value >= 0.0), "{key}: {summary}");
    }
    assert_eq!(summary["texts"], 3);
    assert!(summary["tokens"].as_u64().is_some_and(|tokens| tokens > 3 && tokens <= 12), "{summary}");
    assert!(summary["truncated"].as_u64().is_some_and(|truncated| truncated >= 1), "{summary}");
    assert_eq!((&summary["max_length"], &summary["dimensions"]), (&json!(4), &json!(32)));
    assert_eq!((&summary["device"], &summary["precision"]), (&json!("cpu"), &json!("f32")));
}

#[test]
fn score_prints_what_bert_score_prints_and_json_says_the_same() {
    let desk = desk();
    let line = "score -c in.txt -r other.txt -m BERT -l 2";
    let lines = desk.run(&format!("{line} -s -q")).ok();
    let json = desk.run(&format!("{line} --json")).ok().json();
    let signature = json["signature"].as_str().expect("a signature");
    assert!(signature.contains("_L2_no-idf_version="), "{signature}");
    let numbers = &json["metrics"]["bertscore"];
    let six = |value: &Value| format!("{:.6}", value.as_f64().expect("a number"));
    let [p, r, f] = ["precision", "recall", "f1"].map(|key| six(&numbers[key]));
    let mut expected = vec![format!("{signature} P: {p} R: {r} F1: {f}")];
    for row in numbers["segments"].as_array().expect("segments") {
        expected.push(["precision", "recall", "f1"].map(|key| six(&row[key])).join("\t"));
    }
    assert_eq!(expected.len(), 4);
    assert_eq!(lines.text().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_best_of_several_references_counts() {
    let desk = desk();
    let score = |references: &str| {
        let line = format!("score -c in.txt {references} -m BERT -l 2 --json --idf");
        desk.run(&line).ok().json()["metrics"]["bertscore"]["f1"].as_f64().expect("a number")
    };
    desk.write("copy.txt", TEXTS);
    assert!((score("-r other.txt -r copy.txt") - 1.0).abs() < 1e-5);
    assert!(score("-r other.txt") < 0.9999);
}

#[test]
fn every_input_format_gives_the_same_vectors() {
    let desk = desk();
    desk.write("in.jsonl", "{\"text\":\"a river\"}\n{\"text\":\"the cat\"}\n\"over and over\"\n");
    desk.write("in.csv", "n,text\n1,a river\n2,the cat\n3,over and over\n");
    desk.write("in.tsv", "body\tn\na river\t1\nthe cat\t2\nover and over\t3\n");
    let expected = desk.run("embed in.txt -m BERT").ok().stdout;
    for line in ["in.jsonl", "in.csv", "in.tsv --text-field body"] {
        assert_eq!(desk.run(&format!("embed {line} -m BERT")).ok().stdout, expected, "{line}");
    }
    let stdin = desk.run_with("embed - -m BERT", TEXTS).ends(0, &["reading standard input as txt"]);
    assert_eq!(stdin.stdout, expected);
    let both = desk.run("embed in.txt other.txt -m BERT").ok();
    assert_eq!(both.ids(), [0, 1, 2, 3, 4, 5].map(Value::from));
    assert!(both.stdout.starts_with(&expected));
}

#[test]
fn every_output_format_has_the_same_bits() {
    let desk = desk();
    let vectors = desk.run("embed in.txt -m STS").ok().vectors().concat();
    let bytes: Vec<u8> = vectors.iter().flat_map(|value| value.to_le_bytes()).collect();
    for output in ["out.npy", "out.safetensors", "out.jsonl"] {
        assert!(desk.run(&format!("embed in.txt -m STS -o {output}")).ok().stdout.is_empty());
    }
    assert!(desk.read("out.npy").ends_with(&bytes));
    let file = desk.read("out.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&file).expect("a valid file");
    assert!(tensors.tensors().iter().any(|(_, tensor)| tensor.data() == bytes));
    assert_eq!(desk.read("out.jsonl"), desk.run("embed in.txt -m STS").ok().stdout);
}

#[test]
fn options_change_what_they_say() {
    let desk = desk();
    let vectors = |options: &str| desk.run(&format!("embed in.txt {options}")).ok().vectors();
    let norm = |vector: &Vec<f32>| vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    let plain = vectors("-m BERT");
    assert_eq!(vectors("-m BERT --pooling mean"), plain);
    for pooling in ["cls", "max", "last", "weighted-mean", "mean-sqrt-length"] {
        assert_ne!(vectors(&format!("-m BERT --pooling {pooling}")), plain, "{pooling}");
    }
    assert!(vectors("-m BERT --normalize").iter().all(|vector| (norm(vector) - 1.0).abs() < 1e-5));
    assert!(vectors("-m STS").iter().all(|vector| (norm(vector) - 1.0).abs() < 1e-5));
    assert!(vectors("-m STS --no-normalize").iter().all(|vector| (norm(vector) - 1.0).abs() > 1e-3));
    for (short, whole) in vectors("-m BERT --dimensions 5").iter().zip(&plain) {
        assert_eq!(short[..], whole[..5]);
    }
    for (short, whole) in vectors("-m STS --dimensions 5").iter().zip(vectors("-m STS")) {
        assert_eq!(short[..], whole[..5]);
    }
    let unit = vectors("-m STS --dimensions 5 --normalize");
    assert!(unit.iter().all(|vector| (norm(vector) - 1.0).abs() < 1e-5));
    assert_ne!(vectors("-m STS --prompt-name query"), vectors("-m STS"));
    // A model without named prompts has empty ones.
    assert_eq!(vectors("-m BERT --prompt-name query"), vectors("-m BERT"));
    assert_ne!(vectors("-m BERT --layer 1"), plain);
    assert_eq!(vectors("-m BERT --layer 3 --threads 1 --batch-tokens 3"), plain);
    let tokens = desk.run("embed in.txt -m BERT --level token --max-length 4").ok();
    assert!(tokens.token_ids().iter().all(|ids| ids.len() <= 4));
}

#[test]
fn models_are_listed_and_looked_into() {
    let desk = desk!();
    for line in ["models", "models list"] {
        let run = desk.run(line).ok();
        ["bert", "roberta", "distilbert"]
            .iter()
            .for_each(|name| assert!(run.text().contains(name), "{name}"));
    }
    assert!(desk.run("models inspect BERT").ok().text().contains("hidden dim"));
    let facts = desk.run("models inspect BERT --json --verify").ok().json();
    assert_eq!((&facts["family"], &facts["hidden_dim"]), (&json!("bert"), &json!(32)));
    assert_eq!((&facts["num_layers"], &facts["layers_loaded"]), (&json!(3), &json!(3)));
    assert_eq!(facts["activation"], "gelu");
}

#[test]
fn a_terminal_gets_the_result_and_colors_and_no_word_about_our_log() {
    let desk = desk();
    assert!(desk.run_on_terminal("models").ok().text().starts_with("bert "));
    let scores = desk.run_on_terminal("score -c in.txt -r other.txt -m BERT -l 2").ok();
    assert!(scores.text().contains("_L2_no-idf_") && !scores.text().contains("tracing"), "{}", scores.text());
    let failed = desk.run_on_terminal("embed missing.txt -m BERT").ends(66, &[]);
    assert!(failed.text().starts_with("\u{1b}[1m\u{1b}[31merror:\u{1b}[0m cannot read"), "{}", failed.text());
}

#[test]
fn doctor_ends_soon_where_the_hub_does_not_answer() {
    let mut command = desk!().command("doctor");
    command.current_dir("/").env_remove("HF_HUB_OFFLINE").env("HF_ENDPOINT", "http://127.0.0.1:9");
    let run = finish("doctor", command, None).ok();
    assert!(run.text().contains("http://127.0.0.1:9 does not answer"), "{}", run.text());
    assert!(run.time < Duration::from_secs(5), "{:?}", run.time);
    let found = desk!().run("doctor --json").ok().json();
    assert_eq!(found["hub"], "not asked: offline");
    assert!(found["cores"].as_u64().is_some_and(|cores| cores > 0));
}

#[test]
fn a_score_that_is_not_a_number_is_null_and_told() {
    let desk = desk!();
    // Every token of these references is in all of them: idf weighs them 0.
    desk.write("c.txt", "a river\na river\n").write("r.txt", "a river\na river\n");
    let run = desk
        .run("score -c c.txt -r r.txt -m BERT -l 1 --idf --json")
        .ends(0, &["not a number", "pairs 1, 2"]);
    let numbers = run.json()["metrics"]["bertscore"].clone();
    for scores in [&numbers, &numbers["segments"][0]] {
        assert_eq!((&scores["precision"], &scores["recall"]), (&Value::Null, &Value::Null));
        // bert_score returns 0 for an F1 that is NaN; so do we.
        assert_eq!(scores["f1"], 0.0);
    }
}

#[test]
fn the_command_can_be_called_again_in_one_process() {
    let call = || nearsay_cli::main(["nearsay", "models", "list", "-q", "--json"].map(Into::into));
    for _ in 0..3 {
        assert_eq!(call(), 0);
    }
}
