//! `nearsay eval`: tasks, runs, judgements, tables of pairs and samples, and what is wrong with them.

use nearsay_tests::desk;
use nearsay_tests::run::Desk;
use serde_json::{Value, json};

const CORPUS: &str = concat!(
    "{\"_id\":\"a\",\"title\":\"Mill\",\"text\":\"The old mill by the river.\"}\n",
    "{\"_id\":\"b\",\"title\":\"\",\"text\":\"Cats sleep; dogs bark.\",\"metadata\":{\"url\":null}}\n",
    "{\"_id\":3,\"text\":\"The garden at night\"}\n",
);
const QUERIES: &str = concat!(
    "{\"_id\":\"q1\",\"text\":\"the river\"}\n",
    "{\"_id\":\"q2\",\"text\":\"a cat\"}\n",
    "{\"_id\":\"other\",\"text\":\"not judged\"}\n",
);
const QRELS: &str = "query-id\tcorpus-id\tscore\nq1\ta\t2\nq1\t3\t1\nq2\tb\t1\nq2\tgone\t1\n";
const RUN: &str = "q1 Q0 3 1 0.5 x\nq1 Q0 a 2 0.5 x\nq2 Q0 a 1 2 x\nq2 Q0 b 2 1 x\n";

fn desk() -> Desk {
    let desk = desk!();
    std::fs::create_dir_all(desk.path("task/qrels")).expect("a folder");
    desk.write("task/corpus.jsonl", CORPUS).write("task/queries.jsonl", QUERIES);
    desk.write("task/qrels/test.tsv", QRELS)
        .write("qrels.txt", "q1 0 a 2\nq1 0 3 1\nq2 0 b 1\n")
        .write("a.run", RUN);
    desk
}

fn number(report: &Value, key: &str) -> f64 {
    report[key].as_f64().unwrap_or_else(|| panic!("{key}: {report}"))
}

/// The scores of a run file, by query and document.
fn scores(run: &str) -> Vec<(String, f64)> {
    let score = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (format!("{} {}", fields[0], fields[2]), fields[4].parse().expect("a score"))
    };
    let mut scores: Vec<_> = run.lines().map(score).collect();
    scores.sort_by(|a, b| a.0.cmp(&b.0));
    scores
}

#[test]
fn a_model_with_adapters_for_retrieval_uses_them() {
    let desk = desk();
    let titleless = CORPUS.replace("\"title\":\"Mill\",", "").replace("\"title\":\"\",", "");
    desk.write("task/corpus.jsonl", titleless);
    let model = nearsay_tests::fixture("families/jina-v3").display().to_string();
    let run = desk.run(&format!("eval retrieval task -m {model} --json --trec model.run")).ok();
    for part in ["task of each query: retrieval.query", "task of each document: retrieval.passage"] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
    assert_eq!(run.json()["retrieval"]["query_prompt"], "river: ");
    // An index of that task has the same scores.
    desk.run(&format!(
        "index build task/corpus.jsonl -m {model} --task retrieval.passage --text-field text \
         --id-field _id --vectors f32 -o a.index -q"
    ))
    .ok();
    desk.run(&format!(
        "eval retrieval a.index --queries task/queries.jsonl --qrels task/qrels/test.tsv -m {model} --trec index.run"
    ))
    .ok();
    let [of_model, of_index] =
        ["model.run", "index.run"].map(|run| scores(&String::from_utf8(desk.read(run)).unwrap()));
    assert_eq!(of_model.len(), 6);
    for ((name, of_model), (other, of_index)) in of_model.iter().zip(&of_index) {
        assert!(
            name == other && (of_model - of_index).abs() < 1e-5,
            "{name}: {of_model}, {other}: {of_index}"
        );
    }
    assert_eq!(of_model.len(), of_index.len());
}

#[test]
fn pairs_are_scored_with_a_task() {
    let desk = desk();
    desk.write(
        "sts.tsv",
        "score\tsentence1\tsentence2\n1\tthe river\ta cat\n5\tthe river\tthe old river\n3\tx\ty z\n",
    );
    let model = nearsay_tests::fixture("families/jina-v3").display().to_string();
    let pearson = |more: &str| {
        number(&desk.run(&format!("eval sts sts.tsv -m {model} --json{more}")).ok().json(), "pearson")
    };
    assert!(pearson("") != pearson(" --task retrieval.query"));
    desk.run(&format!("eval sts sts.tsv -m {model} --task clustering"))
        .ends(2, &["has no task `clustering`"]);
}

