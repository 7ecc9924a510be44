//! `nearsay score --row-weights`.

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run};
use serde_json::{Value, json};

const ROWS: usize = 30;

/// Weights with zeros, fractions and large numbers.
fn weight(row: usize) -> f64 {
    [1.0, 0.0, 0.25, 1000.0, 3.3][row % 5] + row as f64 / 7.0 * f64::from(u8::from(row % 5 > 1))
}

fn lines(step: usize) -> Vec<String> {
    let words = ["river", "night", "bread", "stone", "light", "judge", "cloud"];
    (0..ROWS)
        .map(|row| format!("the {} and the {}", words[row % 7], words[(row * step + row / 7) % 7]))
        .collect()
}

/// Two systems and their references, as lines and as JSON with the fields `w` and `doc`.
fn desk() -> Desk {
    let desk = desk!();
    for (name, step) in [("a", 3), ("b", 5), ("r", 2)] {
        desk.write(format!("{name}.txt"), lines(step).join("\n") + "\n");
        let row = |(row, text): (usize, &String)| {
            json!({"text": text, "w": weight(row), "doc": row / 3, "n": -1}).to_string() + "\n"
        };
        desk.write(format!("{name}.jsonl"), lines(step).iter().enumerate().map(row).collect::<String>());
    }
    let weights = || (0..ROWS).map(weight);
    desk.write("w.txt", weights().map(|weight| format!("{weight}\n")).collect::<String>());
    let row = |(row, weight): (usize, f64)| format!("{row},{weight}\n");
    desk.write("w.csv", "row,share\n".to_owned() + &weights().enumerate().map(row).collect::<String>());
    desk
}

const BERT: &str = "-m BERT -l 2";
const MEANS: &str = "--metric bertscore,cosine,rougeL,em,token_f1";

fn json(run: Run) -> Value {
    run.ok().json()
}

fn refused(run: Run, code: i32, parts: &[&str]) {
    let run = run.ends(code, parts);
    assert!(run.stdout.is_empty(), "{:?}", run.stdout);
}

/// Σ w x / Σ w of the segments' numbers.
fn plain_mean(segments: &Value, figure: Option<&str>) -> f64 {
    let segments = segments.as_array().expect("segments");
    assert_eq!(segments.len(), ROWS);
    let value = |segment: &Value| figure.map_or(segment, |name| &segment[name]).as_f64().expect("a number");
    let sum: f64 = segments.iter().enumerate().map(|(row, segment)| weight(row) * value(segment)).sum();
    sum / (0..ROWS).map(weight).sum::<f64>()
}

#[test]
fn scores_are_the_weighted_means_of_the_rows() {
    let desk = desk();
    let value =
        json(desk.run(&format!("score -c a.jsonl -r r.jsonl {BERT} {MEANS} --row-weights w --json -s")));
    for (metric, figures) in [
        ("bertscore", &["precision", "recall", "f1"][..]),
        ("rougeL", &["precision", "recall", "f1"]),
        ("cosine", &["score"]),
        ("em", &["score"]),
        ("token_f1", &["score"]),
    ] {
        let found = &value["systems"][0]["metrics"][metric];
        for figure in figures {
            let name = (*figure != "score").then_some(*figure);
            let expected = plain_mean(&found["segments"], name);
            let score = found[figure].as_f64().unwrap();
            assert!((score - expected).abs() < 1e-12, "{metric}.{figure}: {score} {expected}");
            assert_eq!(value["metrics"][metric][figure], found[figure], "{metric}.{figure}");
        }
        let signature = found["signature"].as_str().unwrap();
        assert!(signature.contains("row_weights=field:w)") || signature.contains("|row_weights:field:w|"));
        let interval = found["interval"].as_array().unwrap();
        let score = found[figures[figures.len() - 1]].as_f64().unwrap();
        assert!(interval[0].as_f64().unwrap() <= score && score <= interval[1].as_f64().unwrap(), "{found}");
    }
    assert_eq!(value["row_weights"]["name"], "field:w");
    let plain = json(desk.run(&format!("score -c a.jsonl -r r.jsonl {BERT} {MEANS} --json -s")));
    assert!(plain.get("row_weights").is_none() && plain["fingerprint"] != value["fingerprint"]);
    let segments = |value: &Value| value["systems"][0]["metrics"]["bertscore"]["segments"].clone();
    assert_eq!(segments(&plain), segments(&value));
}

#[test]
fn a_field_a_file_and_a_column_are_the_same_and_threads_do_not_matter() {
    let desk = desk();
    let line = |weights: &str| {
        let run = desk.run(&format!(
            "score -c a.jsonl b.jsonl -r r.jsonl {BERT} {MEANS} --json --row-weights {weights}"
        ));
        let value = json(run);
        let metrics = |system: usize| value["systems"][system]["metrics"].clone();
        let scores = |system: usize| {
            let figures = |(key, found): (&String, &Value)| {
                let mut found = found.clone();
                found.as_object_mut().unwrap().remove("signature");
                (key.clone(), found)
            };
            metrics(system).as_object().unwrap().iter().map(figures).collect::<Vec<_>>()
        };
        (scores(0), scores(1), value["row_weights"].clone())
    };
    let of_field = line("w");
    for weights in ["w.txt", "./w.txt", "w.csv:share", ":w", "w --threads 1"] {
        let other = line(weights);
        assert_eq!((&other.0, &other.1), (&of_field.0, &of_field.1), "{weights}");
    }
    let digest = line("w.txt").2;
    assert_eq!(digest["name"].as_str().unwrap(), &digest["sha256"].as_str().unwrap()[..12]);
    // The line of bert_score and every layer.
    let text =
        desk.run(&format!("score -c a.txt -r r.txt {BERT} --row-weights w.txt")).ok().text().to_owned();
    assert!(text.contains(&format!(",row_weights={})", digest["name"].as_str().unwrap())), "{text}");
    let layers = "score -c a.txt -r r.txt -m BERT --all-layers --row-weights w.txt";
    let all = desk.run(layers).ok().text().to_owned();
    assert_eq!(all.lines().nth(2).unwrap(), text.trim_end());
}

