//! `nearsay score` with several systems and metrics, its run's folder, and `nearsay compare`.

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run};
use serde_json::{Value, json};

/// Systems of 40 rows: `good` has one word wrong in a few rows, `bad` in most.
fn desk() -> Desk {
    let desk = desk!();
    let words = ["river", "night", "bread", "stone", "light"];
    let line = |row: usize, wrong: bool| {
        let word = words[row % 5];
        let last = if wrong { "somewhere" } else { words[(row / 5) % 5] };
        format!("the {word} number {row} is near the {last}\n")
    };
    let lines = |wrong: fn(usize) -> bool| (0..40).map(|row| line(row, wrong(row))).collect::<String>();
    desk.write("ref.txt", lines(|_| false));
    desk.write("good.txt", lines(|row| row % 10 == 0)).write("bad.txt", lines(|row| row % 10 > 0));
    desk
}

const BOTH: &str = "-c good.txt bad.txt -r ref.txt";

#[track_caller]
fn json(run: Run) -> Value {
    run.ok().json()
}

fn scores(value: &Value, metric: &str) -> Vec<f64> {
    let systems = value["systems"].as_array().expect("systems");
    systems.iter().map(|system| system["metrics"][metric]["score"].as_f64().expect("a score")).collect()
}

#[test]
fn one_system_keeps_its_object_and_gets_metrics() {
    let desk = desk();
    let value = json(desk.run("score -c good.txt -r ref.txt --metric bleu,chrf,ter,rougeL,em --json"));
    assert!(value.get("signature").is_none());
    let metrics = &value["metrics"];
    for (metric, keys) in [
        ("bleu", &["score", "signature", "precisions", "bp", "candidate_length", "reference_length"][..]),
        ("chrf", &["score", "signature"]),
        ("ter", &["score", "edits", "reference_length"]),
        ("rougeL", &["precision", "recall", "f1"]),
        ("em", &["score"]),
    ] {
        keys.iter().for_each(|key| assert!(metrics[metric].get(*key).is_some(), "{metric}.{key}: {metrics}"));
    }
    assert_eq!(value["systems"].as_array().map(Vec::len), Some(1));
    assert_eq!(value["systems"][0]["metrics"]["bleu"], metrics["bleu"]);
    assert_eq!(metrics["em"]["score"], json!(0.9));
}

#[test]
fn bertscore_alone_has_its_line_and_object() {
    let desk = desk();
    let line = desk.run("score -c good.txt -r ref.txt -m BERT -l 2").ok();
    assert!(line.text().contains(" P: 0."), "{}", line.text());
    let value = json(desk.run("score -c good.txt -r ref.txt -m BERT -l 2 --json --metric bertscore,bleu"));
    assert_eq!(value["signature"], value["systems"][0]["metrics"]["bertscore"]["signature"]);
    assert_eq!(value["metrics"]["bertscore"]["segments"].as_array().map(Vec::len), Some(40));
    assert!(value["metrics"]["bleu"]["score"].is_number());
}

#[test]
fn many_systems_have_the_scores_that_each_has_alone() {
    let desk = desk();
    let metrics =
        "--metric bleu,chrf(nw=2),chrf,ter,rouge1,rougeLsum,em,token_f1,wer,cer,length,distinct2 --json";
    let both = json(desk.run(&format!("score {BOTH} {metrics}")));
    assert!(both.get("metrics").is_none() && both.get("signature").is_none());
    for (at, name) in ["good", "bad"].into_iter().enumerate() {
        let alone = json(desk.run(&format!("score -c {name}.txt -r ref.txt {metrics}")));
        let mut alone = alone["systems"][0].clone();
        let mut together = both["systems"][at].clone();
        assert_eq!(together["name"], json!(name));
        // Intervals are of the same draws, too.
        assert_eq!(alone["metrics"].take(), together["metrics"].take());
    }
    let threads = json(desk.run(&format!("score {BOTH} {metrics} --threads 1")));
    assert_eq!(threads, both);
}

