//! `nearsay score --all-layers`, `nearsay baseline` and `nearsay tune-layer`.

use std::process::Command;

use nearsay_tests::desk;
use nearsay_tests::run::Desk;
use serde_json::{Value, json};

/// Two systems of 30 rows and two references.
fn desk() -> Desk {
    let desk = desk!();
    let words = ["river", "night", "bread", "stone", "light", "judge", "cloud"];
    let line = |row: usize, step: usize| {
        format!("the {} and the {}\n", words[row % 7], words[(row * step + row / 7) % 7])
    };
    let lines = |step: usize| (0..30).map(|row| line(row, step)).collect::<String>();
    desk.write("a.txt", lines(3)).write("b.txt", lines(5)).write("r.txt", lines(2)).write("s.txt", lines(4));
    desk.write("base.csv", "LAYER,P,R,F\n0,0.1,0.2,0.3\n1,0.2,0.3,0.4\n2,0.3,0.4,0.5\n3,0.4,0.5,0.6\n");
    desk
}

const ALL: &str = "score -c a.txt -r r.txt s.txt -m BERT --all-layers";

fn layers(value: &Value) -> &Vec<Value> {
    value["metrics"]["bertscore"]["layers"].as_array().expect("layers")
}

#[test]
fn every_layer_is_what_it_is_alone() {
    let desk = desk();
    for flags in ["", "--idf", "--baseline-path base.csv", "--rescale-with-baseline --baseline-path base.csv"]
    {
        let all = desk.run(&format!("{ALL} {flags} --json --interval none")).ok().json();
        assert_eq!(layers(&all).len(), 4);
        assert!(all["signature"].as_str().unwrap().contains("_L0-3_"), "{}", all["signature"]);
        for (layer, of_layer) in layers(&all).iter().enumerate() {
            let line = ALL.replace("--all-layers", &format!("-l {layer}"));
            let alone = desk.run(&format!("{line} {flags} --json --interval none")).ok().json();
            let mut expected = alone["metrics"]["bertscore"].clone();
            expected["layer"] = json!(layer);
            expected["signature"] = alone["signature"].clone();
            assert_eq!(*of_layer, expected, "layer {layer} {flags}");
            let key = format!("bertscore(layer={layer})");
            assert_eq!(all["systems"][0]["metrics"][&key], alone["systems"][0]["metrics"]["bertscore"]);
        }
        let alone: Vec<String> = (0..4)
            .map(|layer| ALL.replace("--all-layers", &format!("-l {layer}")))
            .map(|line| desk.run(&format!("{line} {flags}")).ok().text().to_owned())
            .collect();
        assert_eq!(desk.run(&format!("{ALL} {flags}")).ok().text(), alone.concat());
    }
    // A column with the layer before each pair's scores, after the lines of the layers.
    let lines = desk.run(&format!("{ALL} -s")).ok().text().to_owned();
    let rows: Vec<&str> = lines.lines().skip(4).collect();
    assert_eq!(rows.len(), 4 * 30);
    for (at, row) in rows.iter().enumerate() {
        let fields: Vec<&str> = row.split('\t').collect();
        assert_eq!((fields.len(), fields[0]), (4, ["0", "1", "2", "3"][at % 4]), "{row}");
    }
}

#[test]
fn a_run_has_a_metric_per_layer_and_grows() {
    let desk = desk();
    let line = "score -c a.txt b.txt -r r.txt -m BERT";
    let table =
        desk.run(&format!("{line} --all-layers --metric bertscore,bleu -o run")).ok().text().to_owned();
    assert!(table.contains("layer (F1 ↑)") && table.contains("_L0-3_"), "{table}");
    let run: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.path("run/run.json")).unwrap()).unwrap();
    let keys: Vec<&str> =
        run["metrics"].as_array().unwrap().iter().map(|metric| metric["key"].as_str().unwrap()).collect();
    assert_eq!(
        keys,
        ["bertscore(layer=0)", "bertscore(layer=1)", "bertscore(layer=2)", "bertscore(layer=3)", "bleu"]
    );
    // The same as naming the layers, and one pass either way: each text is encoded once.
    let named = "--metric bertscore(layer=3),bertscore(layer=2),bertscore(layer=0),bertscore(layer=1),bleu";
    let texts = |flags: &str| {
        let value = desk.run(&format!("{line} {flags} --json --interval none")).ok().json();
        (value["texts"].clone(), value["systems"][1]["metrics"]["bertscore(layer=1)"].clone())
    };
    let all = texts("--all-layers --metric bertscore,bleu");
    assert_eq!(texts(named), all);
    assert_eq!(all.0["encoded"], all.0["distinct"]);
    desk.run("compare run").ok();
    desk.write("c.txt", std::fs::read_to_string(desk.path("b.txt")).unwrap());
    desk.run("score -c c.txt -o run --add -m BERT --metric chrf").ok();
}

