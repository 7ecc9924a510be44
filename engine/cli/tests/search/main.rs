//! `nearsay search` on files of vectors and jobs' folders.

mod answers;
mod explained;
mod outputs;
mod refusals;

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run};
use serde_json::Value;

/// Texts with ids, years and languages.
const TEXTS: &str = r#"{"id": "mill", "text": "The mill on the river was built in 1820. It grinds corn.", "year": 1820, "lang": "en"}
{"id": "rain", "text": "It rained for three days. The river ran over its banks.", "year": 1953, "lang": "en"}
{"id": "brot", "text": "Das Brot ist gebacken.", "year": 1990, "lang": "de"}
{"id": "bread", "text": "Bread is baked on Fridays. It is sold at noon.", "year": 1990, "lang": "en"}
{"id": "none", "text": "", "year": null, "lang": null}
{"id": "garden", "text": "The garden is closed in winter.", "year": 2001, "lang": "en"}
"#;

/// How the texts are embedded.
const EMBED: &str = "embed in.jsonl -m STS --device cpu -q --keep text --keep year --keep lang";

/// A folder with the texts, and their vectors in every form.
fn desk_with_vectors() -> Desk {
    let desk = desk!();
    desk.write("in.jsonl", TEXTS);
    for output in ["a.parquet", "a.arrow", "a.safetensors", "job/ --rows-per-shard 2"] {
        desk.run(&format!("{EMBED} -o {output}")).ok();
    }
    desk.run("embed in.jsonl -m STS --device cpu -q -o a.npy").ok();
    desk
}

/// Runs the program with one more argument, which may have blanks.
fn run_with_text(desk: &Desk, line: &str, text: &[&str]) -> Run {
    let mut command = desk.command(line);
    command.args(text);
    nearsay_tests::run::finish(&format!("{line} {text:?}"), command, None)
}

/// The ids of the hits of an answer.
fn ids(answer: &Value) -> Vec<String> {
    let hits = answer["hits"].as_array().expect("hits");
    hits.iter().map(|hit| hit["id"].as_str().map_or_else(|| hit["id"].to_string(), str::to_owned)).collect()
}

/// The cosines of a query with all rows, in f64.
fn cosines(query: &[f32], rows: &[Vec<f32>]) -> Vec<f64> {
    let dot = |left: &[f32], right: &[f32]| -> f64 {
        left.iter().zip(right).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum()
    };
    let length = |vector: &[f32]| dot(vector, vector).sqrt();
    rows.iter().map(|row| dot(query, row) / length(query) / length(row)).collect()
}
