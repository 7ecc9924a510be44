//! `similarity`: how near texts are to each other.

use serde_json::{Value, json};

use super::super::arguments::{missing, texts};
use super::super::task::{TextSize, refused};
use super::super::text::{digits, rounded};
use super::{Answer, Call, Needs, ToolSpec, list_of_texts, object};
use crate::cosines::Cosines;
use crate::errors::{Reason, Refusal};
use crate::json::Fields;

pub(super) const NAME: &str = "similarity";

pub(super) const SPEC: ToolSpec = ToolSpec {
    name: NAME,
    title: "Compare texts",
    description: "Cosine similarities of texts by the embedding model: of every pair of `texts`, or of every text in texts_1 \
        with every text in texts_2. Use it to find duplicates or to match two lists. Scores of different models are not \
        comparable.",
    needs: Needs::Models,
    input,
    output,
};

const MOST_TEXTS: usize = 64;
/// Pairs that are listed.
const MOST_PAIRS: usize = 20;

fn input() -> Value {
    object(
        json!({
            "texts": list_of_texts("texts to compare with each other", 2, MOST_TEXTS),
            "texts_1": list_of_texts("instead of `texts`: rows of the matrix", 1, MOST_TEXTS),
            "texts_2": list_of_texts("its columns", 1, MOST_TEXTS),
        }),
        &[],
    )
}

fn output() -> Value {
    object(
        json!({
            "model": {"type": "string"},
            "matrix": {
                "type": "array", "items": {"type": "array", "items": {"type": "number"}},
                "description": "a row per text, or per text of texts_1; cosines rounded to 4 digits",
            },
            "pairs": {
                "type": "array", "description": format!("the best pairs first, at most {MOST_PAIRS}"),
                "items": object(
                    json!({
                        "row": {"type": "integer", "description": "index of the first text, from 0"},
                        "column": {"type": "integer", "description": "index of the second text"},
                        "score": {"type": "number"},
                    }),
                    &["row", "column", "score"],
                ),
            },
        }),
        &["model", "matrix", "pairs"],
    )
}

/// The texts of a call.
struct Lists {
    all: Vec<String>,
    /// How many of them are rows; 0 if all are rows and columns.
    rows: usize,
}

pub(super) async fn call(call: Call<'_>, mut fields: Fields) -> Result<Answer, Refusal> {
    let Lists { all, rows } = lists(&mut fields)?;
    fields.finish()?;
    let (task, engine) = (call.task, call.engine);
    let models = engine.models(task.deadline).await?;
    let size = TextSize::of("texts", &all);
    let (report, cancel, deadline) = (task.report(all.len()), task.cancel().clone(), task.deadline);
    let (name, vectors) = task
        .run(engine, size, move || {
            let (model, embedder) = super::super::engine::first_embedder(&models)?;
            let embedder = embedder.with_cancel(&cancel).with_progress(report);
            let embedder = deadline.map_or(embedder.clone(), |deadline| embedder.with_deadline(deadline));
            let embedded = embedder.embed(&all).map_err(refused("texts"))?;
            Ok((model.name.clone(), embedded.vectors))
        })
        .await?;
    let cosines = Cosines::new(&vectors)?;
    let (left, right) =
        if rows == 0 { (0..vectors.len(), 0..vectors.len()) } else { (0..rows, rows..vectors.len()) };
    let row = |a: usize| right.clone().map(|b| f64::from(cosines.of(a, b))).collect();
    let matrix: Vec<Vec<f64>> = left.map(row).collect();
    Ok(answer(&name, &matrix, rows == 0))
}

fn lists(fields: &mut Fields) -> Result<Lists, Refusal> {
    let all = texts(fields, "texts", 2..=MOST_TEXTS)?;
    let left = texts(fields, "texts_1", 1..=MOST_TEXTS)?;
    let right = texts(fields, "texts_2", 1..=MOST_TEXTS)?;
    match (all, left, right) {
        (Some(all), None, None) => Ok(Lists { all, rows: 0 }),
        (None, Some(left), Some(right)) => {
            let rows = left.len();
            Ok(Lists { all: left.into_iter().chain(right).collect(), rows })
        }
        (None, None, None) => Err(missing("texts", "a list of strings, or texts_1 and texts_2 must be")),
        (Some(_), ..) => Err(Refusal::of(
            "texts",
            Reason::Value,
            "texts must be given alone, got texts_1 or texts_2 next to it",
        )),
        (None, Some(_), None) => Err(missing("texts_2", "a list of strings next to texts_1")),
        (None, None, Some(_)) => Err(missing("texts_1", "a list of strings next to texts_2")),
    }
}

fn answer(model: &str, matrix: &[Vec<f64>], is_square: bool) -> Answer {
    let first = |row: usize| if is_square { row + 1 } else { 0 };
    let cells = matrix.iter().enumerate();
    let mut pairs: Vec<(usize, usize, f64)> = cells
        .flat_map(|(row, scores)| (first(row)..scores.len()).map(move |column| (row, column, scores[column])))
        .collect();
    pairs.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
    pairs.truncate(MOST_PAIRS);
    let lines = pairs.iter().map(|(row, column, score)| format!("{row} and {column}: {}", digits(*score)));
    let text = format!("Cosines by {model}, best pairs first:\n{}", lines.collect::<Vec<_>>().join("\n"));
    let pairs: Vec<Value> = pairs
        .iter()
        .map(|(row, column, score)| json!({"row": row, "column": column, "score": rounded(*score)}))
        .collect();
    let matrix: Vec<Vec<Value>> =
        matrix.iter().map(|scores| scores.iter().map(|score| rounded(*score)).collect()).collect();
    Answer { structured: json!({"model": model, "matrix": matrix, "pairs": pairs}), text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_sorted_and_a_text_is_not_paired_with_itself() {
        let square = [vec![1.0, 0.2, 0.9], vec![0.2, 1.0, 0.9], vec![0.9, 0.9, 1.0]];
        let answer = answer("m", &square, true);
        let pairs: Vec<_> = answer.structured["pairs"].as_array().unwrap().iter().collect();
        assert_eq!(pairs[0], &json!({"row": 0, "column": 2, "score": 0.9}));
        assert_eq!((pairs[1]["row"].as_u64(), pairs.len()), (Some(1), 3));
        assert!(answer.text.contains("0 and 2: 0.9000"), "{}", answer.text);
    }
}