#[test]
fn contradictions_are_refused() {
    let desk = desk();
    desk.run(&format!("{ALL} -l 1")).ends(2, &["--all-layers", "cannot be used with '--layer"]);
    desk.run(&format!("{ALL} --metric bertscore(layer=1)"))
        .ends(2, &["--all-layers contradicts bertscore(layer=1), which names layer 1"]);
    desk.run(&ALL.replace("-m BERT", "--metric bleu"))
        .ends(2, &["--all-layers has no effect without bertscore"]);
    desk.write("short.csv", "LAYER,P,R,F\n0,0.1,0.2,0.3\n");
    desk.write(
        "long.csv",
        format!("{}4,0.1,0.1,0.1\n", std::fs::read_to_string(desk.path("base.csv")).unwrap()),
    );
    desk.run(&format!("{ALL} --baseline-path long.csv"))
        .ends(65, &["long.csv: is the baseline of another model: it has layers 0 to 4", "has layers 0 to 3"]);
    desk.run(&format!("{ALL} --metric bertscore,bertscore(model=BERT)")).ends(2, &["takes one bertscore"]);
    desk.run(&format!("{ALL} --baseline-path short.csv"))
        .ends(2, &["the baseline short.csv has layers 0 to 0, not layer 1"]);
    desk.run("score -c a.txt -r r.txt --all-layers -m ./nothing").ends(78, &["there is no folder ./nothing"]);
}

/// 2,050 texts, a few of them blank or too long.
fn texts() -> String {
    let words = ["river", "night", "bread", "stone", "light", "judge", "cloud", "mill"];
    let text = |row: usize| match row % 50 {
        7 => String::new(),
        9 => vec!["word"; 32].join(" "),
        _ => format!("the {} {row} of the {}", words[row % 8], words[row / 8 % 8]),
    };
    (0..2150).map(|row| text(row) + "\n").collect()
}

#[test]
fn a_baseline_is_the_mean_over_its_pairs_at_every_layer() {
    let desk = desk();
    desk.write("texts.txt", texts());
    let line = "baseline texts.txt -m BERT --seed 7 --save-pairs pairs.jsonl -o mine.csv";
    let report = desk.run(&format!("{line} --json")).ok().json();
    assert_eq!((&report["rows"], &report["long"], &report["blank"]), (&json!(2150), &json!(43), &json!(43)));
    assert_eq!((&report["pairs"], &report["seed"]), (&json!(1032), &json!(7)));
    let scores = desk
        .run("score -c pairs.jsonl:candidate -r pairs.jsonl:reference -m BERT --all-layers --json --interval none")
        .ok()
        .json();
    let file = std::fs::read_to_string(desk.path("mine.csv")).unwrap();
    let rows: Vec<&str> = file.lines().collect();
    assert_eq!((rows.len(), rows[0]), (5, "LAYER,P,R,F"));
    for (layer, of_layer) in layers(&scores).iter().enumerate() {
        let numbers: Vec<f32> = rows[layer + 1].split(',').map(|field| field.parse().unwrap()).collect();
        let mean = ["precision", "recall", "f1"].map(|part| of_layer[part].as_f64().unwrap());
        assert_eq!(numbers, [layer as f32, mean[0] as f32, mean[1] as f32, mean[2] as f32]);
        assert_eq!(report["layers"][layer]["f1"], of_layer["f1"]);
    }
    // Rescaled with it, the pairs themselves are 0 on average.
    let rescaled = desk
        .run("score -c pairs.jsonl:candidate -r pairs.jsonl:reference -m BERT -l 1 --baseline-path mine.csv --json")
        .ok()
        .json();
    assert!(rescaled["metrics"]["bertscore"]["f1"].as_f64().unwrap().abs() < 1e-6, "{rescaled}");
    let digest = Command::new("sha256sum").arg(desk.path("mine.csv")).output().unwrap().stdout;
    let digest = String::from_utf8(digest).unwrap();
    let signature = rescaled["signature"].as_str().unwrap();
    assert!(signature.contains(&format!(",baseline={})-custom-rescaled", &digest[..12])), "{signature}");
    // Neither threads nor micro-batches matter, and the seed does.
    let again = "baseline texts.txt -m BERT --seed 7 -o - --threads 1 --batch-tokens 40";
    assert_eq!(desk.run(again).ok().text(), file);
    assert_ne!(desk.run(&again.replace("--seed 7", "--seed 8")).ok().text(), file);
    let fewer = desk.run_with("baseline - -m BERT --pairs 1000 --seed 7 -o - --format txt", texts()).ok();
    assert_ne!(fewer.text(), file);
}

