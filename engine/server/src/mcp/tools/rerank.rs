//! `rerank`: texts in the order in which they answer a query.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::arguments::{required_texts, text, whole};
use super::super::engine::{ToolModel, first_embedder};
use super::super::task::{TextSize, refused};
use super::super::text::{digits, number};
use super::{Answer, Call, Needs, ToolSpec, list_of_texts, object};
use crate::cosines::of_first;
use crate::errors::Refusal;
use crate::json::Fields;

pub(super) const NAME: &str = "rerank";

pub(super) const SPEC: ToolSpec = ToolSpec {
    name: NAME,
    title: "Rank texts",
    description: "Put texts into the order in which they answer a query: by a cross-encoder, which reads the query and a text \
        together, if the server has one, else by the cosine of their vectors. Scores of one call are comparable with each \
        other only.",
    needs: Needs::Models,
    input,
    output,
};

const MOST_TEXTS: usize = 100;

fn input() -> Value {
    object(
        json!({
            "query": {"type": "string", "description": "what the texts should answer"},
            "texts": list_of_texts("texts to rank", 2, MOST_TEXTS),
            "top_n": {
                "type": "integer", "minimum": 1, "maximum": MOST_TEXTS, "description": "results at most; by default all",
            },
        }),
        &["query", "texts"],
    )
}

fn output() -> Value {
    object(
        json!({
            "model": {"type": "string"},
            "method": {"type": "string", "enum": ["cross-encoder", "cosine"]},
            "results": {
                "type": "array", "description": "the best first",
                "items": object(
                    json!({
                        "index": {"type": "integer", "description": "index in texts, from 0"},
                        "score": {"type": ["number", "null"]},
                    }),
                    &["index", "score"],
                ),
            },
        }),
        &["model", "method", "results"],
    )
}

/// Texts to rank.
struct Ranking {
    query: String,
    texts: Vec<String>,
}

/// The scores of the texts, and what they are.
struct Scored {
    model: String,
    method: &'static str,
    scores: Vec<f32>,
}

pub(super) async fn call(call: Call<'_>, mut fields: Fields) -> Result<Answer, Refusal> {
    let query = text(&mut fields, "query")?;
    let texts = required_texts(&mut fields, "texts", 2..=MOST_TEXTS)?;
    let top = whole(&mut fields, "top_n", 1..=MOST_TEXTS, texts.len())?;
    fields.finish()?;
    let (task, engine) = (call.task, call.engine);
    let models = engine.models(task.deadline).await?;
    let size = TextSize::of("texts", texts.iter().chain([&query]));
    let (report, cancel) = (task.report(texts.len()), task.cancel().clone());
    let ranking = Ranking { query, texts };
    let scored = task.run(engine, size, move || ranking.score(&models, &cancel, report)).await?;

    let mut order: Vec<usize> = (0..scored.scores.len()).collect();
    // What is not a number comes last; equal scores keep the order of the texts.
    let key = |index: usize| {
        Some(scored.scores[index]).filter(|score| !score.is_nan()).unwrap_or(f32::NEG_INFINITY)
    };
    order.sort_by(|left, right| key(*right).total_cmp(&key(*left)));
    order.truncate(top);
    let Scored { model, method, scores } = scored;
    let lines = order.iter().map(|index| format!("text {index}: {}", digits(scores[*index].into())));
    let text = format!("Best first, {method} by {model}:\n{}", lines.collect::<Vec<_>>().join("\n"));
    let results: Vec<Value> =
        order.iter().map(|index| json!({"index": index, "score": number(scores[*index])})).collect();
    Ok(Answer { structured: json!({"model": model, "method": method, "results": results}), text })
}

impl Ranking {
    fn score(
        &self,
        models: &[Arc<ToolModel>],
        cancel: &nearsay::Cancel,
        report: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<Scored, Refusal> {
        let refused = refused("texts");
        let found = models.iter().find_map(|model| Some(model).zip(model.cross_encoder()));
        if let Some((model, cross_encoder)) = found {
            let pairs: Vec<(&str, &str)> =
                self.texts.iter().map(|text| (self.query.as_str(), text.as_str())).collect();
            let scores = cross_encoder.with_cancel(cancel).score(&pairs, report).map_err(&refused)?.scores;
            return Ok(Scored { model: model.name.clone(), method: "cross-encoder", scores });
        }
        let (model, embedder) = first_embedder(models)?;
        let embedder = embedder.with_cancel(cancel).with_progress(report);
        let query = embedder.prompt("query").map_err(&refused)?.embed(&[&self.query]).map_err(&refused)?;
        let texts = embedder.prompt("document").map_err(&refused)?.embed(&self.texts).map_err(&refused)?;
        let scores = of_first(&query.vectors, &texts.vectors)?;
        Ok(Scored { model: model.name.clone(), method: "cosine", scores })
    }
}
