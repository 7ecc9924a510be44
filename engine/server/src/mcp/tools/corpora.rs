//! `corpora`: what can be searched.

use std::sync::Arc;

use nearsay::search::Description;
use serde_json::{Value, json};

use super::super::corpora::OpenCorpus;
use super::super::task::{TextSize, refused};
use super::super::text::{column, visible};
use super::{Answer, Call, Needs, ToolSpec, object};
use crate::errors::Refusal;
use crate::json::Fields;

pub(super) const NAME: &str = "corpora";

pub(super) const SPEC: ToolSpec = ToolSpec {
    name: NAME,
    title: "List corpora",
    description: "List the corpora that can be searched: name, rows, model, the columns that filters and hits can have with \
        examples of their values, and inputs that have changed since they were read.",
    needs: Needs::Corpora,
    input,
    output,
};

/// Inputs that are named because they have changed.
const MOST_STALE: usize = 10;

fn input() -> Value {
    object(json!({}), &[])
}

fn output() -> Value {
    object(json!({"corpora": {"type": "array", "items": schema()}}), &["corpora"])
}

fn schema() -> Value {
    let column = object(
        json!({"name": {"type": "string"}, "type": {"type": "string"}, "examples": {"type": "array"}}),
        &["name", "type", "examples"],
    );
    object(
        json!({
            "name": {"type": "string"},
            "uri": {"type": "string"},
            "rows": {"type": "integer"},
            "model": {"type": ["string", "null"], "description": "the model of its vectors, if it is recorded"},
            "metric": {"type": "string"},
            "columns": {"type": "array", "items": column},
            "complete": {"type": "boolean", "description": "whether all rows of its inputs are there"},
            "stale": {
                "type": "array", "items": {"type": "string"},
                "description": format!("inputs that have changed since they were read, at most {MOST_STALE}"),
            },
            "version": {"type": "string", "description": "changes when the corpus does"},
        }),
        &["name", "uri", "rows", "model", "metric", "columns", "complete", "stale", "version"],
    )
}

pub(super) async fn call(call: Call<'_>, fields: Fields) -> Result<Answer, Refusal> {
    fields.finish()?;
    let current: Vec<Arc<OpenCorpus>> = call.toolset.corpora.all().map(|corpus| corpus.current()).collect();
    let describe = move || current.iter().map(|corpus| description(corpus)).collect::<Result<Vec<_>, _>>();
    let described = call.task.run(call.engine, TextSize::NONE, describe).await?;
    let lines: Vec<String> = described.iter().map(line).collect();
    Ok(Answer { structured: json!({ "corpora": described }), text: lines.join("\n") })
}

/// A corpus in a line.
fn line(corpus: &Value) -> String {
    let text = |name: &str| corpus[name].as_str().unwrap_or("not recorded").to_owned();
    let columns = corpus["columns"].as_array().into_iter().flatten();
    let columns: Vec<&str> = columns.filter_map(|column| column["name"].as_str()).collect();
    let stale = match corpus["stale"].as_array().map_or(0, Vec::len) {
        0 => String::new(),
        1 => "; an input has changed since it was read".to_owned(),
        _ => "; inputs have changed since they were read".to_owned(),
    };
    format!(
        "{}: {} rows; model {}; columns {}{stale}",
        text("name"),
        corpus["rows"],
        text("model"),
        columns.join(", ")
    )
}

/// What a corpus is.
pub(in crate::mcp) fn description(corpus: &OpenCorpus) -> Result<Value, Refusal> {
    let Description { rows, model, metric, columns, complete, stale, .. } =
        corpus.describe().map_err(refused("corpus"))?;
    let columns: Vec<Value> = columns
        .into_iter()
        .map(|it| {
            let examples: Vec<Value> = it.examples.into_iter().map(column).collect();
            json!({"name": visible(&it.name), "type": it.data_type, "examples": examples})
        })
        .collect();
    let stale: Vec<String> = stale.iter().take(MOST_STALE).map(|input| visible(input)).collect();
    Ok(json!({
        "name": corpus.name, "uri": super::super::uri::of_corpus(&corpus.name), "rows": rows, "model": model,
        "metric": metric, "columns": columns, "complete": complete, "stale": stale,
        "version": format!("{:x}", corpus.version),
    }))
}