#[test]
fn an_encoder_encodes_each_text_once_for_all_systems() {
    let desk = desk();
    let both = json(desk.run(&format!("score {BOTH} -m BERT -l 2 --metric bertscore,cosine --json -s")));
    // 40 references; good differs in 4 rows, bad in 36: 80 distinct texts, encoded by both metrics.
    assert_eq!(both["texts"], json!({"distinct": 80, "encoded": 160}));
    for (at, name) in ["good", "bad"].into_iter().enumerate() {
        let alone = json(desk.run(&format!(
            "score -c {name}.txt -r ref.txt -m BERT -l 2 --metric bertscore,cosine --json -s"
        )));
        assert_eq!(alone["systems"][0]["metrics"], both["systems"][at]["metrics"]);
    }
}

#[test]
fn permuted_rows_have_permuted_segments_and_the_same_scores() {
    let desk = desk();
    for name in ["good", "bad", "ref"] {
        let text = std::fs::read_to_string(desk.path(format!("{name}.txt"))).unwrap();
        let reversed: Vec<&str> = text.lines().rev().collect();
        desk.write(format!("reversed-{name}.txt"), reversed.join("\n") + "\n");
    }
    let metrics = "--metric bleu,chrf,ter,rougeL,token_f1,bertscore -m BERT -l 2 --json -s --interval none";
    let forward = json(desk.run(&format!("score {BOTH} {metrics}")));
    let backward =
        json(desk.run(&format!(
            "score -c good=reversed-good.txt bad=reversed-bad.txt -r reversed-ref.txt {metrics}"
        )));
    for system in 0..2 {
        let (forward, backward) =
            (&forward["systems"][system]["metrics"], &backward["systems"][system]["metrics"]);
        for (key, metric) in forward.as_object().unwrap() {
            let (mut one, mut other) = (metric.clone(), backward[key].clone());
            let mut segments = other["segments"].take();
            segments.as_array_mut().unwrap().reverse();
            assert_eq!(one["segments"].take(), segments, "{key}");
            assert_eq!(one, other, "{key}");
        }
    }
}

#[test]
fn references_may_be_missing() {
    let desk = desk!();
    desk.write("c.txt", "a cat\na dog\n");
    desk.write("one.jsonl", "{\"text\":\"a cat\"}\n{\"text\":null}\n")
        .write("two.jsonl", "{}\n{\"text\":\"a dog\"}\n");
    let value = json(desk.run("score -c c.txt -r one.jsonl two.jsonl --metric em,bleu --json"));
    assert_eq!(value["metrics"]["em"]["score"], json!(1.0));
    assert!(value["metrics"]["bleu"]["signature"].as_str().unwrap().starts_with("nrefs:var|"));
    let missing: Vec<&Value> =
        value["references"].as_array().unwrap().iter().map(|it| &it["missing"]).collect();
    assert_eq!(missing, [1, 1]);
    let none = desk.run("score -c c.txt -r one.jsonl --metric em");
    none.ends(65, &["one.jsonl, row 2: the row has no reference"]);
    desk.write("blank.txt", "a cat\n\n").write("empty.txt", "\n\n");
    let text = json(desk.run("score -c c.txt -r blank.txt empty.txt --metric em --json"));
    assert!(text["metrics"]["em"]["signature"].as_str().unwrap().starts_with("nrefs:2|"));
    desk.run("score -c c.txt -r blank.txt --metric em --missing-references").ends(65, &["blank.txt, row 2"]);
}

