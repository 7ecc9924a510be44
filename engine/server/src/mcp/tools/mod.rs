//! The tools: one module each, with its arguments, its result and their schemas.

mod corpora;
mod count_tokens;
mod hits;
mod read;
mod related;
mod rerank;
mod score;
mod search;
mod similarity;

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use super::engine::Engine;
use super::task::Task;
use super::toolset::Opened;
use crate::errors::{Reason, Refusal};
use crate::json::Fields;

pub(super) use corpora::description;
pub(super) use read::piece;

/// The name of the tool that searches in words.
pub(super) const SEARCH: &str = search::NAME;

/// What a tool needs to be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Models,
    Corpora,
    Both,
}

/// A tool as it is listed.
#[derive(Debug)]
pub(super) struct ToolSpec {
    pub(super) name: &'static str,
    title: &'static str,
    description: &'static str,
    pub(super) needs: Needs,
    /// The schemas of its arguments and its result.
    input: fn() -> Value,
    output: fn() -> Value,
}

/// All tools, in the order in which they are listed.
pub(super) const TOOLS: [ToolSpec; 8] = [
    search::SPEC,
    read::SPEC,
    related::SPEC,
    rerank::SPEC,
    similarity::SPEC,
    score::SPEC,
    corpora::SPEC,
    count_tokens::SPEC,
];

impl ToolSpec {
    pub(super) fn definition(&self) -> Tool {
        let hints =
            ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false);
        Tool::new(self.name, self.description, schema((self.input)()))
            .with_title(self.title)
            .with_raw_output_schema(schema((self.output)()))
            .with_annotations(hints)
    }
}

fn schema(value: Value) -> Arc<JsonObject> {
    match value {
        Value::Object(schema) => Arc::new(schema),
        _ => Arc::default(),
    }
}

/// The schema of an object with these properties and no others.
fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// The schema of a list of strings, so many of them.
fn list_of_texts(description: &str, least: usize, most: usize) -> Value {
    json!({
        "type": "array", "items": {"type": "string"}, "minItems": least, "maxItems": most, "description": description,
    })
}

/// A tool's result: for programs, and as text for people and for clients that read nothing else.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) structured: Value,
    pub(super) text: String,
}

/// What a call works with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) toolset: &'a Opened,
    pub(super) engine: &'a Engine,
    pub(super) task: &'a Task,
}

/// Calls the tool of this name.
///
/// # Errors
/// If an argument breaks a rule, or the work fails.
pub(super) async fn call(call: Call<'_>, name: &str, fields: Fields) -> Result<Answer, Refusal> {
    match name {
        search::NAME => search::call(call, fields).await,
        read::NAME => read::call(call, fields).await,
        related::NAME => related::call(call, fields).await,
        rerank::NAME => rerank::call(call, fields).await,
        similarity::NAME => similarity::call(call, fields).await,
        score::NAME => score::call(call, fields).await,
        corpora::NAME => corpora::call(call, fields).await,
        count_tokens::NAME => count_tokens::call(call, fields).await,
        other => Err(Refusal::new(Reason::Bug, format!("the tool {other} is listed and does nothing"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_what_agents_need_to_choose_it() {
        for spec in &TOOLS {
            let tool = serde_json::to_value(spec.definition()).unwrap();
            for schema in ["inputSchema", "outputSchema"] {
                assert_eq!(tool[schema]["type"], "object", "{tool}");
                assert_eq!(tool[schema]["additionalProperties"], false, "{tool}");
            }
            let hints = &tool["annotations"];
            assert_eq!((&hints["readOnlyHint"], &hints["openWorldHint"]), (&json!(true), &json!(false)));
            assert_eq!(hints["idempotentHint"], true);
            let description = tool["description"].as_str().unwrap();
            assert!((40..700).contains(&description.len()), "{}: {}", spec.name, description.len());
            for (name, property) in tool["inputSchema"]["properties"].as_object().unwrap() {
                assert!(property["description"].is_string(), "{}: {name}", spec.name);
            }
        }
    }
}
