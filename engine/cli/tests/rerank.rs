//! `nearsay rerank`: texts and hits in a new order, and what is refused.

use nearsay_tests::run::Desk;
use nearsay_tests::{desk, fixture};

fn desk() -> Desk {
    let desk = desk!();
    desk.write(
        "texts.jsonl",
        "{\"id\":7,\"text\":\"the river\"}\n{\"text\":\"bread\"}\n{\"text\":\"the night\"}\n",
    );
    desk
}

fn line(rest: &str) -> String {
    format!("rerank -m {} {rest}", fixture("cross-encoders/bert").display())
}

#[test]
fn texts_of_a_file_and_hits_have_the_same_order_and_scores() {
    let desk = desk();
    let ranked = desk.run(&line("texts.jsonl --query river")).ok().rows();
    assert_eq!(ranked.iter().map(|row| row["rank"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    let scores: Vec<f64> = ranked.iter().map(|row| row["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|one, next| one >= next), "{scores:?}");
    let hit = |rank: usize, id: &str, text: &str| {
        format!("{{\"rank\":{rank},\"score\":0.5,\"id\":{id},\"text\":\"{text}\"}}")
    };
    let hits = [hit(1, "7", "the river"), hit(2, "1", "bread"), hit(3, "2", "the night")].join(",");
    desk.write("hits.jsonl", format!("{{\"query\":\"river\",\"hits\":[{hits}]}}\n"));
    let of_hits = desk.run(&line("hits.jsonl -k 2")).ok().rows();
    assert_eq!(of_hits.len(), 2);
    for (one, other) in of_hits.iter().zip(&ranked) {
        assert_eq!((&one["text"], &one["score"]), (&other["text"], &other["score"]));
        assert_eq!(one["query"], "river");
    }
}

#[test]
fn texts_without_a_query_are_refused_with_a_hint_and_none_are_reported() {
    let desk = desk();
    desk.run(&line("texts.jsonl")).ends(65, &["texts.jsonl, row 1", "name the query: --query TEXT"]);
    desk.write("none.jsonl", "");
    for flags in ["none.jsonl --query river", "none.jsonl"] {
        let run = desk.run(&line(flags)).ok();
        assert!(
            run.stdout.is_empty() && run.stderr.contains("none.jsonl has 0 texts to rank"),
            "{}",
            run.stderr
        );
    }
}