#[test]
fn metrics_and_systems_that_cannot_be_meant_are_refused() {
    let desk = desk();
    for (arguments, parts) in [
        ("-c good.txt -r ref.txt --metric blue", &["unknown metric `blue`", "bleu, "][..]),
        ("-c good.txt -r ref.txt --metric bleu(tok=14a)", &["bleu(tok=..) must be", "14a"]),
        ("-c good.txt -r ref.txt --metric bleu(tok", &["NAME(key=value,..)"]),
        ("-c good.txt -r ref.txt --metric bleu,bleu", &["the metric bleu is named twice"]),
        ("-c good.txt -r ref.txt --metric chrf --stem", &["--stem has no effect"]),
        ("-c good.txt -r ref.txt --metric chrf --tokenize zh", &["--tokenize zh has no effect"]),
        ("-c good.txt -r ref.txt --metric chrf --idf", &["--idf has no effect without bertscore"]),
        ("-c good.txt -r ref.txt --metric bleu --lang ja", &["BLEU of the language ja"]),
        (
            "-c good.txt ./good.txt -r ref.txt --metric bleu",
            &["two systems have the name `good`", "NAME=FILE"],
        ),
        ("-c good.txt -r ref.txt --names a,b --metric bleu", &["--names must have a name for each"]),
        ("-c good.txt --metric bleu", &["--references FILE is missing"]),
        ("-r ref.txt --metric bleu", &["--candidates [NAME=]FILE is missing"]),
        ("-c good.txt -r ref.txt --metric bleu -o run --add", &["--add needs a run in run"]),
    ] {
        desk.run(&format!("score {arguments}")).ends(2, parts);
    }
    desk.write("short.txt", "a\n");
    desk.run("score -c good.txt short.txt -r ref.txt --metric bleu").ends(65, &["short.txt", "40", "1"]);
}