#[test]
fn a_baseline_of_few_or_bad_texts_is_refused_and_leaves_no_file() {
    let desk = desk();
    desk.write("few.txt", (0..1999).map(|row| format!("text {row}\n")).collect::<String>());
    desk.run("baseline few.txt -m BERT -o out.csv").ends(
        65,
        &["few.txt: a baseline of 1000 pairs needs 2000 texts of fewer than 32 words, got 1999 (999 pairs)"],
    );
    desk.write("texts.txt", texts());
    desk.run("baseline texts.txt -m BERT -o out.csv --pairs 2000").ends(65, &["2000 pairs needs 4000 texts"]);
    desk.run("baseline texts.txt -m BERT -o out.csv --pairs 999").ends(2, &["--pairs"]);
    desk.run("baseline texts.txt -m BERT -o texts.txt").ends(2, &["is the same file as the input"]);
    desk.run("baseline texts.txt -m BERT -o out.csv --save-pairs ./out.csv")
        .ends(2, &["--output and --save-pairs both name out.csv"]);
    desk.run("baseline texts.txt -m BERT -o - --json").ends(2, &["--json has no effect"]);
    desk.run("baseline texts.txt -m BERT -o out.csv --save-pairs -").ends(2, &["- is not one", "write ./-"]);
    desk.run("baseline texts.txt -m BERT -o out.csv.gz").ends(73, &["outputs are not compressed"]);
    desk.write("alike.txt", "the river\n".repeat(2000));
    desk.run("baseline alike.txt -m BERT -o out.csv --save-pairs pairs.jsonl")
        .ends(65, &["their mean P at layer 1 must be above -1 and below 1"]);
    assert!(!desk.path("pairs.jsonl").exists());
    desk.run("baseline none.txt -m BERT -o out.csv").ends(66, &["none.txt"]);
    desk.write("old.csv", "old");
    desk.run("baseline texts.txt -m BERT -o old.csv").ends(73, &["old.csv", "--overwrite"]);
    assert!(!desk.path("out.csv").exists());
    desk.run("baseline texts.txt -m BERT -o old.csv --overwrite").ok();
    assert!(std::fs::read_to_string(desk.path("old.csv")).unwrap().starts_with("LAYER,P,R,F\n0,"));
}

/// Human scores of some outputs, two of one of them: those that count are the means.
fn human() -> (String, Vec<(usize, usize, f64)>) {
    let mut cells = Vec::new();
    let mut table = "annotator\tsystem\trow\tscore\n".to_owned();
    for row in (0..30).filter(|row| row % 4 != 3) {
        for (system, name) in ["a", "b"].into_iter().enumerate() {
            let score = ((row * 37 + system * 11) % 50) as f64;
            let scores = if row == 5 { vec![score - 1.0, score + 1.0] } else { vec![score] };
            scores.iter().for_each(|score| table += &format!("x\t{name}\t{}\t{score}\n", row + 1));
            cells.push((row, system, score));
        }
    }
    table += "x\trefA\t1\t3\n";
    (table, cells)
}

fn pearson(left: &[f64], right: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (x, y) = (mean(left), mean(right));
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        left.iter().zip(right).map(|(left, right)| of(left - x, right - y)).sum()
    };
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

