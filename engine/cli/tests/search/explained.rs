//! `--explain`: which token of a hit each token of the query matches.

use super::*;

const QUERY: &str = "bread at noon";

/// A token of `embed --level token`: its bytes in the text and its hidden state.
type Token = ([u64; 2], Vec<f32>);

/// The tokens of a row of `embed --level token` that have a place in the text.
fn tokens(row: &Value) -> Vec<Token> {
    let numbers = |value: &Value| value.as_array().unwrap().clone();
    let token = |(place, vector): (&Value, &Value)| {
        let place = [0, 1].map(|end| place[end].as_u64().unwrap());
        (place, numbers(vector).iter().map(|value| value.as_f64().unwrap() as f32).collect())
    };
    let places = numbers(&row["byte_offsets"]);
    let all = places.iter().zip(row["embeddings"].as_array().unwrap()).map(token);
    all.filter(|(place, _)| place != &[0, 0]).collect()
}

#[test]
fn the_match_of_each_token_has_the_greatest_cosine() {
    let desk = desk_with_vectors();
    let level = "--level token -m STS --device cpu -q";
    let query =
        run_with_text(&desk, &format!("embed {level} --prompt-name query --text"), &[QUERY]).ok().json();
    let query = tokens(&query);
    let rows = desk.run(&format!("embed in.jsonl {level}")).ok().rows();
    for corpus in ["job", "a.parquet"] {
        let line = format!("search {corpus} -m STS --device cpu -q --explain --json");
        let answer = run_with_text(&desk, &line, &[QUERY]).ok().json();
        for hit in answer["hits"].as_array().unwrap() {
            let row = rows.iter().find(|row| row["id"] == hit["id"]).unwrap();
            let (text, own) = (hit["text"].as_str().unwrap(), tokens(row));
            let explanation = hit["explanation"].as_array().unwrap();
            assert_eq!(explanation.len(), if own.is_empty() { 0 } else { query.len() }, "{hit}");
            for (found, (place, vector)) in explanation.iter().zip(&query) {
                assert_eq!(found["query_span"], serde_json::json!(place));
                let vectors: Vec<Vec<f32>> = own.iter().map(|(_, vector)| vector.clone()).collect();
                let cosines = cosines(vector, &vectors);
                let best = cosines.iter().copied().fold(f64::MIN, f64::max);
                let at = cosines.iter().position(|cosine| *cosine == best).unwrap();
                assert_eq!(found["span"], serde_json::json!(own[at].0), "{found}");
                assert!((found["cosine"].as_f64().unwrap() - best).abs() < 1e-5, "{found}: {best}");
                let [start, end] = own[at].0.map(|place| place as usize);
                assert_eq!(found["match"], text[start..end]);
            }
        }
    }
}

#[test]
fn a_query_is_explained_alike_alone_and_in_a_file_with_any_batch() {
    let desk = desk_with_vectors();
    desk.write("q.txt", format!("the river\n{QUERY}\nwinter\n"));
    let line = "search job -m STS --device cpu -q --explain";
    let alone = run_with_text(&desk, &format!("{line} --json"), &[QUERY]).ok().json();
    let of = |answer: &Value| -> Vec<Value> {
        answer["hits"].as_array().unwrap().iter().map(|hit| hit["explanation"].clone()).collect()
    };
    desk.run(&format!("{line} --queries q.txt --batch-tokens 7 --threads 1 -o hits.jsonl")).ok();
    let bytes = desk.read("hits.jsonl");
    let answers: Vec<Value> =
        serde_json::Deserializer::from_slice(&bytes).into_iter().map(Result::unwrap).collect();
    assert_eq!(of(&answers[1]), of(&alone));
    assert_ne!(of(&answers[0]), of(&alone));
}

#[test]
fn tokens_are_shown_in_columns_within_the_terminal() {
    let desk = desk_with_vectors();
    let line = "search job -m STS --device cpu -q --explain -k 1";
    let query = "when is the bread baked, and is it sold at noon or on fridays at the mill?";
    let run = run_with_text(&desk, line, &[query]).ok();
    let lines: Vec<&str> = run.text().lines().filter(|line| line.contains(" -> ")).collect();
    assert!(lines.len() > 1, "{}", run.text());
    assert!(run.text().lines().all(|line| line.chars().count() <= 80), "{}", run.text());
    let shown: usize = lines.iter().map(|line| line.matches(" -> ").count()).sum();
    let json = run_with_text(&desk, &format!("{line} --json"), &[query]).ok().json();
    assert_eq!(shown, json["hits"][0]["explanation"].as_array().unwrap().len());
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let desk = desk_with_vectors();
    let needs_words = "--explain has no effect without queries in words";
    desk.run("search job --like mill --explain").ends(2, &[needs_words, "hint:"]);
    desk.run("search job --query-vectors a.npy --explain").ends(2, &[needs_words]);
    desk.run("search job bread --explain --trec -")
        .ends(2, &["--explain has no effect with --trec", "--json"]);
    desk.run("search job bread --explain -o hits.parquet").ends(2, &["--explain has no effect with"]);
    desk.run("embed in.jsonl -m STS --device cpu -q -o bare.parquet").ok();
    let parts = ["--explain needs the texts of hits, and bare.parquet has none", "--keep text"];
    desk.run("search bare.parquet -m STS --device cpu --explain bread").ends(2, &parts);
    let long = "The river. ".repeat(300);
    desk.write("long.jsonl", format!("{{\"text\": \"{long}\"}}\n"));
    desk.run("embed long.jsonl -m STS --device cpu -q --keep text -o long.parquet").ok();
    let run = desk.run("search long.parquet -m STS --device cpu --explain --json river");
    let run = run.ends(0, &["1 text was truncated to the model's longest length for the explanation"]);
    let hit = &run.json()["hits"][0];
    assert!(hit["explained_to"].as_u64().unwrap() < long.len() as u64, "{hit}");
}