#[test]
fn warnings_are_printed_and_in_json() {
    let desk = desk!();
    desk.write("c.txt", "数学很有趣\n\n")
        .write("same.txt", "数学很有趣\n\n")
        .write("r.txt", "数学有趣\n好\n");
    let run = desk.run("score -c c.txt same.txt -r r.txt --metric bleu,rouge1,rougeLsum --json").ok();
    let warnings = run.json()["warnings"].to_string();
    for part in [
        "bleu does not split Chinese",
        "rouge1 ignores 100 %",
        "rougeLsum equals rougeL",
        "c: 1 output is empty (row 2)",
        "c and same have the same outputs",
        "at least 30 rows",
    ] {
        assert!(warnings.contains(part), "{part}: {warnings}");
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    desk.run("score -c c.txt same.txt -r r.txt --metric bleu,rouge1 -o run").ok();
    let of_run = json(desk.run("compare run --metric bleu --json"))["warnings"].to_string();
    for part in
        ["bleu does not split Chinese", "c: 1 output is empty", "the same outputs", "at least 30 rows"]
    {
        assert!(of_run.contains(part) && !of_run.contains("rouge1"), "{part}: {of_run}");
    }
    let quiet = desk.run("score -c c.txt -r r.txt --metric bleu --lang zh --json").ok();
    assert!(!quiet.json()["warnings"].to_string().contains("does not split"));
}

#[test]
fn a_run_is_written_added_to_compared_and_verified() {
    let desk = desk();
    desk.run("score -c good.txt -r ref.txt --metric bleu,chrf -o run/").ok();
    desk.run("score -c good.txt -r ref.txt --metric bleu -o run").ends(73, &["run", "--add"]);
    desk.run("score -c bad.txt --metric rougeL -o run --add").ok();
    desk.run("score --metric ter -o run --add").ok();
    desk.run(&format!("score {BOTH} --metric bleu,chrf,rougeL,ter -o at-once")).ok();
    for name in ["segments.parquet", "statistics.parquet", "texts.parquet"] {
        let [added, at_once] =
            ["run", "at-once"].map(|run| std::fs::read(desk.path(format!("{run}/{name}"))).unwrap());
        assert!(added == at_once, "{name}");
    }
    desk.run("verify run at-once").ok();
    let of_run = json(desk.run("compare run --json"));
    let of_files = json(desk.run(&format!("compare {BOTH} --metric bleu,chrf,rougeL,ter --json")));
    assert_eq!(of_run, of_files);
    let pair = &of_run["metrics"][0]["pairs"][0];
    assert_eq!((&pair["a"], &pair["b"], &pair["better"]), (&json!("good"), &json!("bad"), &json!("a")));
    assert!(pair["p"].as_f64().unwrap() < 0.01 && of_run["contradictions"] == json!([]));
    let mut bytes = std::fs::read(desk.path("run/texts.parquet")).unwrap();
    bytes[100] ^= 1;
    std::fs::write(desk.path("run/texts.parquet"), bytes).unwrap();
    desk.run("verify run").ends(65, &["texts.parquet", "SHA-256"]);
}

#[test]
fn a_run_of_other_texts_is_not_added_to() {
    let desk = desk();
    desk.run("score -c good.txt -r ref.txt --metric bleu -o run").ok();
    desk.write("other.txt", "x\n".repeat(40));
    desk.run("score -c bad.txt -r other.txt --metric bleu -o run --add").ends(65, &["other.txt", "SHA-256"]);
    desk.run("score -c good=bad.txt --metric chrf -o run --add").ends(65, &["bad.txt", "SHA-256"]);
    desk.run("score -c good.txt -r ref.txt --metric bleu -o bare --no-texts").ok();
    desk.run("score --metric chrf -o bare --add").ends(2, &["has no texts"]);
    desk.run("score -c good.txt -r ref.txt --metric chrf -o bare --add").ok();
}

#[test]
fn a_metric_with_other_settings_is_added_under_another_key() {
    let desk = desk();
    desk.run("score -c good.txt -r ref.txt --metric bleu(case=lc) -o run").ok();
    desk.run("score -o run --add --metric bleu").ends(2, &["bleu(case=lc) under the name bleu", "hint: "]);
    desk.run("score -o run --add --metric bleu(case=mixed)").ok();
    let run = json(desk.run("score -o run --add --metric chrf --json"));
    let metrics = run["systems"][0]["metrics"].as_object().expect("metrics").clone();
    let keys: Vec<&String> = metrics.keys().collect();
    assert_eq!(keys, ["bleu", "bleu(case=mixed)", "chrf"]);
    let signature = |key: &str| metrics[key]["signature"].as_str().unwrap().to_owned();
    assert!(signature("bleu").contains("case:lc") && signature("bleu(case=mixed)").contains("case:mixed"));
}

#[test]
fn an_encoder_of_other_settings_is_not_added_to() {
    let desk = desk();
    desk.run("score -c good.txt -r ref.txt --metric bertscore -m BERT -l 2 -o run").ok();
    desk.run("score -c bad.txt -m BERT -l 1 -o run --add").ends(2, &["_L2_", "_L1_"]);
    // A metric of texts needs no model, although the run has one.
    desk.run("score -o run --add --metric bleu").ok();
    desk.run("score -c bad.txt -m BERT -l 2 -o run --add").ok();
    desk.run(&format!("score {BOTH} --metric bertscore,bleu -m BERT -l 2 -o at-once")).ok();
    let statistics = |run: &str| std::fs::read(desk.path(format!("{run}/statistics.parquet"))).unwrap();
    assert_eq!(statistics("run"), statistics("at-once"));
}

#[test]
fn added_systems_have_the_ids_of_the_run() {
    let desk = desk!();
    let rows = |order: [usize; 3]| -> String {
        let row =
            |id: &usize| json!({"id": format!("i{id}"), "text": format!("word {id}")}).to_string() + "\n";
        order.iter().map(row).collect()
    };
    desk.write("r.jsonl", rows([1, 2, 3])).write("a.jsonl", rows([1, 2, 3]));
    desk.write("shuffled.jsonl", rows([3, 1, 2]));
    desk.run("score -c a.jsonl -r r.jsonl --metric em -o run").ok();
    desk.run("score -c shuffled.jsonl -o run --add").ends(65, &["i1", "i3"]);
    let value = json(desk.run("score -c shuffled.jsonl -o run --add --align ids --json"));
    assert_eq!(scores(&value, "em"), [1.0, 1.0]);
}

#[test]
fn a_run_without_some_references_is_added_to() {
    let desk = desk!();
    desk.write("c.txt", "a cat\na dog\n").write("one.txt", "a cat\n\n").write("two.txt", "\na dog\n");
    desk.run("score -c c.txt -r one.txt two.txt --missing-references --metric em -o run").ok();
    desk.run("score -o run --add --metric chrf").ok();
    desk.run("score -o run --add --missing-references").ends(2, &["--missing-references has no effect"]);
}

#[test]
fn a_gate_fails_if_the_baseline_is_better() {
    let desk = desk();
    let compare = |rest: &str| desk.run(&format!("compare {BOTH} --metric bleu,chrf {rest}"));
    compare("--baseline good --gate chrf>=BASELINE")
        .ends(1, &["good is significantly better than bad by chrf"]);
    compare("--baseline bad --gate chrf>=BASELINE").ok();
    compare("--gate bleu>=good").ends(1, &["gate: "]);
    compare("--gate chrf>=BASELINE").ends(2, &["--baseline is missing"]);
    compare("--gate ter>=good").ends(2, &["the metrics are bleu, chrf"]);
    compare("--baseline best").ends(2, &["the systems are good, bad"]);
    desk.run("compare -c good.txt -r ref.txt --metric bleu").ends(2, &["needs two systems"]);
}

#[test]
fn groups_are_resampled_as_a_whole() {
    let desk = desk!();
    let row = |row: usize, wrong: bool| {
        let text = if wrong { format!("wrong {row}") } else { format!("word {row}") };
        json!({"text": text, "doc": format!("d{}", row / 4)}).to_string() + "\n"
    };
    desk.write("r.jsonl", (0..48).map(|at| row(at, false)).collect::<String>());
    desk.write("a.jsonl", (0..48).map(|at| row(at, at % 3 == 0)).collect::<String>());
    desk.write("b.jsonl", (0..48).map(|at| row(at, at % 2 == 0)).collect::<String>());
    let compare = "compare -c a.jsonl b.jsonl -r r.jsonl --metric em --group-field doc --json";
    let by_groups = json(desk.run(compare));
    assert_eq!((&by_groups["unit"], &by_groups["units"]), (&json!("group"), &json!(12)));
    let by_rows = json(desk.run(&format!("{compare} --unit row")));
    assert_eq!((&by_rows["unit"], &by_rows["units"]), (&json!("row"), &json!(48)));
    let difference = |value: &Value| value["metrics"][0]["pairs"][0]["difference"].clone();
    assert_eq!(difference(&by_groups), difference(&by_rows));
    desk.run("score -c a.jsonl b.jsonl -r r.jsonl --metric em --group-field doc -o run").ok();
    assert_eq!(json(desk.run("compare run --json")), by_groups);
}

#[test]
fn signatures_may_be_those_of_sacrebleu() {
    let desk = desk();
    let value = json(desk.run("score -c good.txt -r ref.txt --metric bleu --json --signature sacrebleu"));
    let expected = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0";
    assert_eq!(value["metrics"]["bleu"]["signature"], json!(expected));
    let value = json(desk.run("score -c good.txt -r ref.txt --metric bleu --json"));
    let ours = format!("{expected}+nearsay.{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(value["metrics"]["bleu"]["signature"], json!(ours));
}

#[test]
fn tables_have_other_forms() {
    let desk = desk();
    let score = |form: &str| {
        desk.run(&format!("score {BOTH} --metric bleu,ter --interval none {form}")).ok().text().to_owned()
    };
    let csv = score("--csv");
    assert!(csv.starts_with("system,bleu,ter\ngood,"), "{csv}");
    let markdown = score("--markdown");
    assert!(markdown.starts_with("| system | bleu ↑ | ter ↓ |\n|---|---:|---:|\n| good | "), "{markdown}");
    let latex = score("--latex");
    assert!(
        latex.contains("System & bleu $\\uparrow$ & ter $\\downarrow$ \\\\\n\\midrule\ngood & "),
        "{latex}"
    );
    let values = scores(&json(desk.run(&format!("score {BOTH} --metric bleu --json"))), "bleu");
    assert!(csv.contains(&values[0].to_string()) && csv.contains(&values[1].to_string()));
}
