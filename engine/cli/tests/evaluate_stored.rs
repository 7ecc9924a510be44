//! `nearsay eval retrieval` on an index, a job's folder and files of vectors.

use nearsay_tests::desk;
use nearsay_tests::run::Desk;
use serde_json::{Value, json};

const CORPUS: &str = concat!(
    "{\"_id\":\"a\",\"title\":\"Mill\",\"text\":\"The old mill by the river.\"}\n",
    "{\"_id\":\"b\",\"title\":\"Cats\",\"text\":\"Cats sleep; dogs bark.\"}\n",
    "{\"_id\":3,\"title\":\"\",\"text\":\"The garden at night\"}\n",
    "{\"_id\":\"d\",\"title\":\"Mill\",\"text\":\"The old mill by the river.\"}\n",
);
const QUERIES: &str = concat!(
    "{\"_id\":\"q1\",\"text\":\"the river\"}\n",
    "{\"_id\":\"q2\",\"text\":\"a cat\"}\n",
    "{\"_id\":\"other\",\"text\":\"not judged\"}\n",
);
const QRELS: &str = "query-id\tcorpus-id\tscore\nq1\ta\t2\nq1\t3\t1\nq2\tb\t1\nq2\tgone\t1\n";

/// A BEIR folder, and its corpus as an index, a job and files.
fn desk() -> Desk {
    let desk = desk!();
    std::fs::create_dir_all(desk.path("task/qrels")).expect("a folder");
    desk.write("task/corpus.jsonl", CORPUS).write("task/queries.jsonl", QUERIES);
    desk.write("task/qrels/test.tsv", QRELS);
    let reading =
        "task/corpus.jsonl -m STS --device cpu -q --id-field _id --text-field title --text-field text";
    desk.run(&format!("index build {reading} -o a.index --on-long truncate")).ok();
    for output in ["a.parquet", "a.arrow", "job/ --rows-per-shard 3"] {
        desk.run(&format!("embed {reading} --normalize -o {output}")).ok();
    }
    desk
}

const FILES: &str = "--queries task/queries.jsonl --qrels task/qrels/test.tsv";

#[test]
fn stored_vectors_have_the_figures_of_the_folder() {
    let desk = desk();
    let expected =
        desk.run("eval retrieval task -m STS --device cpu --json --per-query --trec task.run").ok().json();
    for place in ["a.index", "a.parquet", "a.arrow", "job"] {
        let line = format!(
            "eval retrieval {place} {FILES} -m STS --device cpu --json --per-query --trec {place}.run"
        );
        let run = desk.run(&line).ok();
        let report = run.json();
        for key in ["ndcg@10", "map_at_100", "intervals", "queries", "left_out", "per_query"] {
            assert_eq!(report[key], expected[key], "{place}: {key}");
        }
        let of = |key: &str| (&report["retrieval"][key], &expected["retrieval"][key]);
        for key in
            ["model", "query_prompt", "document_prompt", "similarity", "documents", "truncated_queries"]
        {
            assert_eq!(of(key).0, of(key).1, "{place}: {key}");
        }
        assert_eq!(report["retrieval"]["truncated_documents"], Value::Null);
        assert_eq!(desk.read(&format!("{place}.run")), desk.read("task.run"), "{place}");
        assert!(run.stderr.contains("4 documents and 2 queries in "), "{}", run.stderr);
    }
    // An index and a job know their model.
    let recorded = desk.run(&format!("eval retrieval a.index {FILES} --device cpu --json")).ok().json();
    assert_eq!(recorded["ndcg@10"], expected["ndcg@10"]);
    let one = format!("eval retrieval a.index {FILES} --device cpu --json -q --threads 1 --batch-tokens 7");
    assert_eq!(desk.run(&one).ok().json()["intervals"], expected["intervals"]);
}

#[test]
fn a_document_is_a_text_found_by_its_best_chunk() {
    let desk = desk();
    let long = (0..30).map(|number| format!("The river ran over bank number {number}. ")).collect::<String>();
    desk.write(
        "in.jsonl",
        format!("{{\"id\":\"long\",\"text\":\"{long}\"}}\n{{\"id\":7,\"text\":\"Cats.\"}}\n"),
    );
    desk.write("q.jsonl", "{\"_id\":\"q\",\"text\":\"the river\"}\n").write("q.tsv", "q long 1\nq 7 1\n");
    desk.run("index build in.jsonl -m STS --device cpu -q --chunk-tokens 20 -o long.index").ok();
    let line =
        "eval retrieval long.index --queries q.jsonl --qrels q.tsv --device cpu --json --trec long.run";
    let report = desk.run(line).ok().json();
    assert_eq!((&report["retrieval"]["documents"], &report["recall@3"]), (&json!(2), &json!(1.0)));
    assert_eq!(String::from_utf8(desk.read("long.run")).expect("a text").lines().count(), 2);
}

#[test]
fn every_metric_of_vectors_is_measured() {
    let desk = desk();
    let ranks = |metric: &str| {
        let line = format!("eval retrieval a.arrow {FILES} -m STS --device cpu -q --metric {metric} --json");
        desk.run(&line).ok().json()
    };
    let (cosine, euclidean) = (ranks("cosine"), ranks("euclidean"));
    assert_eq!(euclidean["retrieval"]["similarity"], "euclidean");
    // Of vectors of length 1 both have one order.
    assert_eq!((&cosine["ndcg@10"], &cosine["mrr@10"]), (&euclidean["ndcg@10"], &euclidean["mrr@10"]));
    desk.run("eval retrieval task -m STS --device cpu --metric euclidean")
        .ends(2, &["cosine or dot", "index"]);
}

#[test]
fn what_is_missing_is_named() {
    let desk = desk();
    desk.write("zz.tsv", "zz\ta\t1\n");
    for (line, code, parts) in [
        (
            "a.index",
            2,
            &["a.index stores no queries: name a file of them with --queries <FILE>", "hint:"][..],
        ),
        (
            "a.parquet --queries task/queries.jsonl",
            2,
            &["a.parquet stores no judgements: name a file of them with --qrels <FILE>"],
        ),
        ("a.index --queries task/queries.jsonl --qrels zz.tsv", 65, &["none of the queries that are judged"]),
        ("a.index --queries task/queries.jsonl --qrels absent", 66, &["absent"]),
    ] {
        desk.run(&format!("eval retrieval {line}")).ends(code, parts);
    }
    let asked = |more: &str| desk.run(&format!("eval retrieval a.index {FILES} --device cpu {more}"));
    asked("--document-prompt passage").ends(2, &["--document-prompt has no effect on a.index"]);
    asked("--metric dot").ends(78, &["a.index", "metric", "cosine", "dot"]);
    asked("-m BERT").ends(78, &["SHA-256"]);
    asked("--query-prompt none").ends(2, &["no prompt named `none`"]);
    asked("--split dev").ends(2, &["--split has no effect"]);
}