#[test]
fn a_layer_is_tuned_by_pearson_with_the_human_scores() {
    let desk = desk();
    let (table, cells) = human();
    desk.write("human.tsv", &table);
    let line = "tune-layer -c a.txt b.txt -r r.txt s.txt -m BERT --human human.tsv";
    let run = desk.run(&format!("{line} --json")).ok();
    assert!(run.stderr.contains("not scored: refA"), "{}", run.stderr);
    let tuned = run.json();
    let scores = desk
        .run("score -c a.txt b.txt -r r.txt s.txt -m BERT --all-layers -s --json --interval none -o run")
        .ok()
        .json();
    let human: Vec<f64> = cells.iter().map(|cell| cell.2).collect();
    let mut best = (f64::NEG_INFINITY, 0);
    for (layer, found) in tuned["layers"].as_array().unwrap().iter().enumerate() {
        let f1 = |&(row, system, _): &(usize, usize, f64)| {
            let segments =
                &scores["systems"][system]["metrics"][&format!("bertscore(layer={layer})")]["segments"];
            segments[row]["f1"].as_f64().unwrap()
        };
        let expected = pearson(&cells.iter().map(f1).collect::<Vec<_>>(), &human);
        let got = found["pearson"].as_f64().unwrap();
        assert!((got - expected).abs() < 1e-12, "layer {layer}: {got} is not {expected}");
        let interval = found["interval"].as_array().unwrap();
        assert!(interval[0].as_f64().unwrap() < got && got < interval[1].as_f64().unwrap());
        if got > best.0 {
            best = (got, layer);
        }
    }
    assert_eq!(tuned["layers"].as_array().unwrap().len(), 4);
    assert_eq!((&tuned["layer"], &tuned["scores"], &tuned["rows"]), (&json!(best.1), &json!(46), &json!(23)));
    assert_eq!(tuned["layers"][best.1]["as_good"], json!(true));
    // The run has the same texts; a table for people ends with what to use.
    let of_run = "tune-layer run -m BERT --human human.tsv";
    assert_eq!(desk.run(&format!("{of_run} --json")).ok().json(), tuned);
    let text = desk.run(of_run).ok().text().to_owned();
    assert!(text.lines().last().unwrap().starts_with(&format!("use -l {}: ", best.1)), "{text}");
    let plain = desk.run(&format!("{of_run} --interval none --json")).ok().json();
    assert_eq!(plain["layers"][0]["pearson"], tuned["layers"][0]["pearson"]);
    assert!(plain["layers"][0].get("interval").is_none());
}

#[test]
fn human_scores_may_have_ids_and_groups() {
    let desk = desk!();
    let (table, cells) = human();
    let rows = |of: &dyn Fn(usize) -> String| {
        (0..30)
            .map(|row| {
                format!("{{\"id\":\"n{row}\",\"text\":{},\"pair\":\"g{}\"}}\n", json!(of(row)), row % 3)
            })
            .collect::<String>()
    };
    let words = ["river", "night", "bread", "stone", "light", "judge", "cloud"];
    let text =
        |step: usize| move |row: usize| format!("the {} and the {}", words[row % 7], words[row * step % 7]);
    desk.write("a.jsonl", rows(&text(3))).write("b.jsonl", rows(&text(5))).write("r.jsonl", rows(&text(2)));
    let human: String = cells
        .iter()
        .map(|(row, system, score)| {
            format!("{{\"system\":\"{}\",\"id\":\"n{row}\",\"score\":{score}}}\n", ["a", "b"][*system])
        })
        .collect();
    desk.write("human.jsonl", human).write("human.tsv", table);
    let line = "tune-layer -c a.jsonl b.jsonl -r r.jsonl -m BERT --group-field pair --json --human";
    let by_id = desk.run(&format!("{line} human.jsonl")).ok().json();
    let by_row = desk.run(&format!("{line} human.tsv")).ok().json();
    assert_eq!(by_id["layers"], by_row["layers"]);
    assert_eq!(by_id["groups"], json!(["g0", "g1", "g2"]));
    // A group with one score, and one whose scores are equal.
    let odd = "{\"system\":\"a\",\"id\":\"n1\",\"score\":0.5}\n".to_owned()
        + "{\"system\":\"a\",\"id\":\"n2\",\"score\":0.5}\n{\"system\":\"b\",\"id\":\"n2\",\"score\":0.5}\n";
    let first: String = std::fs::read_to_string(desk.path("human.jsonl"))
        .unwrap()
        .lines()
        .filter(|line| (0..30).step_by(3).any(|row| line.contains(&format!("\"n{row}\""))))
        .map(|line| format!("{line}\n"))
        .collect();
    desk.write("odd.jsonl", format!("{first}{odd}")).write("first.jsonl", first);
    let run = desk.run(&format!("{line} odd.jsonl")).ok();
    assert!(
        run.stderr.contains("2 groups are left out") && run.stderr.contains("g1 (1 score), g2 (2 scores)")
    );
    let alone = desk.run(&format!("{line} first.jsonl")).ok().json();
    assert_eq!(run.json()["left_out_groups"], json!(["g1", "g2"]));
    for (one, other) in layers_of(&run.json()).iter().zip(layers_of(&alone)) {
        assert_eq!(one["pearson"], other["pearson"]);
    }
    let pooled = desk.run(&line.replace("--group-field pair", "").replace("--human", "--human human.jsonl"));
    assert_ne!(pooled.ok().json()["layers"], by_id["layers"]);
}