#[test]
fn a_model_is_measured_on_a_task() {
    let desk = desk();
    let run = desk.run("eval retrieval task -m STS --json --per-query --trec out.run").ok();
    let report = run.json();
    let left_out = json!({
        "queries_not_judged": 1, "queries_without_text": 0, "queries_without_hits": 0,
        "queries_without_relevant": 0, "relevant_not_in_corpus": 1,
    });
    assert_eq!((&report["queries"], &report["left_out"]), (&json!(2), &left_out));
    let retrieval = &report["retrieval"];
    assert_eq!((&retrieval["documents"], &retrieval["similarity"]), (&json!(3), &json!("cosine")));
    // The model's file has a null for `document`: it has no such prompt.
    assert_eq!(
        (&retrieval["query_prompt"], &retrieval["document_prompt"]),
        (&json!("the garden: "), &json!(""))
    );
    // All three documents are found for both queries.
    assert_eq!((number(&report, "recall@3"), number(&report, "precision_at_3")), (0.75, 0.5));
    assert_eq!(report["per_query"][0]["query"], "q1");
    for part in [
        "put before each query: \"the garden: \"",
        "1 query without judgements",
        "1 relevant document not in",
    ] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
    assert!(run.stderr.contains("3 documents and 2 queries in "), "{}", run.stderr);

    let again = desk.run("eval retrieval task --run out.run --json --per-query").ok().json();
    assert_eq!((&again["ndcg@10"], &again["per_query"]), (&report["ndcg@10"], &report["per_query"]));
    desk.run("eval retrieval task -m STS --trec out.run").ends(73, &["out.run", "--overwrite"]);
    let prompted =
        "eval retrieval task -m STS --trec out.run --overwrite --document-prompt passage --json -q";
    assert_eq!(desk.run(prompted).ok().json()["retrieval"]["document_prompt"], "river and mill, ");
    desk.run("eval retrieval task -m STS --query-prompt none").ends(2, &["no prompt named `none`"]);
}

#[test]
fn results_do_not_depend_on_threads_or_batches() {
    let desk = desk();
    let expected = desk.run("eval retrieval task -m STS --json -q --trec a1.run").ok().stdout;
    let line = "eval retrieval task -m STS --json -q --threads 1 --batch-tokens 7 --trec a2.run";
    assert_eq!(desk.run(line).ok().stdout, expected);
    assert_eq!(desk.read("a1.run"), desk.read("a2.run"));
}

#[test]
fn a_run_is_measured_as_by_trec_eval() {
    let desk = desk();
    let report = desk.run("eval retrieval --run a.run --qrels qrels.txt --json").ok().json();
    // Equal scores: `a` before `3`.
    let ndcg = (1.0 + 1.0 / 3_f64.log2()) / 2.0;
    assert!((number(&report, "ndcg@10") - ndcg).abs() < 1e-15);
    assert_eq!((number(&report, "mrr_at_10"), number(&report, "hit_rate@1")), (0.75, 0.5));
    assert_eq!(report["left_out"]["relevant_not_in_corpus"], 0);
    let [low, high] = [0, 1].map(|end| report["intervals"]["ndcg@10"][end].as_f64().expect("a number"));
    assert!(low < ndcg && ndcg < high, "{low} {high}");
    let other = "eval retrieval --run a.run --qrels qrels.txt --json --seed 1";
    assert_eq!(desk.run(other).ok().json()["ndcg@10"], report["ndcg@10"]);
}

#[test]
fn a_run_is_compared_with_a_baseline() {
    let desk = desk();
    desk.write("b.run", "q1 Q0 a 1 1 x\nq9 Q0 a 1 1 x\n");
    let run = desk.run("eval retrieval task --run a.run --baseline-run b.run --json").ok();
    let baseline = &run.json()["baseline"];
    assert_eq!(
        (number(&baseline["means"], "mrr@1"), number(&baseline["differences"], "mrr@10")),
        (0.5, 0.25)
    );
    assert!((0.0..=1.0).contains(&number(&baseline["p_values"], "ndcg@10")));
    let same = desk.run("eval retrieval task --run a.run --baseline-run a.run --json").ok().json();
    assert_eq!(number(&same["baseline"]["p_values"], "ndcg@10"), 1.0);
    let text = desk.run("eval retrieval task --run a.run --baseline-run b.run --per-query").ok();
    for part in ["query  ndcg@10", "@1000", "baseline  difference", "2 queries"] {
        assert!(text.text().contains(part), "{part}\n{}", text.text());
    }
}

