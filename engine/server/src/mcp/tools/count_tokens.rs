//! `count_tokens`: how long texts are for the model.

use serde_json::{Value, json};

use super::super::arguments::required_texts;
use super::super::engine::first_embedder;
use super::super::task::{TextSize, refused};
use super::{Answer, Call, Needs, ToolSpec, list_of_texts, object};
use crate::errors::Refusal;
use crate::json::Fields;

pub(super) const NAME: &str = "count_tokens";

pub(super) const SPEC: ToolSpec = ToolSpec {
    name: NAME,
    title: "Count tokens",
    description: "Count the tokens of texts for the embedding model, special tokens included, and tell which texts are longer \
        than it reads: it would cut them. Tokens of a chat model are others.",
    needs: Needs::Models,
    input,
    output,
};

const MOST_TEXTS: usize = 100;

fn input() -> Value {
    object(json!({"texts": list_of_texts("texts to count", 1, MOST_TEXTS)}), &["texts"])
}

fn output() -> Value {
    object(
        json!({
            "model": {"type": "string"},
            "max_tokens": {"type": "integer", "description": "tokens that the model reads"},
            "texts": {
                "type": "array",
                "items": object(
                    json!({"tokens": {"type": "integer"}, "cut": {"type": "boolean"}}),
                    &["tokens", "cut"],
                ),
            },
        }),
        &["model", "max_tokens", "texts"],
    )
}

pub(super) async fn call(call: Call<'_>, mut fields: Fields) -> Result<Answer, Refusal> {
    let texts = required_texts(&mut fields, "texts", 1..=MOST_TEXTS)?;
    fields.finish()?;
    let models = call.engine.models(call.task.deadline).await?;
    let cancel = call.task.cancel().clone();
    let (model, most, counts) = call
        .task
        .run(call.engine, TextSize::NONE, move || {
            let (model, embedder) = first_embedder(&models)?;
            let tokenized = embedder.with_cancel(&cancel).tokenize_whole(&texts).map_err(refused("texts"))?;
            let counts: Vec<usize> = tokenized.iter().map(|text| text.tokens.ids.len()).collect();
            Ok((model.name.clone(), embedder.max_tokens(), counts))
        })
        .await?;
    let line = |(index, count): (usize, &usize)| {
        let cut = if *count > most { ", cut" } else { "" };
        format!("{index}: {count} tokens{cut}")
    };
    let lines: Vec<String> = counts.iter().enumerate().map(line).collect();
    let texts: Vec<Value> =
        counts.iter().map(|count| json!({"tokens": count, "cut": *count > most})).collect();
    Ok(Answer {
        structured: json!({"model": model, "max_tokens": most, "texts": texts}),
        text: format!("{model} reads at most {most} tokens.\n{}", lines.join("\n")),
    })
}