fn layers_of(tuned: &Value) -> Vec<Value> {
    tuned["layers"].as_array().expect("layers").clone()
}

/// A resample of scores of which all but one are equal may have equal ones only, and then no correlation.
#[test]
fn without_intervals_no_layer_is_called_worse() {
    let desk = desk();
    let line = |row: usize| format!("a\t{}\t{}\n", row + 1, u8::from(row != 7));
    desk.write("human.tsv", format!("system\trow\tscore\n{}", (0..30).map(line).collect::<String>()));
    let command = "tune-layer -c a.txt -r r.txt -m BERT --human human.tsv";
    let found = desk.run(&format!("{command} --json")).ok().json();
    for layer in found["layers"].as_array().unwrap() {
        assert!(layer["interval"].is_null() && layer["as_good"] == json!(true), "{layer}");
    }
    let text = desk.run(command).ok().text().to_owned();
    assert!(text.contains("no layer is known to be worse") && !text.contains("NaN"), "{text}");
}

#[test]
fn an_id_of_two_rows_is_refused() {
    let desk = desk!();
    let rows: String =
        (0..6).map(|row| format!("{{\"id\":\"n{}\",\"text\":\"the river {row}\"}}\n", row % 5)).collect();
    desk.write("a.jsonl", &rows).write("r.jsonl", &rows);
    desk.write("human.tsv", "system\tid\tscore\na\tn1\t1\na\tn0\t2\na\tn2\t3\n");
    desk.run("tune-layer -c a.jsonl -r r.jsonl -m BERT --human human.tsv")
        .ends(65, &["human.tsv, row 3", "rows 1 and 6 have n0"]);
}

#[test]
fn human_scores_that_do_not_join_are_refused() {
    let desk = desk();
    let line = "tune-layer -c a.txt b.txt -r r.txt -m BERT --human";
    for (table, parts) in [
        ("", &["human.tsv", "has no"][..]),
        ("system\trow\tscore\n", &["human.tsv: has no scores"]),
        (
            "system\tscore\na\t31\n",
            &["human.tsv: must have the column or field `row` or `id`, and has neither"],
        ),
        ("system\trow\tscore\na\t31\t5\n", &["human.tsv, row 2", "`row` must be 1 to 30, got 31"]),
        ("system\trow\tscore\na\t1\tgood\n", &["`score` must be a finite number", "good"]),
        ("system\tid\tscore\na\tx\t5\n", &["no row of the outputs has the id x"]),
        (
            "system\trow\tscore\nc\t1\t5\nd\t1\t5\n",
            &[
                "none of the 2 human scores is of a system that is scored: they are of c, d, and the systems are a, b",
            ],
        ),
        ("system\trow\tscore\na\t1\t5\nb\t1\t4\n", &["needs at least 3 scores of the outputs, got 2"]),
        (
            "system\trow\tscore\na\t1\t5\nb\t1\t5\na\t2\t5\n",
            &["a correlation needs scores that differ, and all are equal"],
        ),
    ] {
        desk.write("human.tsv", table);
        desk.run(&format!("{line} human.tsv")).ends(65, parts);
    }
    desk.run(&format!("{line} none.tsv")).ends(66, &["none.tsv"]);
    desk.run("tune-layer -m BERT --human human.tsv").ends(2, &["needs a run, or systems and references"]);
    desk.run("score -c a.txt -r r.txt -m BERT -l auto").ends(2, &["nearsay tune-layer"]);
}