#[test]
fn what_is_wrong_with_a_task_is_named() {
    let desk = desk();
    desk.write("empty.jsonl", "").write("x.tsv", "q1\ta\tgood\n").write("z.tsv", "zz\ta\t1\n");
    std::fs::create_dir(desk.path("no-task")).expect("a folder");
    for (line, code, parts) in [
        (
            "task -m STS --split dev",
            65,
            &["this is not a BEIR folder: it has no qrels/dev.tsv", "hint: a BEIR folder"][..],
        ),
        ("no-task -m STS", 65, &["no-task: this is not a BEIR folder: it has no corpus.jsonl"]),
        ("a.run -m STS", 65, &["this is not a BEIR folder: it must be a folder"]),
        ("absent -m STS", 66, &["absent"]),
        ("task -m STS --queries empty.jsonl", 65, &["empty.jsonl: has none of the queries that are judged"]),
        (
            "task -m STS --qrels x.tsv",
            65,
            &["x.tsv, row 1: the judgement must be a whole number, got \"good\""],
        ),
        ("task -m STS --qrels absent", 66, &["absent"]),
        ("--run a.run", 2, &["--run needs --qrels <FILE>, or a FOLDER"]),
        ("--run a.run --qrels z.tsv", 65, &["a.run: none of its queries is judged"]),
        ("--run x.tsv --qrels z.tsv", 65, &["x.tsv, row 1: a row must have 6 columns"]),
        ("task", 2, &["no model is named"]),
        ("", 2, &["FOLDER"]),
        ("task -m STS --trec no/such/folder", 73, &["no/such"]),
    ] {
        desk.run(&format!("eval retrieval {line}")).ends(code, parts);
    }
}

#[test]
fn an_id_with_a_blank_is_refused_in_a_run_only() {
    let desk = desk();
    desk.write("task/corpus.jsonl", format!("{CORPUS}{{\"_id\":\"a b\",\"text\":\"the river\"}}\n"));
    desk.run("eval retrieval task -m STS -q").ok();
    let run = desk.run("eval retrieval task -m STS -q --trec out.run");
    run.ends(65, &["an id in a run must have characters and no blank, got the document \"a b\""]);
    assert!(!desk.names().contains(&"out.run".to_owned()));
}

#[test]
fn cosines_are_correlated_with_scores() {
    let desk = desk();
    let rows =
        ["5\tthe river\tthe river", "0.5\tthe river\tcats sleep", "3\tthe mill\tthe \"old mill\"", "1\ta\tb"];
    desk.write("a.tsv", format!("score\tsentence1\tsentence2\n{}\n", rows.join("\n")));
    let report = desk.run("eval sts a.tsv -m STS --json").ok().json();
    let (spearman, pearson) = (number(&report, "spearman"), number(&report, "pearson"));
    assert!((-1.0..=1.0).contains(&spearman) && (-1.0..=1.0).contains(&pearson));
    assert_eq!((&report["pairs"], &report["empty"]), (&json!(4), &json!(0)));
    let text = desk.run("eval sts a.tsv -m STS").ok();
    assert_eq!(text.text(), format!("spearman {spearman:.4}  pearson {pearson:.4}  pairs 4\n"));

    let objects = rows.map(|row| {
        let [score, left, right] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        format!("{}\n", json!({"s": score.parse::<f64>().expect("a number"), "l": left, "r": right, "id": 7}))
    });
    desk.write("b.jsonl", objects.concat());
    assert_eq!(
        desk.run("eval sts b.jsonl --columns s,l,r -m STS --json").ok().stdout,
        desk.run("eval sts a.tsv -m STS --json").ok().stdout
    );
    let piped = desk.run_with("eval sts - --format tsv -m STS --json", desk.read("a.tsv")).ok();
    assert_eq!(piped.json()["spearman"], report["spearman"]);
}

#[test]
fn what_is_wrong_with_a_table_of_pairs_is_named() {
    let desk = desk();
    desk.write("bad.tsv", "score\tsentence1\tsentence2\nhigh\ta\tb\n")
        .write("one.csv", "score,sentence1,sentence2\n1,a,b\n");
    desk.write("same.csv", "score,sentence1,sentence2\n1,a,b\n1,the,cat\n");
    for (line, code, parts) in [
        ("bad.tsv -m STS", 65, &["bad.tsv, row 2: `score` must be a finite number, got \"high\""][..]),
        (
            "bad.tsv -m STS --columns gold,sentence1,sentence2",
            65,
            &["the header has no column `gold`; its columns are"],
        ),
        ("bad.tsv -m STS --columns score,sentence1", 2, &["it must be three names"]),
        ("one.csv -m STS", 65, &["one.csv: a correlation needs at least 2 pairs, got 1"]),
        ("absent.csv -m STS", 66, &["absent.csv"]),
        ("a.run -m STS", 2, &["a.run"]),
    ] {
        desk.run(&format!("eval sts {line}")).ends(code, parts);
    }
    let run = desk.run("eval sts same.csv -m STS --json").ends(0, &["there is no correlation"]);
    assert_eq!(run.json()["spearman"], Value::Null);
}