#[test]
fn rows_of_weight_zero_do_not_count_and_equal_weights_change_nothing() {
    let desk = desk();
    let (mut weights, mut left) = (String::new(), [String::new(), String::new()]);
    for row in 0..ROWS {
        weights += if row % 3 == 0 { "0\n" } else { "2\n" };
        for (text, step) in left.iter_mut().zip([3, 2]).filter(|_| row % 3 != 0) {
            *text += &(lines(step)[row].clone() + "\n");
        }
    }
    desk.write("zeros.txt", weights).write("twos.txt", "2\n".repeat(ROWS));
    desk.write("a-left.txt", &left[0]).write("r-left.txt", &left[1]);
    let scores = |line: &str| {
        let text = desk.run(&format!("score {line} {BERT}")).ok().text().to_owned();
        text.split_once(" P: ").unwrap().1.to_owned()
    };
    assert_eq!(scores("-c a.txt -r r.txt --row-weights zeros.txt"), scores("-c a-left.txt -r r-left.txt"));
    let of = |more: &str| {
        let value = json(desk.run(&format!("score -c a.txt -r r.txt --metric rougeL,em --json {more}")));
        let figure = |metric: &str, name: &str| value["metrics"][metric][name].clone();
        [
            figure("rougeL", "f1"),
            figure("rougeL", "interval"),
            figure("em", "score"),
            figure("em", "interval"),
        ]
    };
    assert_eq!(of("--row-weights twos.txt"), of(""));
}

#[test]
fn a_run_has_its_weights_and_comparisons_use_them() {
    let desk = desk();
    let line =
        "score -c a.jsonl -r r.jsonl --metric rougeL,em --group-field doc --row-weights w -o run --json";
    let first = json(desk.run(line));
    let run: Value = serde_json::from_slice(&desk.read("run/run.json")).unwrap();
    assert_eq!(run["pairing"]["row_weights"], first["row_weights"]);
    let command: Vec<&str> =
        run["command"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert!(command.join(" ").contains("--row-weights w"), "{command:?}");
    // An added system has the weights of the run.
    let both = json(desk.run("score -c b.jsonl -o run --add --json"));
    let direct = json(desk.run(
        "score -c a.jsonl b.jsonl -r r.jsonl --metric rougeL,em --group-field doc --row-weights w --json",
    ));
    for system in [0, 1] {
        assert_eq!(both["systems"][system]["metrics"], direct["systems"][system]["metrics"]);
    }
    assert_eq!(both["fingerprint"], direct["fingerprint"]);
    let compared = json(desk.run("compare run --json"));
    assert!(compared.to_string().contains("row_weights:field:w"), "{compared}");
    let score = direct["systems"][1]["metrics"]["rougeL"]["f1"].to_string();
    assert!(compared.to_string().contains(&score), "{score} {compared}");
    for test in ["bs", "bs2"] {
        desk.run(&format!("compare run --test {test}")).ok();
    }
    for test in ["wilcoxon", "t"] {
        refused(
            desk.run(&format!("compare run --test {test}")),
            2,
            &[&format!("--test {test} compares rows")],
        );
    }
    refused(desk.run("score -o run --add --metric chrf"), 2, &["chrf is computed from counts"]);
    refused(desk.run("score -o run --add --row-weights w"), 2, &["--row-weights", "--add"]);
}

#[test]
fn weights_that_break_a_rule_are_refused_before_a_model_is_opened() {
    let desk = desk();
    desk.write("short.txt", "1\n2\n").write("bad.txt", "1\nx\n").write("zero.txt", "0\n".repeat(ROWS));
    desk.write("w.jsonl", "{}\n");
    let score = |weights: &str| {
        desk.run(&format!("score -c a.jsonl -r r.jsonl -m nowhere -l 2 --row-weights {weights}"))
    };
    let lines =
        |weights: &str| desk.run(&format!("score -c a.txt -r r.txt --metric em --row-weights {weights}"));
    refused(
        lines("short.txt"),
        65,
        &["short.txt: must have as many weights as there are rows, got 2 and 30"],
    );
    refused(
        lines("bad.txt"),
        65,
        &["bad.txt, row 2: a row's weight must be a finite number of at least 0, got `x`"],
    );
    refused(lines("zero.txt"), 65, &["zero.txt: row weights must not all be 0, and all 30 are"]);
    refused(lines("gone.txt"), 66, &["gone.txt"]);
    refused(lines("w.jsonl"), 2, &["row weights are read from .txt, .csv and .tsv"]);
    refused(lines("w"), 2, &["no input has fields, and so none named `w` for the weight of a row"]);
    refused(lines("-"), 2, &["standard input"]);
    refused(
        score("n"),
        65,
        &["r.jsonl, row 1: a row's weight must be a finite number of at least 0, got -1"],
    );
    refused(score("text"), 65, &["r.jsonl, row 1: ", "got \"the river"]);
    refused(score("gone"), 65, &["r.jsonl", "`gone`"]);
    refused(
        desk.run("score -c a.jsonl -r r.jsonl --metric rougeL,bleu --row-weights w"),
        2,
        &["bleu is computed from counts over all rows", "hint: "],
    );
    refused(
        desk.run("score --pairwise -c a.txt -r r.txt -o m.npy --row-weights w.txt"),
        2,
        &["--row-weights"],
    );
}
