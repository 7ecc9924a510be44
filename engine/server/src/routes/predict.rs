//! `POST /predict`: the labels of texts and pairs of texts, as text-embeddings-inference's.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::rerank::TextOrPair;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::inputs::{check_count, check_side, truncation};
use super::relevance::sigmoid;
use super::{Terms, json_of, reported};
use crate::errors::{Reason, Refusal};
use crate::json::{Fields, kind};
use crate::limits::read_fields;
use crate::numbers::Float;
use crate::shared::Shared;

/// A label and its score.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Prediction {
    /// The softmax of the logits; with one label their sigmoid; with `raw_scores` the logit itself.
    score: Float,
    /// The label's name in the model's files.
    label: String,
}

/// The labels of one text, or of several.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Predictions {
    /// Of one text or pair, the highest score first.
    One(Vec<Prediction>),
    /// Of each of several.
    Several(Vec<Vec<Prediction>>),
}

/// The texts and pairs of a request.
struct Inputs {
    inputs: Vec<TextOrPair>,
    /// Whether the answer is a list of lists.
    are_several: bool,
}

pub(super) async fn predict(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Refusal> {
    let terms = Terms::read(&shared, request.headers())?;
    let fields = read_fields(request, &shared.config.limits).await?;
    of_tei(&shared, terms, fields).await
}

/// Answers with the labels of the first model.
pub(super) async fn of_tei(
    shared: &Arc<Shared>,
    terms: Terms,
    mut fields: Fields,
) -> Result<Response, Refusal> {
    let model = shared.model(None, terms.deadline).await?;
    let labels = model.labels()?;
    let Inputs { inputs, are_several } = inputs(fields.required("inputs")?, shared.config.limits.inputs)?;
    let (truncates, side) = truncation(&mut fields)?;
    let texts = inputs.iter().flat_map(|input| match input {
        TextOrPair::Text(text) => vec![text.as_str()],
        TextOrPair::Pair(first, second) => vec![&**first, second.as_str()],
    });
    check_side(side, texts, "inputs")?;
    let conditions = terms.conditions(truncates, &shared.config);
    let raw = fields.boolean("raw_scores")?.unwrap_or(false);
    fields.finish()?;

    let scored = shared.work.score(&labels.kind(true, side)?, inputs, conditions).await;
    let scored = scored.map_err(|failure| failure.refusal("inputs"))?;
    let mut predictions = scored.value.iter().map(|logits| predictions(logits, &labels.names, raw));
    let answer = match are_several {
        true => Predictions::Several(predictions.collect()),
        false => Predictions::One(predictions.next().unwrap_or_default()),
    };
    Ok(reported(json_of(&answer), &model, scored.measured, None))
}

/// A text, a list of one text or of the two of a pair, or a list of such lists.
fn inputs(value: Value, most: usize) -> Result<Inputs, Refusal> {
    const RULE: &str = "a string, a list of one or two strings, or a list of such lists";
    let refuse = |path: &str, value: &Value| {
        let message = format!("{path} must be {RULE}, got {}", kind(value));
        Refusal::of("inputs", Reason::Value, message)
    };
    match value {
        Value::String(text) => Ok(Inputs { inputs: vec![TextOrPair::Text(text)], are_several: false }),
        Value::Array(items) if items.first().is_some_and(Value::is_string) => {
            Ok(Inputs { inputs: vec![sequence("inputs", items)?], are_several: false })
        }
        Value::Array(items) => {
            check_count("inputs", items.len(), most)?;
            let input = |(index, item)| match (format!("inputs[{index}]"), item) {
                (path, Value::Array(items)) => sequence(&path, items),
                (path, other) => Err(refuse(&path, &other)),
            };
            let inputs = items.into_iter().enumerate().map(input).collect::<Result<_, _>>()?;
            Ok(Inputs { inputs, are_several: true })
        }
        other => Err(refuse("inputs", &other)),
    }
}

/// The text, or the pair, in a list.
fn sequence(path: &str, items: Vec<Value>) -> Result<TextOrPair, Refusal> {
    let of = |message| Refusal::of("inputs", Reason::Value, message);
    let count = items.len();
    let text = |(index, item)| match item {
        Value::String(text) => Ok(text),
        other => Err(of(format!("{path}[{index}] must be a string, got {}", kind(&other)))),
    };
    let mut texts =
        items.into_iter().take(3).enumerate().map(text).collect::<Result<Vec<_>, _>>()?.into_iter();
    match (texts.next(), texts.next(), texts.next()) {
        (Some(text), None, _) => Ok(TextOrPair::Text(text)),
        (Some(first), Some(second), None) => Ok(TextOrPair::Pair(first.into(), second)),
        _ => Err(of(format!("{path} must have one text, or the two of a pair, got {count}"))),
    }
}

/// The labels of one input, the highest score first.
fn predictions(logits: &[f32], names: &[String], raw: bool) -> Vec<Prediction> {
    let scores = match logits {
        _ if raw => logits.to_vec(),
        [logit] => vec![sigmoid(*logit)],
        logits => softmax(logits),
    };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|left, right| scores[*right].total_cmp(&scores[*left]));
    let prediction = |label: usize| Prediction { score: Float(scores[label]), label: names[label].clone() };
    order.into_iter().map(prediction).collect()
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> =
        logits.iter().map(|logit| (f64::from(*logit) - f64::from(highest)).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|value| (value / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<(Vec<TextOrPair>, bool), String> {
        let read = inputs(value, 3).map_err(|refusal| refusal.message)?;
        Ok((read.inputs, read.are_several))
    }

    #[test]
    fn a_list_of_strings_is_one_input() {
        let text = |text: &str| TextOrPair::Text(text.to_owned());
        let pair = |first: &str, second: &str| TextOrPair::Pair(first.into(), second.to_owned());
        assert_eq!(read(json!("a")), Ok((vec![text("a")], false)));
        assert_eq!(read(json!(["a"])), Ok((vec![text("a")], false)));
        assert_eq!(read(json!(["a", "b"])), Ok((vec![pair("a", "b")], false)));
        assert_eq!(read(json!([["a"], ["a", "b"]])), Ok((vec![text("a"), pair("a", "b")], true)));
        for (value, message) in [
            (json!(["a", "b", "c", "d"]), "inputs must have one text, or the two of a pair, got 4"),
            (json!([[]]), "inputs[0] must have one text, or the two of a pair, got 0"),
            (json!([["a"], "b"]), "got a string"),
            (json!(["a", 1]), "inputs[1] must be a string, got a number"),
            (json!([["a", null]]), "inputs[0][1] must be a string, got null"),
            (json!([]), "inputs must have at least one text, got an empty list"),
            (json!([["a"], ["a"], ["a"], ["a"]]), "inputs must have at most 3 texts"),
            (json!(1), "got a number"),
        ] {
            let refused = read(value.clone()).unwrap_err();
            assert!(refused.contains(message), "{value}: {refused}");
        }
    }

    #[test]
    fn scores_are_probabilities_unless_they_are_raw() {
        let names = ["no", "maybe", "yes"].map(str::to_owned);
        let scored = |logits: &[f32], raw| -> Vec<(f32, String)> {
            let of = predictions(logits, &names, raw);
            of.into_iter().map(|prediction| (prediction.score.0, prediction.label)).collect()
        };
        let raw = scored(&[-1.0, 0.5, 80.0], true);
        assert_eq!(raw, [(80.0, "yes".to_owned()), (0.5, "maybe".to_owned()), (-1.0, "no".to_owned())]);
        // exp(2) / (exp(2) + 2), and the sigmoid of ln 3.
        let soft = scored(&[0.0, 2.0, 0.0], false);
        assert!((soft[0].0 - 0.786_986).abs() < 1e-6 && soft[0].1 == "maybe", "{soft:?}");
        assert!((scored(&[3.0_f32.ln()], false)[0].0 - 0.75).abs() < 1e-6);
    }
}