const SAMPLES: &str = concat!(
    "{\"user_input\":\"?\",\"retrieved_context_ids\":[\"a\",\"b\",\"a\",1],\"reference_context_ids\":[\"1\",\"c\"],",
    "\"response\":\"The river. The mill!\",\"reference\":\"The old mill.\",\"retrieved_contexts\":[\"Cats. The river.\"]}\n",
    "{\"retrieved_contexts\":[\"the river\",\"a cat\"],\"reference_contexts\":[\"the river\"],\"response\":\"\"}\n",
    "{\"retrieved_context_ids\":[],\"reference_context_ids\":[\"x\"]}\n",
);

#[test]
fn contexts_are_compared_by_id_without_a_model() {
    let desk = desk();
    desk.write("rag.jsonl", SAMPLES);
    let report = desk.run("eval rag rag.jsonl --json").ok().json();
    // ragas: {a, b, 1} and {1, c}; and nothing of {x}, whose precision is NaN.
    let mean = |mean: f64, samples: u64, undefined: u64| json!({"mean": mean, "samples": samples, "undefined": undefined});
    assert_eq!(report["id_based_context_precision"], mean(1.0 / 3.0, 1, 1));
    assert_eq!(report["id_based_context_recall"], mean(0.25, 2, 0));
    assert_eq!(
        (&report["samples"], &report["bertscore"]["samples"], &report["model"]),
        (&json!(3), &json!(0), &Value::Null)
    );
    let text = desk.run("eval rag rag.jsonl").ok();
    assert!(text.text().contains("context precision by ids  0.3333        1          1"), "{}", text.text());
}

#[test]
fn texts_are_compared_with_a_model() {
    let desk = desk();
    desk.write("rag.jsonl", SAMPLES);
    let report =
        desk.run("eval rag rag.jsonl -m STS -l 2 --json --per-sample --relevance cosine:0.9999").ok().json();
    assert_eq!(report["context_precision"], json!({"mean": 0.5, "samples": 1, "undefined": 0}));
    assert_eq!(report["context_recall"], json!({"mean": 1.0, "samples": 1, "undefined": 0}));
    assert_eq!(report["bertscore"]["samples"], 1);
    let support = &report["support"];
    assert_eq!((&support["samples"], &support["undefined"]), (&json!(1), &json!(1)));
    // Of the response's sentences the first is in the contexts.
    let first = &report["per_sample"][0]["support"];
    assert_eq!((&first["weakest"], &first["sentences"]), (&json!("The mill!"), &json!(2)));
    assert!((2.0 * number(first, "mean") - number(first, "minimum") - 1.0).abs() < 1e-6, "{first}");
    assert_eq!(support["weakest"]["row"], 1);

    let by_bertscore =
        desk.run("eval rag rag.jsonl -m STS -l 2 --json --relevance bertscore:0.99").ok().json();
    assert_eq!(by_bertscore["context_precision"]["mean"], 0.5);
    let run = desk.run("eval rag rag.jsonl -m STS --json").ends(0, &["BERTScore is left out", "--layer"]);
    assert_eq!(run.json()["bertscore"]["samples"], 0);
    desk.run("eval rag rag.jsonl -m STS --relevance bertscore:0.9").ends(2, &["layer"]);
    desk.run("eval rag rag.jsonl -m STS -l 2").ok();
}

#[test]
fn what_is_wrong_with_samples_is_named() {
    let desk = desk();
    desk.write("a.jsonl", "{\"question\":\"?\"}\n")
        .write("b.jsonl", "{\"response\":3}\n")
        .write("c.jsonl", "");
    for (line, code, parts) in [
        ("a.jsonl", 65, &["a.jsonl: none of the 1 samples has one of the fields response, "][..]),
        ("b.jsonl", 65, &["b.jsonl, row 1: field `response` is a number; it must be a string"]),
        ("c.jsonl", 65, &["c.jsonl: has no samples"]),
        ("absent.jsonl", 66, &["absent.jsonl"]),
        ("a.jsonl -m STS --relevance often", 2, &["must be cosine:THRESHOLD or bertscore:THRESHOLD"]),
    ] {
        desk.run(&format!("eval rag {line}")).ends(code, parts);
    }
}
